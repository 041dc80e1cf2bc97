import NeedleCore
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
struct Search {
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

    /// Points wanted before the offset is cut off, and those that may find themselves.
    private var wanted: Int { query.offset + query.limit + excluded.count }

    /// What is found damaged on the way, or cannot be read, is left out of another attempt.
    func run() throws(DatabaseError) -> Outcome {
        while true {
            let known = view.set.damageCount
            do throws(DatabaseError) {
                return try attempt()
            } catch {
                guard error.isOfStoredData, view.set.damageCount > known else { throw error }
            }
        }
    }

    private func attempt() throws(DatabaseError) -> Outcome {
        let segments = view.set.searchable
        let isComplete = segments.count == view.set.count
        let scan = query.filter.map { FilterScan($0, view: view, context: context) }
        var candidates: [Candidate] = []
        var usedGraph = false
        var usedScan = false
        var usedFilteredGraph = false
        for (index, segment) in segments.enumerated() {
            let search = SegmentSearch(
                segment: segment, space: segment.space(space), visibleRows: segment.visibleRows(at: view.lsn),
                view: view, query: prepared, wanted: wanted, rescores: query.rescores, scratches: scratches,
                context: context)
            guard search.visibleRows > 0 else { continue }
            let plan = plan(for: search)
            let found: [Neighbour]
            var isEstimated = false
            if let scan {
                let effort: SegmentEffort? = if case .graph(let effort) = plan { effort } else { nil }
                let outcome = try search.search(among: try scan.selection(of: segment), effort: effort)
                found = outcome.found
                isEstimated = outcome.usedGraph && !query.rescores
                usedFilteredGraph = usedFilteredGraph || outcome.usedGraph
                usedScan = usedScan || !outcome.usedGraph
            } else if case .graph(let effort) = plan {
                found = try search.traverse(effort)
                isEstimated = !query.rescores
                usedGraph = true
                usedScan = usedScan || search.hasTail
            } else {
                found = try search.scanAll()
                usedScan = true
            }
            if !isEstimated { try search.verifyVectors(of: found.lazy.map(\.row)) }
            for neighbour in found {
                let score = score(of: neighbour, in: search, isEstimated: isEstimated)
                candidates.append(Candidate(segment: index, row: neighbour.row, score: score))
            }
        }
        let strategy: SearchStrategy =
            usedGraph || usedFilteredGraph
            ? (usedScan ? .mixed : usedGraph ? .graph : .filteredGraph) : .exact
        return Outcome(
            hits: try hits(from: candidates, in: segments), strategy: strategy, isComplete: isComplete)
    }

    // MARK: Choosing the way

    private enum Plan {
        case exact
        case graph(SegmentEffort)
    }

    private func plan(for search: SegmentSearch) -> Plan {
        if search.needsWideScan || search.space.graph == nil || search.space.indexed < options.exactRows {
            return .exact
        }
        switch query.effort {
        case .exact: return .exact
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
        return choice.effort(target: target, wanted: wanted, part: part).map(graph) ?? .exact
    }

    private func graph(_ effort: SegmentEffort) -> Plan {
        .graph(SegmentEffort(ef: effort.ef, oversampling: query.oversampling ?? effort.oversampling))
    }

    // MARK: From candidates to the answer

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

    private func hits(from candidates: [Candidate], in segments: [any Segment]) throws(DatabaseError)
        -> [SearchHit]
    {
        let higherIsBetter = prepared.metric != .euclid
        let ordered = candidates.sorted { left, right in
            if left.score != right.score { return (left.score > right.score) == higherIsBetter }
            return Self.isID(of: left, before: right, in: segments)
        }
        let reader = RecordReader(config: config, selection: query.selection, lsn: view.lsn)
        var hits: [SearchHit] = []
        var skipped = 0
        for candidate in ordered {
            if hits.count == query.limit { break }
            let segment = segments[candidate.segment]
            if try isExcluded(candidate.row, of: segment) { continue }
            if skipped < query.offset {
                skipped += 1
                continue
            }
            if let threshold = query.scoreThreshold,
                higherIsBetter ? candidate.score < threshold : candidate.score > threshold
            {
                break
            }
            hits.append(
                SearchHit(record: try reader.record(Int(candidate.row), of: segment), score: candidate.score))
        }
        return hits
    }

    private func isExcluded(_ row: UInt32, of segment: any Segment) throws(DatabaseError) -> Bool {
        for id in excluded where try segment.columns.hasID(Int(row), id) { return true }
        return false
    }

    /// The order of ids; of ids that cannot be read (which building the record reports) the order of rows.
    private static func isID(of left: Candidate, before right: Candidate, in segments: [any Segment]) -> Bool
    {
        let other = segments[right.segment].columns
        do throws(DatabaseError) {
            return try segments[left.segment].columns.isID(
                of: Int(left.row), before: Int(right.row), in: other)
        } catch {
            return (left.segment, left.row) < (right.segment, right.row)
        }
    }
}
