import NeedleCore
import NeedlePayloads
import NeedleVectors

/// One search against one view of a collection: per segment by graph or by exact scan, merged, rescored, cut.
///
/// - Every visible point is consulted: what no graph reaches yet is scanned (invariant 8).
/// - If `offset + limit` points match, that many are found: a graph that gives too few is asked again with a
///   wider beam, and at last the segment is scanned (invariant 9).
/// - Final scores come from double arithmetic in one order, so they depend neither on the processor nor on
///   the way a row was found; ties are in the order of ids. Only who does without rescoring gets the estimates
///   of the codes as scores of what a graph found.
/// - A segment whose originals are damaged is left out, and the answer says that it is not complete; a graph that is
///   damaged is replaced by a scan (invariant 6).
/// - Words and diversity order the ranking anew before it is cut (`Search+Ranking`).
///
/// A class, because copying as many fields cost a small search more than all else. Of one thread.
final class Search {
    let view: ReadView
    let config: CollectionConfig
    let options: EngineOptions
    let space: Int
    let query: SearchQuery
    let prepared: PreparedQuery
    /// Points that must not find themselves. Few.
    let excluded: [PointID]
    /// What the collection measured of its own recall.
    let recall: RecallTable
    let scratches: SearchScratchPool
    let context: OperationContext
    /// Of a search that explains itself.
    let trace: SearchTrace?

    init(
        view: ReadView, config: CollectionConfig, options: EngineOptions, space: Int, query: SearchQuery,
        prepared: PreparedQuery, excluded: [PointID], recall: RecallTable, scratches: SearchScratchPool,
        context: OperationContext, trace: SearchTrace? = nil
    ) {
        self.view = view
        self.config = config
        self.options = options
        self.space = space
        self.query = query
        self.prepared = prepared
        self.excluded = excluded
        self.recall = recall
        self.scratches = scratches
        self.context = context
        self.trace = trace
    }

    /// The same search with another question about the answer: how many points, from where.
    func asking(_ query: SearchQuery) -> Search {
        Search(
            view: view, config: config, options: options, space: space, query: query, prepared: prepared,
            excluded: excluded, recall: recall, scratches: scratches, context: context, trace: trace)
    }

    /// A row that may belong to the answer.
    struct Candidate {
        let segment: Int
        let row: UInt32
        let score: Double
    }

    /// The hits, and how they were found.
    struct Outcome {
        var hits: [SearchHit]
        var strategy: SearchStrategy
        /// No part of the data had to be left out.
        var isComplete: Bool
    }

    /// The points at the head of the ranking that the answer is cut from.
    var window: Int { query.offset + query.limit }

    /// How many points of the ranking by vectors are needed.
    var depth: Int {
        var depth = window
        if query.hybrid != nil { depth = max(Self.fusedDepth, 2 * depth) }
        if let diversity = query.diversity { depth = max(depth, diversity.candidates) }
        return depth
    }

    /// Points of each side that are fused at least.
    static let fusedDepth = 100

    /// Rows wanted of each segment: those that may not find themselves too.
    private var wanted: Int { depth + excluded.count }

    func run() throws(DatabaseError) -> Outcome {
        try withoutDamage { () throws(DatabaseError) in
            let segments = view.set.searchable
            let isComplete = segments.count == view.set.count
            trace?.begin()
            let selections = try selections(of: segments)
            trace?.end("filter")
            let (ranking, strategy) = try rank(segments, selections)
            let hits = try hits(from: ranking, in: segments)
            trace?.end("points")
            return Outcome(hits: hits, strategy: strategy, isComplete: isComplete)
        }
    }

    /// What is found damaged on the way, or cannot be read, is left out of another attempt.
    func withoutDamage<Result>(
        _ attempt: () throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        while true {
            let known = view.set.damageCount
            do throws(DatabaseError) {
                return try attempt()
            } catch {
                guard error.isOfStoredData, view.set.damageCount > known else { throw error }
            }
        }
    }

    /// What the segments gave so far, and how.
    private struct Nearest {
        var candidates: [Candidate] = []
        var usedGraph = false
        var usedScan = false
        var usedFilteredGraph = false

        var strategy: SearchStrategy {
            guard usedGraph || usedFilteredGraph else { return .exact }
            return usedScan ? .mixed : usedGraph ? .graph : .filteredGraph
        }
    }

    /// The points that the answer is cut from, best first.
    ///
    /// - Parameter selections: of each segment the visible rows that count; `nil`: all.
    func rank(
        _ segments: [any Segment], _ selections: [PointSet]?
    ) throws(DatabaseError) -> (ranking: [Candidate], strategy: SearchStrategy) {
        var nearest = Nearest()
        for (index, segment) in segments.enumerated() {
            try search(segment, index, selections?[index], into: &nearest)
        }
        var ranking = try ranking(nearest.candidates, in: segments)
        trace?.end("vectors")
        if let hybrid = query.hybrid {
            ranking = try fused(ranking, with: hybrid, in: segments, selections)
            trace?.end("words")
        }
        if let diversity = query.diversity {
            ranking = try diversified(ranking, diversity, in: segments)
            trace?.end("mmr")
        }
        return (ranking, nearest.strategy)
    }

    /// The visible rows of each segment that the filter leaves, if there is one.
    func selections(of segments: [any Segment]) throws(DatabaseError) -> [PointSet]? {
        guard let filter = query.filter else { return nil }
        return try FilterScan(filter, view: view, context: context).selections(of: segments)
    }

    /// Adds the nearest rows of a segment.
    private func search(
        _ segment: any Segment, _ index: Int, _ selection: PointSet?, into nearest: inout Nearest
    ) throws(DatabaseError) {
        let visibleRows = segment.visibleRows(at: view.lsn)
        guard visibleRows > 0 else { return }
        let search = SegmentSearch(
            segment: segment, space: segment.space(space), visibleRows: visibleRows, view: view,
            query: prepared, wanted: wanted, rescores: query.rescores, scratches: scratches, context: context)
        let isFew = selection.map(search.areFew) ?? false
        let plan = isFew ? .few : plan(for: search)
        search.trace = trace?.beginSegment(search, matching: selection?.count, plan)
        let found: [Neighbour]
        var isEstimated = false
        if let selection, isFew {
            found = try search.searchFew(selection)
            nearest.usedScan = true
        } else if let selection {
            let effort: SegmentEffort? = if case .graph(let effort) = plan { effort } else { nil }
            let outcome = try search.search(among: selection, effort: effort)
            found = outcome.found
            isEstimated = outcome.usedGraph && !query.rescores
            nearest.usedFilteredGraph = nearest.usedFilteredGraph || outcome.usedGraph
            nearest.usedScan = nearest.usedScan || !outcome.usedGraph
        } else if case .graph(let effort) = plan {
            found = try search.traverse(effort)
            isEstimated = !query.rescores
            nearest.usedGraph = true
            nearest.usedScan = nearest.usedScan || search.hasTail
        } else {
            found = try search.scanAll()
            nearest.usedScan = true
        }
        if !isEstimated { try search.verifyVectors(of: found.lazy.map(\.row)) }
        nearest.candidates.reserveCapacity(nearest.candidates.count + found.count)
        func scoreAll() {
            for neighbour in found {
                let score = score(of: neighbour, in: search, isEstimated: isEstimated)
                nearest.candidates.append(Candidate(segment: index, row: neighbour.row, score: score))
            }
        }
        if let selection, search.areAllKept(selection) {
            // Nothing has read them so far.
            try search.readingOriginals(of: found.lazy.map(\.row)) { scoreAll() }
        } else {
            scoreAll()
        }
        trace?.endSegment(found: found.count, isEstimated: isEstimated)
    }

    // MARK: Choosing the way

    /// How a segment is searched without regard to filters.
    enum Plan {
        /// A filter leaves few rows.
        case few
        case exact(ExactReason)
        case graph(SegmentEffort)
    }

    /// Why every row is compared. Raw values are for people.
    enum ExactReason: String {
        case asked = "exact was asked for"
        case wide = "float32 cannot hold the norms of the query or of some row"
        case noGraph = "there is no graph"
        case fewRows = "the graph reaches fewer rows than search.exact_rows"
        case cheaper = "comparing every row is cheaper than a beam wide enough"
    }

    private func plan(for search: SegmentSearch) -> Plan {
        if search.needsWideScan { return .exact(.wide) }
        if search.space.graph == nil { return .exact(.noGraph) }
        if search.space.indexed < options.exactRows { return .exact(.fewRows) }
        switch query.effort {
        case .exact: return .exact(.asked)
        case .ef(let ef): return graph(SegmentEffort(ef: max(ef, wanted)))
        case .standard: return plan(for: search, recall: EffortChoice.standardRecall)
        case .recall(let recall): return plan(for: search, recall: recall)
        }
    }

    private func plan(for search: SegmentSearch, recall target: Double) -> Plan {
        let choice = EffortChoice(
            config: config.spaces[space], defaultEF: options.defaultEF, table: recall)
        let part = EffortChoice.part(
            of: search.segment, search.space, index: space, visibleRows: search.visibleRows)
        return choice.effort(target: target, wanted: wanted, part: part).map(graph) ?? .exact(.cheaper)
    }

    private func graph(_ effort: SegmentEffort) -> Plan {
        .graph(SegmentEffort(ef: effort.ef, oversampling: query.oversampling ?? effort.oversampling))
    }

    // MARK: Scores

    private func score(
        of neighbour: Neighbour, in search: SegmentSearch, isEstimated: Bool
    ) -> Double {
        // Codes that are damaged may say anything.
        let distance =
            isEstimated && neighbour.distance.isFinite
            ? neighbour.distance
            : ExactDistance.distance(of: neighbour.row, in: search.space.table, to: prepared)
        switch prepared.metric {
        case .cosine, .dot: return Self.reported(0 - distance)
        // An estimate of a square may be below zero.
        case .euclid: return Self.reported(max(0, distance).squareRoot())
        }
    }

    /// Scores are given to float32 precision, and compared as they are given, so that a tie is what looks
    /// like one.
    private static func reported(_ score: Double) -> Double {
        let single = Float(score)
        let isOrdinary = single.isFinite && (single.isNormal || score == 0)
        return isOrdinary ? Double(single) : score
    }
}
