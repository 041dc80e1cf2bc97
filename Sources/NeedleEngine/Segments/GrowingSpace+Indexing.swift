import NeedleCore
import NeedleVectors
import Synchronization

// How the graph of a growing space comes about. A quantized space needs a centre, which is the mean of rows
// that are there when indexing begins: not before `trainingRows` of them, or, when no more rows will come, with
// what there is. A segment that ends with fewer rows than a search would use a graph for gets none. When no
// more rows will come and all are in the graph, its lists are chosen anew from all that is there (`refine`).

/// What is being done to the graph of a growing space.
enum IndexingPhase {
    case inserting
    case refining
}

extension GrowingSpace {
    /// - Parameter isComplete: no more rows will come.
    private func deservesGraph(isComplete: Bool) -> Bool {
        let ordinary = vectorCount - wideRowCount
        if config.quantization == .none { return ordinary > 0 }
        return ordinary >= options.trainingRows || (isComplete && ordinary >= options.exactRows)
    }

    /// Inner products gain nothing from lists chosen anew (62,666 MiniLM vectors, `--metric dot --ef 64`: 0.956 at
    /// 19,471 searches/s, refined 0.960 at 14,930; less on vectors of unequal length), and it takes as long as
    /// inserting does.
    private var isToBeRefined: Bool { config.metric != .dot }

    /// Whether rows wait for the indexer, or may: false while there are too few to index.
    var awaitsIndexer: Bool { builder != nil || deservesGraph(isComplete: false) }

    /// Whether a segment that takes no more rows has the graph it will have. - Parameter rows: all of them.
    func isIndexed(of rows: Int) -> Bool {
        builder == nil
            ? !deservesGraph(isComplete: true)
            : adoption?.isDone ?? true && indexed >= rows
                && (!isToBeRefined || refinements.done >= rows)
    }

    /// Rows that are done, of how many: each is inserted, and refined if no more will come.
    func progress(of rows: Int) -> (phase: IndexingPhase, done: Int) {
        if builder == nil || indexed < rows || !isToBeRefined { return (.inserting, indexed) }
        return (.refining, refinements.done)
    }

    /// Whether there is something for an indexer to do for the first `rows` rows.
    func hasWork(of rows: Int, isComplete: Bool) -> Bool {
        if builder != nil {
            if let adoption, !adoption.isDone { return adoption.hasUnclaimed }
            return insertions.hasUnclaimed(of: rows)
                || (isComplete && isToBeRefined && indexed >= rows && refinements.hasUnclaimed(of: rows))
        }
        return deservesGraph(isComplete: isComplete) && !isBeginning.load(ordering: .relaxed)
    }

    /// Does one step: begins the graph, links one run of rows into it, or refines one; false when there is nothing
    /// to do. Several threads may call at once.
    ///
    /// - Throws: what the context throws, `memory_budget`; what was not done is done next time.
    func index(
        of rows: Int, isComplete: Bool, scratch: SearchScratch, context: OperationContext
    ) throws(DatabaseError) -> Bool {
        guard let builder else { return try begin(rows: rows, isComplete: isComplete) }
        let table = searchable.table
        if let adoption, !adoption.isDone {
            return adoption.doRun(builder: builder, table: table, scratch: scratch)
        }
        let hasInserted = try insertions.doRun(of: rows) { (row) throws(DatabaseError) in
            guard isOrdinary(row), adoption?.contains(row) != true else { return }
            try builder.insert(UInt32(row), table: table, scratch: scratch, context: context)
        }
        if hasInserted {
            useLargePages(builder)
            return true
        }
        guard isComplete, isToBeRefined, indexed >= rows else { return false }
        return try refinements.doRun(of: rows) { (row) throws(DatabaseError) in
            guard isOrdinary(row), adoption?.isSettled(row) != true else { return }
            try builder.refine(UInt32(row), table: table, scratch: scratch, context: context)
        }
    }

    /// Nodes that take this much are held in pages of two megabytes from then on.
    private static let largePagesFrom = 8 << 20

    private func useLargePages(_ builder: GraphBuilder) {
        guard !hasLargePages.load(ordering: .relaxed),
            builder.view().header.nodesBytes >= Self.largePagesFrom,
            !hasLargePages.exchange(true, ordering: .relaxed)
        else { return }
        builder.adviseLargePages()
    }

    private func begin(rows: Int, isComplete: Bool) throws(DatabaseError) -> Bool {
        guard deservesGraph(isComplete: isComplete),
            isBeginning.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
        else { return false }
        defer { isBeginning.store(false, ordering: .releasing) }
        guard builder == nil else { return false }
        let made = try GraphBuilder(
            rowCapacity: capacity,
            parameters: GraphBuilder.Parameters(
                m: config.hnsw.m, efConstruction: config.hnsw.efConstruct, seed: options.seed),
            quantizer: config.quantization == .none ? nil : trainedQuantizer(rows: rows),
            upperRecords: Int(adoption?.graph.header.upperRecordCount ?? 0))
        if let adoption {
            made.beginAdopting(adoption.graph, rows: adoption.rows)
            useLargePages(made)
        }
        _ = builderReference.storeIfNil(made)
        return true
    }

    /// Graphs are built on int8 codes also where they will be searched on bits.
    private func trainedQuantizer(rows: Int) -> Quantizer {
        let ordinary = (0..<rows).filter { isOrdinary($0) }.map { UInt32($0) }
        let transform = SpaceTransform(
            training: searchable.table, rows: ordinary.span, seed: SeededGenerator.mix(options.seed))
        return Quantizer(transform: transform, kind: .int8)
    }
}
