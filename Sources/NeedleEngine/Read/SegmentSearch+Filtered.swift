import NeedleCore
import NeedlePayloads
import NeedleVectors

/// The search of one segment among the rows that a filter leaves.
extension SegmentSearch {
    /// What was found, and whether the graph or its codes chose it.
    struct FilteredOutcome {
        var found: [Neighbour]
        var usedGraph: Bool
    }

    /// Whether so few rows match that their originals are compared, whatever the effort.
    func areFew(_ rows: PointSet) -> Bool {
        areAllKept(rows) || (rows.count <= FilteredPlan.fewRows && !(space.originals?.isCold ?? false))
    }

    /// Whether all of these rows become candidates: then nobody needs to know how far they are before they get their scores.
    func areAllKept(_ rows: PointSet) -> Bool { rows.count <= kept }

    /// The nearest of few rows; where all are kept, those with a vector, without their distances.
    func searchFew(_ rows: PointSet) throws(DatabaseError) -> [Neighbour] {
        guard areAllKept(rows) else { return try scan(list: Array(rows)) }
        var found: [Neighbour] = []
        found.reserveCapacity(rows.count)
        rows.forEachRow { row in
            if space.columns.hasVector(Int(row)) { found.append(Neighbour(distance: 0, row: row)) }
        }
        return found
    }

    /// The nearest of these rows, as many as are kept or as there are.
    ///
    /// - Parameters:
    ///   - rows: visible rows that match.
    ///   - effort: of a search without a filter; `nil` compares every row's original.
    func search(among rows: PointSet, effort: SegmentEffort?) throws(DatabaseError) -> FilteredOutcome {
        guard let effort, let graph = space.graph, !needsWideScan else {
            return FilteredOutcome(found: try scan(list: Array(rows)), usedGraph: false)
        }
        let depth = max(wanted, rescoringDepth(graph, effort, ef: effort.ef))
        // Few rows cost by their number: not even a mask of all rows is made.
        if rows.count <= FilteredPlan.mostOriginals(depth: depth) {
            trace?.noteFew()
            return FilteredOutcome(found: try scan(list: Array(rows)), usedGraph: false)
        }
        let reached = min(space.indexed, visibleRows, Int(graph.header.rowCount))
        let scratch = scratches.take()
        defer { scratches.giveBack(scratch) }
        let isWithin = rows.isWithin(reached)
        let mask = mask(of: rows, below: reached, count: isWithin ? rows.count : nil)
        guard let near = try search(graph, among: mask, effort, depth: depth, scratch: scratch) else {
            return FilteredOutcome(found: try scan(list: Array(rows)), usedGraph: false)
        }
        var top = TopK(capacity: kept)
        for neighbour in near { top.offer(neighbour, precedes: precedes) }
        let tail = isWithin ? [] : rows.filter { Int($0) >= reached }
        if !tail.isEmpty {
            for neighbour in try scan(list: tail) { top.offer(neighbour, precedes: precedes) }
        }
        return FilteredOutcome(found: top.sorted(precedes: precedes), usedGraph: true)
    }

    /// The rows before `end` that have a vector.
    ///
    /// - Parameter count: of those before `end`, if it is known.
    private func mask(of rows: PointSet, below end: Int, count: Int?) -> RowMask {
        var mask = RowMask(words: rows.bitmap(below: end), rowCount: end, count: count)
        guard space.columns.presence != nil else { return mask }
        for row in mask.rows where !space.columns.hasVector(Int(row)) { mask.remove(row) }
        return mask
    }

    /// `nil` when the originals of all rows are to be compared.
    private func search(
        _ graph: GraphView, among mask: RowMask, _ effort: SegmentEffort, depth: Int,
        scratch: SearchScratch
    ) throws(DatabaseError) -> [Neighbour]? {
        let plan = FilteredPlan(
            reached: mask.rowCount, matching: mask.count, ef: effort.ef, depth: depth,
            code: graph.quantizer?.kind)
        let way = try plan.way { () throws(DatabaseError) in
            try GraphSearcher.shareNearby(
                graph, table: space.table, query: query, among: mask, guardedBy: rowGuard(),
                scratch: scratch, context: context)
        }
        trace?.note(way, plan)
        switch way {
        case .originals: return nil
        case .codes: return try scanCodes(graph, among: mask, depth: depth, scratch: scratch)
        case .graph(let ef):
            let found = try find(graph, among: mask, ef: max(ef, depth), scans: false, scratch: scratch)
            // A walk that starves has not seen all of them.
            guard found.count >= min(wanted, mask.count) else {
                trace?.why = "the walk found too few: the codes were scanned after it"
                return try scanCodes(graph, among: mask, depth: depth, scratch: scratch)
            }
            return try rescored(found, depth: depth, scratch: scratch).best
        }
    }

    /// Widens the scan until the codes' error cannot hide a row that belongs to the nearest.
    private func scanCodes(
        _ graph: GraphView, among mask: RowMask, depth: Int, scratch: SearchScratch
    ) throws(DatabaseError) -> [Neighbour]? {
        // No wider at first: the sketches pass over fewer rows then, which costs more than the rare second scan.
        var width = depth
        while width < mask.count {
            let found = try find(graph, among: mask, ef: width, scans: true, scratch: scratch)
            let outcome = try rescored(found, depth: depth, scratch: scratch)
            if outcome.isSettled { return outcome.best }
            width *= 4
            trace?.widenings += 1
        }
        return nil
    }

    private func find(
        _ graph: GraphView, among mask: RowMask, ef: Int, scans: Bool, scratch: SearchScratch
    ) throws(DatabaseError) -> [Neighbour] {
        try GraphSearcher.search(
            graph, table: space.table, query: query, ef: ef, among: mask, scans: scans,
            guardedBy: rowGuard(), scratch: scratch, context: context)
    }

    private func rescored(
        _ found: [Neighbour], depth: Int, scratch: SearchScratch
    ) throws(DatabaseError) -> Rescoring.Outcome {
        guard rescores, space.graph?.quantizer != nil else {
            return Rescoring.Outcome(best: found, isSettled: true)
        }
        try verifyVectors(of: found.lazy.map(\.row))
        let outcome = try readingOriginals(of: found.prefix(depth).lazy.map(\.row)) {
            Rescoring.rescore(
                found, wanted: wanted, atLeast: depth, of: space.table, query: query, scratch: scratch)
        }
        trace?.noteRescored(outcome.best.count)
        return outcome
    }
}
