package import NeedleCore

/// The sections about ids.
struct IDSections: Sendable {
    var records: SegmentSection
    var heap: SegmentSection
    var table: SegmentSection
    var order: SegmentSection
}

extension SegmentReader {
    /// The id of a row.
    ///
    /// - Precondition: a row of this segment.
    /// - Throws: `corruption` when the record makes no sense.
    package func id(at row: Int) throws(DatabaseError) -> PointID {
        switch try record(at: row) {
        case .integer(let value): .integer(value)
        case .string(let bytes): .string(Array(bytes))
        }
    }

    /// The row of an id; of several versions the newest. Deleted rows are found too. About one probe.
    ///
    /// - Throws: `corruption` when table or records make no sense or lie in a damaged block.
    package func lookup(_ id: PointID) throws(DatabaseError) -> Int? {
        let slots = view(of: ids.table, as: UInt32.self)
        var slot = Int(truncatingIfNeeded: IDHash.hash(id)) & (slots.count - 1)
        for _ in 0..<slots.count {
            let place = ids.table.offset + 4 * slot
            try verify(place..<(place + 4))
            let entry = slots[slot]
            if entry == 0 { return nil }
            let row = Int(entry) - 1
            guard row < rowCount else {
                throw .corruption(
                    file: path, offset: place, what: "the id table names row \(row) of \(rowCount)")
            }
            if try isID(id, at: row) { return row }
            slot = (slot + 1) & (slots.count - 1)
        }
        throw .corruption(file: path, offset: ids.table.offset, what: "the id table has no empty slot")
    }

    /// A block of the id table is known to be damaged.
    package var isIDTableDamaged: Bool { isDamaged(ids.table) }

    /// What `lookup` finds, without the id table. O(rows).
    package func lastRow(of id: PointID) throws(DatabaseError) -> Int? {
        for row in (0..<rowCount).reversed() where try isID(id, at: row) { return row }
        return nil
    }

    /// The row that is at a place of the order of ids.
    ///
    /// - Precondition: a place below `rowCount`.
    package func row(inIDOrder place: Int) throws(DatabaseError) -> Int {
        precondition(place >= 0 && place < rowCount, "a place in the order")
        let offset = ids.order.offset + 4 * place
        try verify(offset..<(offset + 4))
        let row = Int(view(of: ids.order, as: UInt32.self)[place])
        guard row < rowCount else {
            throw .corruption(
                file: path, offset: offset, what: "the order of ids names row \(row) of \(rowCount)")
        }
        return row
    }

    /// The first place of the order whose id is not less than `id`; `rowCount` when all are. O(log rows).
    package func firstPlace(notBefore id: PointID) throws(DatabaseError) -> Int {
        var (low, high) = (0, rowCount)
        while low < high {
            let middle = (low + high) / 2
            if try self.id(at: row(inIDOrder: middle)) < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private enum Record {
        case integer(UInt64)
        /// In the mapping.
        case string(UnsafeRawBufferPointer)
    }

    private func record(at row: Int) throws(DatabaseError) -> Record {
        precondition(row >= 0 && row < rowCount, "a row of this segment")
        let place = ids.records.offset + 16 * row
        try verify(place..<(place + 16))
        // SAFETY: the section has 16 bytes for each row.
        let value = region.bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
        let count = Int(region.bytes.loadUnaligned(fromByteOffset: place + 8, as: UInt32.self))
        if count == 0 { return .integer(value) }
        guard count <= PointID.maximumStringBytes, value <= UInt64(ids.heap.byteCount),
            count <= ids.heap.byteCount - Int(value)
        else {
            throw .corruption(file: path, offset: place, what: "row \(row)'s id lies outside the heap")
        }
        let range = (ids.heap.offset + Int(value))..<(ids.heap.offset + Int(value) + count)
        try verify(range)
        return .string(UnsafeRawBufferPointer(rebasing: region.bytes[range]))
    }

    private func isID(_ id: PointID, at row: Int) throws(DatabaseError) -> Bool {
        switch (id, try record(at: row)) {
        case (.integer(let wanted), .integer(let found)): wanted == found
        case (.string(let wanted), .string(let found)): wanted.elementsEqual(found)
        default: false
        }
    }
}
