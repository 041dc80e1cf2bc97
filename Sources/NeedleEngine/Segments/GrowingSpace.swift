import NeedleCore
import NeedleVectors
import Synchronization

/// One vector space of a growing segment: the originals as they come, and a graph that follows behind.
///
/// Invariants: a row's vector is written by the one writer before the segment publishes the row, and never
/// changes; rows [0, indexed) that have an ordinary vector are in the graph. Indexer threads claim runs of
/// rows; `indexed` is the end of the prefix that is done, whatever order they finish in.
final class GrowingSpace: Sendable {
    let config: SpaceConfig
    let columns: SpaceColumns
    let builder: GraphBuilder

    private let vectors: ReservedMemory
    private let inverseNorms: ReservedMemory
    private let presence: ReservedMemory
    private let storedVectors = Atomic<Int>(0)
    private let wideRows = Atomic<Int>(0)
    private let indexedRows = Atomic<Int>(0)
    private let progress = Mutex(Progress())

    private struct Progress {
        var claimed = 0
        /// Rows whose insertion was broken off: they are claimed again.
        var givenBack: [Range<Int>] = []
        /// Runs done ahead of the prefix, by their first row.
        var done: [Int: Int] = [:]
    }

    /// Rows an indexer takes at once: about a hundredth of a second of work.
    private static let runRows = 32

    init(config: SpaceConfig, capacity: Int, seed: UInt64) throws(DatabaseError) {
        self.config = config
        vectors = try ReservedMemory(byteCount: capacity * config.size * 4)
        inverseNorms = try ReservedMemory(byteCount: capacity * 4)
        presence = try ReservedMemory(byteCount: capacity)
        builder = try GraphBuilder(
            rowCapacity: capacity,
            parameters: GraphBuilder.Parameters(
                m: config.hnsw.m, efConstruction: config.hnsw.efConstruct, seed: seed))
        columns = SpaceColumns(
            dimension: config.size, metric: config.metric,
            vectors: UnsafePointer(vectors.bound(to: Float.self)),
            inverseNorms: config.metric == .cosine ? UnsafePointer(inverseNorms.bound(to: Float.self)) : nil,
            presence: UnsafePointer(presence.bound(to: UInt8.self)))
    }

    /// Points that have a vector here, dead ones included.
    var vectorCount: Int { storedVectors.load(ordering: .relaxed) }
    var wideRowCount: Int { wideRows.load(ordering: .relaxed) }
    var hasWideRows: Bool { wideRowCount > 0 }
    var indexed: Int { indexedRows.load(ordering: .acquiring) }

    var residentBytes: Int {
        vectorCount * (config.size * 4 + 5) + builder.insertedCount * (builder.parameters.m * 2 + 2) * 4
    }

    /// SAFETY: only the writer calls, for a row that is not published yet.
    func write(_ vector: StoredVector, row: Int) {
        let size = config.size * 4
        vector.values.withUnsafeBytes { bytes in
            (vectors.base + row * size).copyMemory(from: bytes.baseAddress.unsafelyUnwrapped, byteCount: size)
        }
        (inverseNorms.base + row * 4).storeBytes(of: vector.inverseNorm, as: Float.self)
        (presence.base + row).storeBytes(of: 1, as: UInt8.self)
        storedVectors.add(1, ordering: .relaxed)
        if vector.isWide { wideRows.add(1, ordering: .relaxed) }
    }

    /// Whether some of the first `rows` rows wait for an indexer.
    func hasUnclaimedRows(of rows: Int) -> Bool {
        progress.withLock { $0.claimed < rows || !$0.givenBack.isEmpty }
    }

    /// Links one run of rows into the graph; false when there is none to claim. Several threads may call at
    /// once.
    func indexRun(of rows: Int, scratch: SearchScratch, context: OperationContext) throws(DatabaseError)
        -> Bool
    {
        let run = progress.withLock { progress -> Range<Int>? in
            if let again = progress.givenBack.popLast() { return again }
            guard progress.claimed < rows else { return nil }
            let end = min(rows, progress.claimed + Self.runRows)
            defer { progress.claimed = end }
            return progress.claimed..<end
        }
        guard let run else { return false }
        let table = SearchableSpace(columns: columns, hasWideRows: hasWideRows, indexed: 0, graph: nil).table
        for row in run where columns.hasVector(row) && !isWide(row) {
            do throws(DatabaseError) {
                try builder.insert(UInt32(row), table: table, scratch: scratch, context: context)
            } catch {
                progress.withLock { $0.givenBack.append(row..<run.upperBound) }
                finish(run.lowerBound..<row)
                throw error
            }
        }
        finish(run)
        return true
    }

    private func isWide(_ row: Int) -> Bool {
        guard hasWideRows else { return false }
        let vector = columns.vector(of: row)
        let norm = VectorNorms.norm(of: vector.span)
        return VectorNorms.isWide(norm: norm, metric: config.metric)
    }

    private func finish(_ run: Range<Int>) {
        guard !run.isEmpty else { return }
        progress.withLock { progress in
            progress.done[run.lowerBound] = run.upperBound
            var prefix = indexedRows.load(ordering: .relaxed)
            while let end = progress.done.removeValue(forKey: prefix) { prefix = end }
            indexedRows.store(prefix, ordering: .releasing)
        }
    }
}
