// Building an HNSW graph row by row (Malkov and Yashunin, algorithms 1 and 4), by several threads at once,
// while readers search it without locks.
//
// An insertion first finds the neighbours on every level, then writes the row's own lists, and only then
// makes the row known to others by linking back; so nobody ever meets a row whose lists are not there. With
// one thread the result depends on the seed and the order of rows only: a row's level is a hash of seed and
// row number.

package import NeedleCore
import Synchronization

/// A growing HNSW graph over the rows of a vector table.
///
/// `insert` may be called from several threads, each row once, and `view()` from any thread at any time.
@unsafe package final class GraphBuilder: Sendable {
    /// How a graph is built.
    package struct Parameters: Hashable, Sendable {
        /// Neighbours per row on the upper levels; twice as many on level 0.
        package var m: Int
        /// Width of the beam that looks for a new row's neighbours.
        package var efConstruction: Int
        /// Width of the beam that looks for a row's neighbours anew when lists are refined.
        package var refinementWidth: Int
        package var seed: UInt64
        /// How much farther than to its owner a candidate must be from a kept neighbour when lists are
        /// refined: above 1, longer links survive, which shortens paths (α of Vamana:
        /// Subramanya et al., DiskANN, NeurIPS 2019).
        package static let refinedAlpha: Float = 1.05

        /// - Parameter refinementWidth: nil: two and a half times as wide as when rows are inserted, which makes
        ///   searches at a recall of 0.98 and 0.99 half as fast again (docs/decisions/0010-graph.md).
        package init(
            m: Int = 16, efConstruction: Int = 128, refinementWidth: Int? = nil, seed: UInt64 = 0
        ) {
            precondition(GraphHeader.neighbourRange.contains(m) && efConstruction >= 1)
            self.m = m
            self.efConstruction = efConstruction
            self.refinementWidth = refinementWidth ?? 5 * efConstruction / 2
            self.seed = seed
        }
    }

    package let parameters: Parameters
    /// What makes the codes in the nodes' records; nil: the graph is built on the float vectors.
    package let quantizer: Quantizer?
    let memory: GraphMemory
    let kernels: DistanceKernels
    /// Entry row below, its levels above (0: empty graph); one word, so that both change together.
    let entry = Atomic<UInt64>(0)
    /// One more than the highest row inserted or being inserted.
    let rowCount = Atomic<Int>(0)
    let upperRecordCount = Atomic<Int>(0)
    let inserted = Atomic<Int>(0)

    /// - Parameters:
    ///   - rowCapacity: rows 0 ..< rowCapacity can be inserted; only address space is taken for them.
    ///   - upperRecords: room for so many upper records beyond what that many rows are expected to need.
    /// - Throws: `memory_budget` when there is no address space left.
    package init(
        rowCapacity: Int, parameters: Parameters, quantizer: Quantizer? = nil,
        kernels: DistanceKernels = .best, upperRecords: Int = 0
    ) throws(DatabaseError) {
        precondition(rowCapacity >= 0 && rowCapacity < Int(UInt32.max))
        precondition(quantizer?.kind != .binary, "graphs are built on int8 codes or floats, and recoded")
        self.parameters = parameters
        self.quantizer = quantizer
        self.kernels = kernels
        memory = try GraphMemory(
            rowCapacity: rowCapacity, layout: NodeLayout(m: parameters.m, codes: quantizer?.layout),
            upperRecords: upperRecords)
    }

    /// A builder that goes on from a copy of a graph, whose rows keep their numbers.
    ///
    /// - Precondition: `graph` was built with the same m and has no binary codes, and nobody is inserting into
    ///   it.
    /// - Throws: `memory_budget` when there is no address space left.
    package convenience init(
        copying graph: GraphView, rowCapacity: Int, parameters: Parameters, kernels: DistanceKernels = .best
    ) throws(DatabaseError) {
        let header = graph.header
        precondition(Int(header.m) == parameters.m && Int(header.rowCount) <= rowCapacity)
        try self.init(
            rowCapacity: rowCapacity, parameters: parameters, quantizer: graph.quantizer, kernels: kernels,
            upperRecords: Int(header.upperRecordCount))
        let present = memory.copy(graph)
        rowCount.store(Int(header.rowCount), ordering: .relaxed)
        upperRecordCount.store(Int(header.upperRecordCount), ordering: .relaxed)
        inserted.store(present, ordering: .relaxed)
        if header.entryLevels > 0 {
            entry.store(entryWord(header.entryRow, Int(header.entryLevels)), ordering: .releasing)
        }
    }

    package var rowCapacity: Int { memory.rowCapacity }

    /// Has the nodes held in large pages from now on; for graphs of many megabytes.
    package func adviseLargePages() {
        memory.adviseLargePages()
    }

    /// Rows whose insertion is finished.
    package var insertedCount: Int { inserted.load(ordering: .acquiring) }

    /// The graph as it is now; it stays valid as long as the builder, and sees rows inserted later only in
    /// part.
    package func view() -> GraphView {
        // The entry first: rows it leads to are below the row count read after it.
        let word = entry.load(ordering: .acquiring)
        let upper = min(upperRecordCount.load(ordering: .acquiring), memory.upperCapacity)
        return GraphView(
            header: GraphHeader(
                m: UInt32(parameters.m), rowCount: UInt32(rowCount.load(ordering: .acquiring)),
                upperRecordCount: UInt32(upper), entryRow: UInt32(truncatingIfNeeded: word),
                entryLevels: UInt32(truncatingIfNeeded: word >> 32),
                codeKind: quantizer?.kind.rawValue ?? 0, dimension: UInt32(quantizer?.layout.dimension ?? 0)),
            quantizer: quantizer, levels: memory.levels, nodes: memory.nodes,
            upperOffsets: memory.upperOffsets, upperLinks: memory.upperLinks)
    }

    /// Links a row into the graph.
    ///
    /// - Precondition: the row is below the capacity, was not inserted before, and is not wide; `table` holds
    /// its vector.
    /// - Throws: what the context throws; the row is then not in the graph and may be inserted again.
    /// - Complexity: about efConstruction · 2m distances.
    package func insert(
        _ row: UInt32, table: VectorTable, scratch: SearchScratch, context: OperationContext
    ) throws(DatabaseError) {
        precondition(Int(row) < memory.rowCapacity, "row \(row) is beyond the graph's capacity")
        precondition(
            memory.levels[Int(row)].load(ordering: .relaxed) == 0, "row \(row) is in the graph already")
        rowCount.max(Int(row) + 1, ordering: .acquiringAndReleasing)
        if let quantizer {
            let scoring = CodeScoring(
                memory: memory, quantizer: quantizer, table: table, scratch: scratch, kernels: kernels)
            scoring.encode(row)
            try insert(row, scoring: scoring, scratch: scratch, context: context)
        } else {
            let scoring = FloatScoring(table: table, kernels: kernels)
            try insert(row, scoring: scoring, scratch: scratch, context: context)
        }
    }

    private func insert<Scoring: RowScoring>(
        _ row: UInt32, scoring: Scoring, scratch: SearchScratch, context: OperationContext
    ) throws(DatabaseError) {
        let levels = claimLevels(row)
        let insertion = GraphInsertion(
            memory: memory, parameters: parameters, row: row, levels: levels, scoring: scoring,
            scratch: scratch)
        while true {
            let word = entry.load(ordering: .acquiring)
            if word != 0 {
                try insertion.link(under: view(), context: context)
                break
            }
            // The first row of all; whoever loses this race links to the winner.
            memory.levels[Int(row)].store(UInt8(levels), ordering: .releasing)
            if entry.compareExchange(
                expected: 0, desired: entryWord(row, levels), ordering: .acquiringAndReleasing
            ).exchanged {
                break
            }
        }
        raiseEntry(row, levels)
        inserted.add(1, ordering: .acquiringAndReleasing)
    }

    /// Chooses a row's neighbours at level 0 anew, from all that the whole graph offers, with longer links
    /// allowed: an insertion saw only the rows before it. Half a graph's distances are saved that way at the
    /// same recall (docs/decisions/0010-graph.md has the figures).
    ///
    /// May be called by several threads, also while rows are inserted and searched.
    /// - Parameter sketches: of all rows of the graph; they only save time.
    /// - Precondition: the row is in the graph.
    /// - Throws: what the context throws; the list is then as it was.
    /// - Complexity: about that of an insertion.
    package func refine(
        _ row: UInt32, table: VectorTable, sketches: SketchTable? = nil, scratch: SearchScratch,
        context: OperationContext
    ) throws(DatabaseError) {
        precondition(Int(row) < memory.rowCapacity && view().contains(row), "row \(row) is not in the graph")
        if let quantizer {
            let scoring = CodeScoring(
                memory: memory, quantizer: quantizer, table: table, scratch: scratch, kernels: kernels)
            try refine(row, scoring: scoring, sketches: sketches, scratch: scratch, context: context)
        } else {
            let scoring = FloatScoring(table: table, kernels: kernels)
            try refine(row, scoring: scoring, sketches: sketches, scratch: scratch, context: context)
        }
    }

    private func refine<Scoring: RowScoring>(
        _ row: UInt32, scoring: Scoring, sketches: SketchTable?, scratch: SearchScratch,
        context: OperationContext
    ) throws(DatabaseError) {
        var graph = view()
        graph.sketches = sketches
        try GraphInsertion(
            memory: memory, parameters: parameters, row: row, levels: 1, scoring: scoring, scratch: scratch
        ).refine(under: graph, context: context)
    }

    /// The number of levels of a row: a geometric distribution with ratio 1/m, from a hash of seed and row.
    private func claimLevels(_ row: UInt32) -> Int {
        var hash = SeededGenerator.mix(SeededGenerator.mix(parameters.seed) ^ UInt64(row))
        let base = UInt64(parameters.m)
        var top = 0
        while top < Int(GraphHeader.maximumLevels) - 1, hash != 0, hash % base == 0 {
            hash /= base
            top += 1
        }
        guard top > 0 else { return 1 }
        let first = upperRecordCount.add(top, ordering: .acquiringAndReleasing).oldValue
        guard first + top <= memory.upperCapacity else { return 1 }
        memory.upperOffsets[Int(row)].store(UInt32(first), ordering: .relaxed)
        return top + 1
    }

    func entryWord(_ row: UInt32, _ levels: Int) -> UInt64 {
        UInt64(levels) << 32 | UInt64(row)
    }

    private func raiseEntry(_ row: UInt32, _ levels: Int) {
        var word = entry.load(ordering: .acquiring)
        while word >> 32 < levels {
            let result = entry.compareExchange(
                expected: word, desired: entryWord(row, levels), ordering: .acquiringAndReleasing)
            if result.exchanged { return }
            word = result.original
        }
    }
}
