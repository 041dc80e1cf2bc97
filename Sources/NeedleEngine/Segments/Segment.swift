import NeedleCore
import NeedleVectors

/// What reading needs of a segment, growing or sealed.
///
/// A row is visible at (LSN, time) when it was written by then, not deleted by then, and has not expired.
protocol Segment: AnyObject, Sendable {
    /// Rises with every segment of the collection; its file is named after it.
    var id: UInt64 { get }
    var columns: RowColumns { get }
    var deletions: DeletionTable { get }
    /// Payloads that are newer than the rows.
    var overlay: PayloadOverlay { get }
    var hasExpiringRows: Bool { get }
    var fieldIndexes: FieldIndexSlot { get }
    /// Nothing of it is left to be compared with a checksum.
    var isVerified: Bool { get }

    /// - Throws: `corruption` when versions, expiries or presence of its rows are known to be damaged: nothing can
    ///   be said about any row then.
    func requireRowColumns() throws(DatabaseError)

    /// Rows [0, n) were written at or before `lsn`; some may be dead.
    func visibleRows(at lsn: LSN) -> Int

    /// The row that held the id at `lsn` and was not deleted then; it may have expired.
    func row(of id: PointID, hash: UInt64, at lsn: LSN) throws(DatabaseError) -> Int?

    /// Rows whose ids are those of a document's chunks, dead ones and a few with other ids too.
    func chunkRows(of document: [UInt8], at lsn: LSN) throws(DatabaseError) -> [Int]

    /// Rows [0, visibleRows) in the order of their ids.
    func rowsByID(at lsn: LSN) throws(DatabaseError) -> RowOrder

    /// One vector space as a search uses it.
    func space(_ index: Int) -> SearchableSpace

    /// Rows [0, n) do not wait for an indexer: a graph reaches them, or there are too few for one.
    func settledRows(space index: Int) -> Int

    func describe(points: Int, config: CollectionConfig) -> SegmentDescription
}

extension Segment {
    var isVerified: Bool { true }

    func requireRowColumns() throws(DatabaseError) {}

    /// A row's vector in a space, if it has one.
    func storedVector(
        of row: Int, space index: Int, _ config: SpaceConfig
    ) throws(DatabaseError) -> StoredVector? {
        let stored = space(index)
        guard stored.columns.hasVector(row) else { return nil }
        try stored.verifyVectors(of: row..<(row + 1))
        return try VectorCheck(space: config, index: index).stored(Array(stored.columns.vector(of: row)))
    }
}

/// A vector space of a segment at one moment.
struct SearchableSpace {
    var columns: SpaceColumns
    /// Some row's norm is beyond float32 kernels: the space is searched in double precision.
    var hasWideRows: Bool
    /// Rows [0, indexed) are reached by the graph.
    var indexed: Int
    var graph: GraphView?
    /// Of a mapped segment; `nil` while everything lies in memory.
    var originals: MappedOriginals?
    /// Checks that vectors and nodes need before they are read; `nil` when none are left.
    var checks: SpaceChecks?

    /// To be called before vectors are read.
    ///
    /// - Throws: `corruption` when they lie in a damaged block.
    @inline(__always)
    func verifyVectors(of rows: Range<Int>) throws(DatabaseError) {
        if let checks { try checks.verifyVectors(of: rows) }
    }

    var table: VectorTable {
        VectorTable(
            base: columns.vectors, stride: columns.dimension, dimension: columns.dimension,
            metric: columns.metric,
            inverseNorms: columns.inverseNorms)
    }
}

/// Row numbers of a segment in the order of their ids: borrowed from a sealed file, or sorted for a moment.
struct RowOrder: Sendable {
    enum Storage: @unchecked Sendable {
        // SAFETY: lies in the mapping of the sealed segment that made it; whoever keeps the order keeps the
        // segment.
        case mapped(UnsafeBufferPointer<UInt32>)
        case sorted([UInt32])
    }

    /// The rows of columns whose own order is not there. O(rows · log rows).
    static func sorting(_ count: Int, of columns: RowColumns) throws(DatabaseError) -> RowOrder {
        var ids: [(id: PointID, row: UInt32)] = []
        ids.reserveCapacity(count)
        for row in 0..<count { ids.append((try columns.id(of: row), UInt32(row))) }
        ids.sort { $0.id < $1.id }
        return RowOrder(storage: .sorted(ids.map(\.row)), rows: count)
    }

    let storage: Storage
    /// Rows of the segment: a damaged file may name others.
    let rows: Int

    var count: Int {
        switch storage {
        case .mapped(let order): order.count
        case .sorted(let order): order.count
        }
    }

    func row(at place: Int) throws(DatabaseError) -> Int {
        let row =
            switch storage {
            case .mapped(let order): Int(order[place])
            case .sorted(let order): Int(order[place])
            }
        guard row < rows else {
            throw .corruption(file: "order of ids", offset: place * 4, what: "row \(row) of \(rows)")
        }
        return row
    }
}
