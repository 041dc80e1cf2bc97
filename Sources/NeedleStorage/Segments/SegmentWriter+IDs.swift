package import NeedleCore

extension SegmentWriter {
    /// Writes the four sections about ids: records, strings, hash table and order.
    ///
    /// Memory: 12 to 24 bytes a row while it runs.
    ///
    /// - Parameter id: gives the id of a row; asked several times. Ids of live rows are distinct; of rows
    ///   with the same id the *last* is the one that `lookup` finds.
    package mutating func writeIDs(_ id: (Int) -> PointID) throws(DatabaseError) {
        try writeRecords(id)
        try section(.idHash, elements: hashTable(id))
        try section(.idOrder, elements: order(id))
    }

    private mutating func writeRecords(_ id: (Int) -> PointID) throws(DatabaseError) {
        try begin(.rowIDs, stride: 16, expectedBytes: 16 * rowCount)
        var heapBytes = 0
        for row in 0..<rowCount {
            var record = ByteWriter(reserving: 16)
            switch id(row) {
            case .integer(let value):
                record.append(value)
                record.append(UInt64(0))
            case .string(let bytes):
                precondition(!bytes.isEmpty && bytes.count <= PointID.maximumStringBytes, "a valid id")
                record.append(UInt64(heapBytes))
                record.append(UInt32(bytes.count))
                record.append(UInt32(0))
                heapBytes += bytes.count
            }
            try append(record.bytes.span.bytes)
        }
        try end()
        try begin(.stringHeap, stride: 1, expectedBytes: heapBytes)
        if heapBytes > 0 {
            for row in 0..<rowCount {
                if case .string(let bytes) = id(row) { try append(bytes.span.bytes) }
            }
        }
        try end()
    }

    private func hashTable(_ id: (Int) -> PointID) -> [UInt32] {
        let slots = IDHash.slotCount(rows: rowCount)
        var table = [UInt32](repeating: 0, count: slots)
        for row in 0..<rowCount {
            let own = id(row)
            var slot = Int(truncatingIfNeeded: IDHash.hash(own)) & (slots - 1)
            // A later row of the same id takes the slot of the earlier one.
            while table[slot] != 0, id(Int(table[slot]) - 1) != own { slot = (slot + 1) & (slots - 1) }
            table[slot] = UInt32(row + 1)
        }
        return table
    }

    private func order(_ id: (Int) -> PointID) -> [UInt32] {
        var integers: [(value: UInt64, row: UInt32)] = []
        var strings: [UInt32] = []
        for row in 0..<rowCount {
            switch id(row) {
            case .integer(let value): integers.append((value, UInt32(row)))
            case .string: strings.append(UInt32(row))
            }
        }
        integers.sort { ($0.value, $0.row) < ($1.value, $1.row) }
        strings.sort { left, right in
            let (a, b) = (id(Int(left)), id(Int(right)))
            return a == b ? left < right : a < b
        }
        return integers.map(\.row) + strings
    }
}
