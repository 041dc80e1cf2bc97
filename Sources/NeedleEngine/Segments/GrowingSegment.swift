import NeedleCore
import NeedleVectors
import Synchronization

/// The segment that takes writes: append-only rows in reserved memory, and a graph per space that follows
/// behind.
///
/// Invariants:
/// - One writer appends (under the collection's writer lock). Rows below `rowCount` are complete and never
///   change; the count is published with a release store after the columns are written.
/// - Versions rise with the row number, so the rows visible at an LSN are a prefix; but for the output of a merge,
///   which no reader sees before it is sealed.
/// - The graph of a space reaches rows [0, indexed) that have a vector there; the rest is scanned exactly, so
///   a search sees every acknowledged write, indexed or not (invariant 8).
final class GrowingSegment: Sendable {
    /// The number its sealed file will have.
    let id: UInt64
    let capacity: Int
    let columns: RowColumns
    let spaces: [GrowingSpace]
    let deletions: DeletionTable
    let overlay: PayloadOverlay
    let fieldIndexes = FieldIndexSlot()

    private let isByVersion: Bool
    private let memory: GrowingMemory
    private let idTable: IDTable
    private let chunks = ChunkTable()
    private let publishedRows = Atomic<Int>(0)
    private let stringsUsed = Atomic<Int>(0)
    private let payloadsUsed = Atomic<Int>(0)
    private let expiringRows = Atomic<Int>(0)

    /// - Parameters:
    ///   - isByVersion: false when rows come in another order than that of their versions: of a merge only.
    ///   - adoptions: by space, the graph to go on from; none for a segment that takes writes.
    init(
        id: UInt64, config: CollectionConfig, capacity: Int, options: EngineOptions,
        isByVersion: Bool = true, adoptions: [GraphAdoption?] = []
    ) throws(DatabaseError) {
        self.id = id
        self.isByVersion = isByVersion
        self.capacity = capacity
        memory = try GrowingMemory(capacity: capacity)
        columns = memory.columns(origin: "growing segment \(id)")
        idTable = try IDTable(capacity: capacity)
        deletions = try DeletionTable(capacity: capacity)
        overlay = PayloadOverlay(rows: capacity)
        var spaces: [GrowingSpace] = []
        for (index, space) in config.spaces.enumerated() {
            let adoption = index < adoptions.count ? adoptions[index] : nil
            spaces.append(
                try GrowingSpace(config: space, capacity: capacity, options: options, adoption: adoption))
        }
        self.spaces = spaces
    }

    /// Rows appended so far, dead ones included.
    var rowCount: Int { publishedRows.load(ordering: .acquiring) }

    /// Whether any row may expire.
    var hasExpiringRows: Bool { expiringRows.load(ordering: .relaxed) > 0 }

    var payloadBytes: Int { payloadsUsed.load(ordering: .relaxed) }
    var stringBytes: Int { stringsUsed.load(ordering: .relaxed) }

    /// Whether the points still fit. A fresh segment of their number takes any points that one line can bring.
    func hasRoom(for points: some Swift.Collection<StoredPoint>) -> Bool {
        var strings = stringBytes
        var payloads = payloadBytes
        for point in points {
            if case .string(let bytes) = point.id { strings += bytes.count }
            payloads += point.payload.count
        }
        return points.count <= capacity - rowCount && strings <= memory.stringCapacity
            && payloads <= memory.payloadCapacity
    }

    /// The row that holds the id and was not yet deleted at `lsn`, expired or not. Any thread.
    func row(of id: PointID, hash: UInt64, at lsn: LSN) throws(DatabaseError) -> Int? {
        var candidate = try idTable.newestRow(hash: hash) { (row) throws(DatabaseError) in
            try columns.hasID(row, id)
        }
        while let row = candidate {
            if columns.version(of: row) <= lsn {
                return deletions.isDeleted(row, at: lsn) ? nil : row
            }
            candidate = idTable.row(before: row)
        }
        return nil
    }

    /// How many rows were there at `lsn`: versions rise with the row number. O(log rows).
    func visibleRows(at lsn: LSN) -> Int {
        guard isByVersion else { return rowCount }
        var low = 0
        var high = rowCount
        while low < high {
            let middle = (low + high) / 2
            if columns.versions[middle] <= lsn.value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Appends a row and publishes it. Only the writer calls.
    ///
    /// - Precondition: there is room for it, and `version` is not below the last one if rows come in their order.
    func append(_ point: StoredPoint, version: LSN, hash: UInt64) throws(DatabaseError) {
        precondition(hasRoom(for: CollectionOfOne(point)), "the writer asks before it appends")
        let row = rowCount
        precondition(!isByVersion || row == 0 || columns.versions[row - 1] <= version.value)
        memory.write(point, row: row, version: version, strings: stringsUsed, payloads: payloadsUsed)
        for vector in point.vectors {
            spaces[vector.space].write(vector, row: row)
        }
        if point.expiresAt != 0 { expiringRows.add(1, ordering: .relaxed) }
        try idTable.insert(row: row, hash: hash) { (other) throws(DatabaseError) in
            try columns.hasID(other, point.id)
        }
        if isByVersion, case .string(let id) = point.id, let chunk = ChunkID(id) {
            chunks.insert(row: row, document: chunk.document)
        }
        publishedRows.store(row + 1, ordering: .releasing)
    }
}

extension GrowingSegment: Segment {
    func rowsByID(at lsn: LSN) throws(DatabaseError) -> RowOrder {
        try RowOrder.sorting(visibleRows(at: lsn), of: columns)
    }

    func chunkRows(of document: [UInt8], at lsn: LSN) throws(DatabaseError) -> [Int] {
        chunks.rows(of: document).filter { columns.version(of: $0) <= lsn }
    }

    func space(_ index: Int) -> SearchableSpace {
        spaces[index].searchable
    }

    func settledRows(space index: Int) -> Int {
        spaces[index].awaitsIndexer ? spaces[index].indexed : rowCount
    }

    /// Bytes that rows and graphs have made resident, about.
    var residentBytes: Int {
        rowCount * 52 + stringBytes + payloadBytes + overlay.byteCount
            + spaces.reduce(0) { $0 + $1.residentBytes }
    }

    func describe(points: Int, config: CollectionConfig) -> SegmentDescription {
        SegmentDescription(
            id: id, state: .growing, rows: rowCount, points: points, bytes: residentBytes, parts: parts,
            spaces: spaces.map { $0.describe() })
    }

    /// All of it lies in memory.
    private var parts: [SegmentPart] {
        let rows = rowCount
        let sizes: [(SegmentPart.Name, Int)] = [
            (.graph, spaces.reduce(0) { $0 + $1.graphBytes }),
            (.originals, spaces.reduce(0) { $0 + $1.residentBytes - $1.graphBytes }),
            (.ids, rows * RowColumns.idStride + stringBytes),
            (.payloads, rows * 24 + payloadBytes + overlay.byteCount), (.sketches, 0),
        ]
        return sizes.map { SegmentPart(name: $0.0, bytes: $0.1, resident: $0.1) }
    }
}
