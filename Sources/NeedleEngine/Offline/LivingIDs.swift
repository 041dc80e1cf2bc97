import NeedleCore
import NeedleStorage

/// Finds points that live twice: every living point lies in exactly one row of one segment.
///
/// Sixteen bytes a living row, sorted by the hash of the id; only equal hashes are compared by id.
struct LivingIDs {
    private struct Row {
        var hash: UInt64
        var segment: UInt32
        var row: UInt32
    }

    private var readers: [SegmentReader] = []
    private var rows: [Row] = []

    /// - Parameter dead: rows of the segment that are dead, rising.
    mutating func add(_ reader: SegmentReader, dead: [UInt32]) throws(DatabaseError) {
        let segment = UInt32(readers.count)
        readers.append(reader)
        rows.reserveCapacity(rows.count + reader.rowCount - dead.count)
        var next = dead[...]
        for row in 0..<reader.rowCount {
            guard next.first != UInt32(row) else {
                next.removeFirst()
                continue
            }
            rows.append(
                Row(hash: IDHash.hash(try reader.id(at: row)), segment: segment, row: UInt32(row)))
        }
    }

    /// The segments that both have a living row of one id, and the id.
    mutating func duplicates() throws(DatabaseError) -> [(SegmentReader, SegmentReader, PointID)] {
        rows.sort { $0.hash < $1.hash }
        var found: [(SegmentReader, SegmentReader, PointID)] = []
        var start = 0
        while start < rows.count {
            var end = start + 1
            while end < rows.count, rows[end].hash == rows[start].hash { end += 1 }
            if end - start > 1 { try compare(rows[start..<end], &found) }
            start = end
        }
        return found
    }

    private func compare(
        _ equals: ArraySlice<Row>, _ found: inout [(SegmentReader, SegmentReader, PointID)]
    ) throws(DatabaseError) {
        var known: [PointID: SegmentReader] = [:]
        for row in equals {
            let reader = readers[Int(row.segment)]
            let id = try reader.id(at: Int(row.row))
            if let other = known[id] { found.append((reader, other, id)) }
            known[id] = reader
        }
    }
}
