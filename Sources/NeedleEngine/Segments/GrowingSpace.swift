import NeedleCore
import NeedleVectors
import Synchronization

/// One vector space of a growing segment: the originals as they come, and a graph that follows behind.
///
/// Invariants: a row's vector is written by the one writer before the segment publishes the row, and never
/// changes; rows [0, indexed) that have an ordinary vector are in the graph, once there is one. The graph of a
/// quantized space begins when enough rows are there to train its centre with (`GrowingSpace+Indexing`); until
/// then the space is scanned.
final class GrowingSpace: Sendable {
    let config: SpaceConfig
    let capacity: Int
    let columns: SpaceColumns
    let options: EngineOptions

    private let vectors: ReservedMemory
    private let inverseNorms: ReservedMemory
    private let presence: ReservedMemory
    private let storedVectors = Atomic<Int>(0)
    private let wideRows = Atomic<Int>(0)
    /// Published once, complete.
    let builderReference = AtomicLazyReference<GraphBuilder>()
    /// One thread makes the builder.
    let isBeginning = Atomic<Bool>(false)
    let insertions = RowRuns()
    let hasLargePages = Atomic<Bool>(false)
    let refinements = RowRuns()

    /// The graph that this one goes on from; only in the output of a merge.
    let adoption: GraphAdoption?

    init(
        config: SpaceConfig, capacity: Int, options: EngineOptions, adoption: GraphAdoption? = nil
    ) throws(DatabaseError) {
        self.config = config
        self.adoption = adoption
        self.capacity = capacity
        self.options = options
        vectors = try ReservedMemory(byteCount: capacity * config.size * 4)
        inverseNorms = try ReservedMemory(byteCount: capacity * 4)
        presence = try ReservedMemory(byteCount: capacity)
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
    /// Rows [0, indexed) are reached by the graph.
    var indexed: Int { insertions.done }
    /// The graph, once indexing has begun.
    var builder: GraphBuilder? { builderReference.load() }

    var searchable: SearchableSpace {
        // The prefix first: the view taken after it holds at least these rows.
        let indexed = indexed
        return SearchableSpace(
            columns: columns, hasWideRows: hasWideRows, indexed: indexed, graph: builder?.view())
    }

    var residentBytes: Int {
        vectorCount * (config.size * 4 + 5) + graphBytes
    }

    var graphBytes: Int { builder?.view().header.byteCount ?? 0 }

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

    /// Whether a graph can hold the row: it has a vector, and one that float kernels can be trusted with.
    func isOrdinary(_ row: Int) -> Bool {
        guard columns.hasVector(row) else { return false }
        guard hasWideRows else { return true }
        let norm = VectorNorms.norm(of: columns.vector(of: row).span)
        return !VectorNorms.isWide(norm: norm, metric: config.metric)
    }

    func describe() -> SegmentSpaceDescription {
        SegmentSpaceDescription(
            name: config.name, vectors: vectorCount,
            indexed: awaitsIndexer ? min(indexed, vectorCount) : vectorCount,
            searchedOn: SearchedOn.name(of: builder?.quantizer))
    }
}
