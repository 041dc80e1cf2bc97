import NeedleCore
import NeedlePayloads
import NeedleVectors

// From the rows that segments gave to the answer: one ranking, joined with what words find, made diverse, cut.

extension Search {
    /// The order of scores: only distances rise.
    private var higherIsBetter: Bool { query.hybrid != nil || prepared.metric != .euclid }

    /// The best of what vectors found, those left out that must not find themselves.
    func ranking(
        _ candidates: [Candidate], in segments: [any Segment]
    ) throws(DatabaseError) -> [Candidate] {
        var ordered = candidates
        sort(&ordered, in: segments)
        var ranking: [Candidate] = []
        ranking.reserveCapacity(min(depth, ordered.count))
        for candidate in ordered {
            if ranking.count == depth { break }
            if try !isExcluded(candidate.row, of: segments[candidate.segment]) { ranking.append(candidate) }
        }
        return ranking
    }

    /// What segments give is nearly in order, or little.
    private func sort(_ candidates: inout [Candidate], in segments: [any Segment]) {
        guard candidates.count <= 64 else {
            return candidates.sort { isNearer($0, $1, in: segments) }
        }
        for end in candidates.indices.dropFirst() {
            let own = candidates[end]
            var place = end
            while place > 0, isNearer(own, candidates[place - 1], in: segments) {
                candidates[place] = candidates[place - 1]
                place -= 1
            }
            candidates[place] = own
        }
    }

    /// The order of the ranking by vectors: scores, then ids.
    func isNearer(_ left: Candidate, _ right: Candidate, in segments: [any Segment]) -> Bool {
        if left.score != right.score { return (left.score < right.score) == (prepared.metric == .euclid) }
        return Self.isID(of: left, before: right, in: segments)
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

    // MARK: Words

    /// The ranking by vectors joined with that by words: as many of each as `depth` says. Only points with a vector in
    /// the space are found.
    func fused(
        _ near: [Candidate], with hybrid: HybridSearch, in segments: [any Segment], _ selections: [PointSet]?
    ) throws(DatabaseError) -> [Candidate] {
        let keywords = KeywordScan(
            view: view, segments: segments,
            paths: KeywordScan.paths(of: hybrid, view: view, config: config), context: context)
        let admission = KeywordScan.Admission(selections: selections) {
            [self] (number, row) throws(DatabaseError) in
            let segment = segments[number]
            guard segment.space(space).columns.hasVector(Int(row)) else { return false }
            return try !isExcluded(row, of: segment)
        }
        let worded = try keywords.best(hybrid.text, limit: depth, admission).map {
            Candidate(segment: $0.segment, row: $0.row, score: $0.score)
        }
        var places: [PointID: Candidate] = [:]
        var sides: [[RankFusion.Entry]] = []
        for side in [near, worded] {
            var entries: [RankFusion.Entry] = []
            for candidate in side {
                let id = try segments[candidate.segment].columns.id(of: Int(candidate.row))
                places[id] = candidate
                entries.append(RankFusion.Entry(id: id, score: candidate.score))
            }
            sides.append(entries)
        }
        return Self.fused(sides[0], sides[1], hybrid.fusion, metric: prepared.metric).compactMap { entry in
            places[entry.id].map { Candidate(segment: $0.segment, row: $0.row, score: entry.score) }
        }
    }

    private static func fused(
        _ near: [RankFusion.Entry], _ worded: [RankFusion.Entry], _ fusion: HybridSearch.Fusion,
        metric: Metric
    ) -> [RankFusion.Entry] {
        switch fusion {
        case .reciprocal(let k): return RankFusion.reciprocal([near.map(\.id), worded.map(\.id)], k: k)
        case .weighted(let vector, let text):
            let nearness =
                metric == .euclid ? near.map { RankFusion.Entry(id: $0.id, score: 0 - $0.score) } : near
            return RankFusion.weighted([(nearness, vector), (worded, text)])
        }
    }

    // MARK: Diversity

    /// The window's points, chosen one after the other from the head of the ranking.
    func diversified(
        _ ranking: [Candidate], _ diversity: Diversity, in segments: [any Segment]
    ) throws(DatabaseError) -> [Candidate] {
        let candidates = Array(ranking.prefix(max(window, diversity.candidates)))
        let likeness = try Likeness(
            of: candidates, in: segments, space: space, isCosine: query.hybrid != nil,
            metric: prepared.metric)
        let chosen = try MarginalRelevance.choose(
            limit: window, relevance: relevance(of: candidates), lambda: diversity.lambda
        ) { (left, right) throws(DatabaseError) in
            try context.check()
            return likeness.of(left, right)
        }
        return chosen.map { candidates[$0] }
    }

    /// On the scale of likeness: scores of vectors as they are; of fused ones the share of the way from the lowest to
    /// the highest.
    private func relevance(of candidates: [Candidate]) -> [Double] {
        guard query.hybrid != nil else {
            return candidates.map { prepared.metric == .euclid ? 0 - $0.score : $0.score }
        }
        let lowest = candidates.last?.score ?? 0
        let range = (candidates.first?.score ?? 0) - lowest
        return candidates.map { range > 0 ? ($0.score - lowest) / range : 1 }
    }

    // MARK: The answer

    /// Cuts offset, limit and threshold, and reads the points.
    func hits(
        from ranking: [Candidate], in segments: [any Segment]
    ) throws(DatabaseError) -> [SearchHit] {
        let window = ranking.dropFirst(query.offset).prefix(query.limit)
        return try records(of: window.filter(meetsThreshold), in: segments)
    }

    func meetsThreshold(_ candidate: Candidate) -> Bool {
        guard let threshold = query.scoreThreshold else { return true }
        return higherIsBetter ? candidate.score >= threshold : candidate.score <= threshold
    }

    func records(
        of candidates: some Sequence<Candidate>, in segments: [any Segment]
    ) throws(DatabaseError) -> [SearchHit] {
        let reader = RecordReader(config: config, selection: query.selection, lsn: view.lsn)
        var hits: [SearchHit] = []
        for candidate in candidates {
            let record = try reader.record(Int(candidate.row), of: segments[candidate.segment])
            hits.append(SearchHit(record: record, score: candidate.score))
        }
        return hits
    }
}
