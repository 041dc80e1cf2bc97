// One insertion: finding a row's neighbours, choosing among them, and linking both ways.

import NeedleCore
import Synchronization

/// The state of one insertion into a builder's graph; lives on the stack of `GraphBuilder.insert`.
@unsafe struct GraphInsertion<Scoring: RowScoring> {
    // SAFETY: borrowed for one insertion. Lists are written only under the row's lock, except those of the
    // new row before anybody knows it. The scratch has room for lists of 2m + 1 and a beam of efConstruction.
    let memory: GraphMemory
    let parameters: GraphBuilder.Parameters
    let row: UInt32
    let levels: Int
    let scoring: Scoring
    let scratch: SearchScratch

    /// Ties among equal vectors are broken differently for each row, or all would link to the same few.
    static func salt(_ row: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: SeededGenerator.mix(UInt64(row)))
    }

    /// Finds neighbours in the graph as it is now, writes the row's lists, then links back from below to
    /// above.
    func link(under graph: GraphView, context: OperationContext) throws(DatabaseError) {
        let m = parameters.m
        prepareScratch(graph)
        let scorer = scoring.query(row)
        let traversal = GraphTraversal(graph: graph, scorer: scorer, scratch: scratch)
        let salt = Self.salt(row)
        let zero = scorer.distance(to: row)
        let top = min(levels, Int(graph.header.entryLevels)) - 1
        var start = traversal.descend(
            from: graph.header.entryRow, levels: Int(graph.header.entryLevels), to: top)
        for level in stride(from: top, through: 0, by: -1) {
            let beam = try traversal.search(
                level: level, from: start, width: parameters.efConstruction, salt: salt, context: context)
            start = Beam.row(beam.keys[0], salt: salt)
            let count = select(beam.keys, count: beam.count, salt: salt, zero: zero, limit: m, alpha: 1)
            write(count, to: memory.record(row, level: level))
            // A copy for linking back: by then others may be changing the list itself.
            let chosen = scratch.chosen.base + level * (1 + m)
            chosen[0] = UInt32(count)
            for i in 0..<count { chosen[1 + i] = scratch.kept.base[i] }
        }
        memory.levels[Int(row)].store(UInt8(levels), ordering: .releasing)
        for level in 0...top {
            let chosen = scratch.chosen.base + level * (1 + m)
            for i in 0..<Int(chosen[0]) { linkBack(from: chosen[1 + i], level: level, alpha: 1) }
        }
    }

    /// Searches the row's surroundings in the whole graph and chooses its list at level 0 from what is found
    /// and what is there, then links back.
    func refine(under graph: GraphView, context: OperationContext) throws(DatabaseError) {
        prepareScratch(graph)
        let scorer = scoring.query(row)
        let filter = graph.sketches.map { SketchFilter($0, scratch: scratch, kernels: .best) }
        let traversal = GraphTraversal(graph: graph, scorer: scorer, scratch: scratch, filter: filter)
        let salt = Self.salt(row)
        let zero = scorer.distance(to: row)
        let beam = try traversal.search(
            level: 0, from: row, width: parameters.refinementWidth, salt: salt, context: context)
        // Among nothing but its duplicates no choice is better than another, and choosing anew cuts some off.
        if Beam.distance(beam.keys[beam.count - 1]) == zero { return }
        let record = memory.record(row, level: 0)
        let alpha = GraphBuilder.Parameters.refinedAlpha
        let chosen = scratch.chosen.base
        do {
            memory.lock(row)
            defer { memory.unlock(row) }
            let count = candidates(of: beam, and: record, scorer: scorer, salt: salt)
            let kept = select(
                scratch.candidates.base, count: count, salt: salt, zero: zero, limit: 2 * parameters.m,
                alpha: alpha)
            write(kept, to: record)
            chosen[0] = UInt32(kept)
            for i in 0..<kept { chosen[1 + i] = scratch.kept.base[i] }
        }
        for i in 0..<Int(chosen[0]) { linkBack(from: chosen[1 + i], level: 0, alpha: alpha) }
    }

    /// The beam without the row itself, and what its list has beyond that; sorted, in `scratch.candidates`.
    private func candidates(
        of beam: Beam, and record: UnsafeMutablePointer<Atomic<UInt32>>, scorer: Scoring.Query, salt: UInt32
    ) -> Int {
        let keys = scratch.candidates.base
        var count = 0
        for i in 0..<beam.count where Beam.row(beam.keys[i], salt: salt) != row {
            keys[count] = beam.keys[i]
            count += 1
        }
        let found = count
        for i in 0..<Int(record[0].load(ordering: .relaxed)) {
            let other = record[1 + i].load(ordering: .relaxed)
            let key = Beam.key(scorer.distance(to: other), other, salt: salt)
            let isKnown = (0..<found).contains { keys[$0] == key }
            if !isKnown {
                insertSorted(key, into: keys, count: count)
                count += 1
            }
        }
        return count
    }

    func prepareScratch(_ graph: GraphView) {
        let width = max(parameters.efConstruction, parameters.refinementWidth)
        let list = graph.layout.room(level: 0) + 1
        scratch.prepare(rowCount: Int(graph.header.rowCount), width: width, listLength: list)
        scratch.prepareSelection(width: width, listLength: list)
    }

    /// Adds the new row to another row's list; a full list is chosen anew from all of them.
    private func linkBack(from other: UInt32, level: Int, alpha: Float) {
        let room = level == 0 ? 2 * parameters.m : parameters.m
        let record = memory.record(other, level: level)
        memory.lock(other)
        defer { memory.unlock(other) }
        let count = Int(record[0].load(ordering: .relaxed))
        let rows = scratch.rows.base
        for i in 0..<count {
            rows[i] = record[1 + i].load(ordering: .relaxed)
            if rows[i] == row { return }
        }
        if count < room {
            record[1 + count].store(row, ordering: .releasing)
            record[0].store(UInt32(count + 1), ordering: .releasing)
            return
        }
        rows[count] = row
        let scorer = scoring.scorer(of: other)
        scorer.score(rows, count: count + 1, into: scratch.distances.base)
        let salt = Self.salt(other ^ row)
        let candidates = scratch.candidates.base
        for i in 0...count {
            insertSorted(Beam.key(scratch.distances.base[i], rows[i], salt: salt), into: candidates, count: i)
        }
        let chosen = select(
            candidates, count: count + 1, salt: salt, zero: scorer.distance(to: other), limit: room,
            alpha: alpha)
        write(chosen, to: record)
    }

    @inline(__always)
    func insertSorted(_ key: UInt64, into keys: UnsafeMutablePointer<UInt64>, count: Int) {
        var at = count
        while at > 0, keys[at - 1] > key {
            keys[at] = keys[at - 1]
            at -= 1
        }
        keys[at] = key
    }

    /// The paper's heuristic, with Vamana's α: of the candidates, nearest first, those are kept that are nearer to the owner
    /// than to any kept before, so that links lead into different directions.
    ///
    /// Vectors equal to the owner (at distance `zero`) pass that test always and would fill the list, cutting
    /// a group of duplicates off from the rest; so they get at most half of the room, and more only if it
    /// would stay empty.
    /// - Returns: how many rows now lie in `scratch.kept`.
    func select(
        _ keys: UnsafeMutablePointer<UInt64>, count: Int, salt: UInt32, zero: Float, limit: Int,
        alpha: Float
    ) -> Int {
        let kept = scratch.kept.base
        let spare = scratch.spare.base
        var keptCount = 0
        var spareCount = 0
        var duplicates = 0
        for i in 0..<count where keptCount < limit {
            let candidate = Beam.row(keys[i], salt: salt)
            let distance = Beam.distance(keys[i])
            if distance == zero {
                duplicates += 1
                if duplicates > max(1, limit / 2) {
                    spare[spareCount] = candidate
                    spareCount += 1
                    continue
                }
            } else if !isDiverse(candidate, distance, among: kept, count: keptCount, alpha: alpha) {
                continue
            }
            kept[keptCount] = candidate
            keptCount += 1
        }
        for i in 0..<min(spareCount, limit - keptCount) {
            kept[keptCount] = spare[i]
            keptCount += 1
        }
        return keptCount
    }

    @inline(__always)
    private func isDiverse(
        _ candidate: UInt32, _ distance: Float, among kept: UnsafeMutablePointer<UInt32>, count: Int,
        alpha: Float
    ) -> Bool {
        let scorer = scoring.scorer(of: candidate)
        if alpha == 1 || scoring.metric == .dot {
            for i in 0..<count where scorer.distance(to: kept[i]) < distance { return false }
            return true
        }
        // α is a ratio of squared distances: of unit vectors that is 2 (1 − cos).
        let shift: Float = scoring.metric == .cosine ? 1 : 0
        let limit = (distance + shift) / alpha - shift
        for i in 0..<count where scorer.distance(to: kept[i]) < limit { return false }
        return true
    }

    func write(_ count: Int, to record: UnsafeMutablePointer<Atomic<UInt32>>) {
        let kept = scratch.kept.base
        for i in 0..<count { record[1 + i].store(kept[i], ordering: .releasing) }
        record[0].store(UInt32(count), ordering: .releasing)
    }
}
