import NeedleCore
import NeedleStorage

/// A chunk as it is stored.
struct StoredChunk {
    var id: ChunkID
    var location: ReadView.Location
    var fields: ChunkFields
}

extension ReadView {
    /// The visible chunks of a document, by index: points whose id is one of its chunks' and whose payload names the
    /// document. Any may be missing, because points can be deleted. O(segments · log rows + chunks).
    ///
    /// - Throws: `corruption` when a chunk may lie in something damaged.
    func chunks(of document: [UInt8]) throws(DatabaseError) -> [StoredChunk] {
        try set.requireAll()
        var chunks: [StoredChunk] = []
        for segment in set.newestFirst {
            for row in try segment.chunkRows(of: document, at: lsn) where isVisible(row, in: segment) {
                guard case .string(let bytes) = try segment.columns.id(of: row), let id = ChunkID(bytes),
                    id.document == document
                else { continue }
                let fields = try segment.chunkFields(of: row, at: lsn)
                guard fields.document == document else { continue }
                chunks.append(
                    StoredChunk(id: id, location: Location(segment: segment, row: row), fields: fields))
            }
        }
        return chunks.sorted { $0.id.index < $1.id.index }
    }
}

extension Segment {
    fileprivate func chunkFields(of row: Int, at lsn: LSN) throws(DatabaseError) -> ChunkFields {
        let payload = try payload(of: row, at: lsn)
        do throws(JSONError) {
            return try ChunkFields(payload.span)
        } catch {
            throw FilterScan.damaged(row, of: self, error)
        }
    }
}

extension SealedSegment {
    /// From the order of ids, in which a document's chunks lie together. O(log rows + chunks).
    func chunkRows(of document: [UInt8], at lsn: LSN) throws(DatabaseError) -> [Int] {
        let order = try rowsByID(at: lsn)
        let prefix = ChunkID.prefix(of: document)
        let first = PointID.string(prefix)
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if try columns.id(of: order.row(at: middle)) < first { low = middle + 1 } else { high = middle }
        }
        var rows: [Int] = []
        while low < order.count {
            let row = try order.row(at: low)
            guard case .string(let id) = try columns.id(of: row), id.starts(with: prefix) else { break }
            rows.append(row)
            low += 1
        }
        return rows
    }
}
