import NeedleCore
import NeedleVectors

/// One space of one segment being measured, a few milliseconds at a time: stored points are made into queries
/// if need be; then the true neighbours of the queries are found, several queries sharing each pass over the
/// vectors; then the same queries are answered by graph, from narrow beams to wide ones.
///
/// Everything is seen through one view and one prefix of rows, so that what is written meanwhile changes
/// neither answer. Used by one thread at a time. Deterministic: the same rows, queries and graph give the same
/// sums.
struct RecallMeasurement {
    let segment: any Segment
    let key: RecallKey
    let metric: Metric
    let m: Int
    /// Rows the graph reached when the measurement began, and how many of them were alive.
    let rows: Int
    let live: Int
    /// Queries sampled by the collection when it began.
    let sampled: Int
    let isRefined: Bool
    let graph: GraphStamp

    private let view: ReadView
    private let space: SearchableSpace
    private let scratches: SearchScratchPool
    private var queries: [PreparedQuery]
    /// The stored point behind each query, if there is one.
    private var origins: [UInt32?]
    /// Stored points that have not become queries yet.
    private var waiting: ArraySlice<UInt32>
    private var generator: SeededGenerator
    /// True neighbours of the queries done so far, nearest first, without the rows that count as not stored.
    private var truths: [Truth] = []
    private var tops: [TopK] = []
    private var nextRow = 0
    private var curves: [RecallCurve] = []
    private var depth = 0
    private var point: RecallPoint?
    private var efs: ArraySlice<Int> = []

    private struct Truth {
        var rows: [UInt32]
        /// Exact distances of the k-th, one for each depth.
        var bounds: [Double]
        var avoided: [UInt32]
    }

    /// Queries that share a pass.
    private static let batch = 16
    /// Multiplications a step: a few milliseconds.
    private static let stepWork = 16 << 20
    /// The beam in which a stored point's neighbours are looked for.
    private static let lookingEF = 32

    /// - Precondition: the queries are not wide and neither is any row.
    init(
        of segment: any Segment, key: RecallKey, config: SpaceConfig, sample: RecallSample,
        isRefined: Bool, sampled: Int, view: ReadView, scratches: SearchScratchPool,
        seed: UInt64
    ) {
        self.segment = segment
        self.key = key
        self.isRefined = isRefined
        self.sampled = sampled
        self.view = view
        self.scratches = scratches
        metric = config.metric
        m = config.hnsw.m
        space = segment.space(key.space)
        rows = min(space.indexed, segment.visibleRows(at: view.lsn))
        live = max(0, rows - segment.deletions.count)
        graph = space.graph.map { [rows] in GraphStamp($0, rows: rows) } ?? GraphStamp(codeKind: 0, links: 0)
        queries = sample.queries.map { PreparedQuery($0, metric: config.metric) }
        origins = sample.queries.map { _ in nil }
        waiting = sample.rows[...]
        generator = SeededGenerator(seed: seed)
    }

    /// Does one step.
    ///
    /// - Returns: the result when it was the last one; its curves are empty when there was nothing to find.
    /// - Throws: what the context throws; the step can be tried again.
    mutating func step(context: OperationContext) throws(DatabaseError) -> [RecallCurve]? {
        if !waiting.isEmpty {
            try makeQueries(context: context)
            return nil
        }
        if truths.count < queries.count {
            try findTruths(context: context)
            return nil
        }
        guard !queries.isEmpty, depth < EffortLadder.depths.count else { return curves }
        try climb(context: context)
        return depth < EffortLadder.depths.count ? nil : curves
    }

    // MARK: Queries from stored points

    private mutating func makeQueries(context: OperationContext) throws(DatabaseError) {
        var work = 0
        while let row = waiting.first, work < Self.stepWork {
            let point = PreparedQuery(Array(space.columns.vector(of: Int(row))), metric: metric)
            let near = try search(point, wanted: UnseenPoint.neighbours, avoiding: [row], context: context)
                .traverse(SegmentEffort(ef: Self.lookingEF)).prefix(UnseenPoint.neighbours)
            if let other = near.randomElement(using: &generator)?.row,
                let query = UnseenPoint.query(at: row, awayFrom: other, in: space.columns)
            {
                queries.append(PreparedQuery(query, metric: metric))
                origins.append(row)
            }
            waiting.removeFirst()
            work += Self.lookingEF * 2 * m * space.columns.dimension
        }
    }

    private func search(
        _ query: PreparedQuery, wanted: Int, avoiding: [UInt32], context: OperationContext
    ) -> SegmentSearch {
        SegmentSearch(
            segment: segment, space: space, visibleRows: rows, view: view, query: query, wanted: wanted,
            avoiding: avoiding, scratches: scratches, context: context)
    }

    // MARK: The true neighbours

    private mutating func findTruths(context: OperationContext) throws(DatabaseError) {
        let batch = queries[truths.count..<min(queries.count, truths.count + Self.batch)]
        let deepest = EffortLadder.depths.max() ?? 0
        if nextRow == 0 {
            tops = batch.map { _ in TopK(capacity: deepest + 1) }
        }
        // Few enough rows to stay in the processor's cache while all queries of the batch pass over them.
        let block = max(32, (256 << 10) / (4 * max(1, space.columns.dimension)))
        var work = 0
        while nextRow < rows, work < Self.stepWork {
            let end = min(rows, nextRow + block)
            try compare(batch, with: nextRow..<end, context: context)
            work += (end - nextRow) * space.columns.dimension * batch.count
            nextRow = end
        }
        guard nextRow >= rows else { return }
        for (top, query) in zip(tops, batch) {
            truths.append(truth(top, query, origin: origins[truths.count]))
        }
        nextRow = 0
    }

    private mutating func compare(
        _ batch: ArraySlice<PreparedQuery>, with rows: Range<Int>, context: OperationContext
    ) throws(DatabaseError) {
        func all(_ rows: Range<Int>) throws(DatabaseError) {
            for (place, query) in batch.enumerated() {
                try scan(rows, query, into: &tops[place], context: context)
            }
        }
        guard let originals = space.originals else { return try all(rows) }
        try originals.reading(UInt32(rows.lowerBound)..<UInt32(rows.upperBound)) {
            (window) throws(DatabaseError) in try all(Int(window.lowerBound)..<Int(window.upperBound))
        }
    }

    private func scan(
        _ range: Range<Int>, _ query: PreparedQuery, into top: inout TopK, context: OperationContext
    ) throws(DatabaseError) {
        try ExactScan.scan(
            UInt32(range.lowerBound)..<UInt32(range.upperBound), of: space.table, query: query,
            context: context
        ) { first, distances in
            for i in distances.indices where Double(distances[i]) <= top.bound {
                let row = first + UInt32(i)
                guard space.columns.hasVector(Int(row)), view.isVisible(Int(row), in: segment) else {
                    continue
                }
                top.offer(Neighbour(distance: Double(distances[i]), row: row), precedes: <)
            }
        }
    }

    private func truth(_ top: TopK, _ query: PreparedQuery, origin: UInt32?) -> Truth {
        var nearest = top.sorted(precedes: <).map(\.row)
        // A query that happens to be stored would find itself.
        let own = origin ?? nearest.first { isStored(query, in: $0) }
        nearest.removeAll { $0 == own }
        let avoided = own.map { [$0] } ?? []
        let bounds = EffortLadder.depths.map { k in
            nearest.isEmpty ? -Double.infinity : distance(nearest[min(k, nearest.count) - 1], query)
        }
        return Truth(rows: nearest, bounds: bounds, avoided: avoided)
    }

    private func isStored(_ query: PreparedQuery, in row: UInt32) -> Bool {
        space.columns.vector(of: Int(row)).elementsEqual(query.original)
    }

    private func distance(_ row: UInt32, _ query: PreparedQuery) -> Double {
        ExactDistance.distance(of: row, in: space.table, to: query)
    }

    // MARK: By graph

    /// Searches with one beam for some of the queries; goes on to the next beam when all have been asked.
    private mutating func climb(context: OperationContext) throws(DatabaseError) {
        let k = EffortLadder.depths[depth]
        if curves.count == depth {
            curves.append(RecallCurve(k: k))
            efs = EffortLadder.efs(for: k)[...]
        }
        guard let ef = efs.first else { return nextDepth() }
        var current = point ?? RecallPoint(ef: ef, k: k)
        var work = 0
        while current.queries < queries.count, work < Self.stepWork {
            current.add(
                try recall(of: current.queries, effort: SegmentEffort(ef: ef), k: k, context: context))
            point = current
            work += ef * 2 * m * space.columns.dimension
        }
        guard current.queries == queries.count else { return }
        curves[depth].append(current)
        point = nil
        efs = efs.dropFirst()
        let isEnough = current.isFlawless || current.interval.lowerBound >= Self.highestTarget
        if isEnough || efs.isEmpty || EffortLadder.isScanCheaper(ef: ef, m: m, rows: rows) { nextDepth() }
    }

    /// The greatest recall that can be asked for (protocol, section 5).
    private static let highestTarget = 0.999

    private mutating func nextDepth() {
        depth += 1
        efs = []
    }

    private func recall(
        of index: Int, effort: SegmentEffort, k: Int, context: OperationContext
    ) throws(DatabaseError) -> Double {
        let truth = truths[index]
        let expected = min(k, truth.rows.count)
        guard expected > 0 else { return 1 }
        let found = try search(
            queries[index], wanted: expected, avoiding: truth.avoided, context: context
        ).traverse(effort)
        let bound = truth.bounds[depth]
        let truly = truth.rows.prefix(expected)
        // A row as near as the last true neighbour is as good an answer.
        let hits = found.prefix(expected).count { neighbour in
            truly.contains(neighbour.row) || distance(neighbour.row, queries[index]) <= bound
        }
        return Double(hits) / Double(expected)
    }
}
