// Going on from another graph, without the rows that died: for merges, which take the largest input's graph as
// their base, so that the work grows with what is new and what is gone, not with everything.
//
// A row keeps its lists; where a list named a dropped row, the neighbours of that row take part in a new choice,
// so that paths that led through it are bridged (FreshDiskANN's consolidation: Singh et al.,
// arXiv:2105.09613).

import NeedleCore
import Synchronization

/// Where the rows of a graph go in another one.
package struct RowMap: Sendable {
    /// What stands for a row that is dropped.
    package static let dropped = UInt32.max

    /// For each old row its new number, or `dropped`.
    package let newRows: [UInt32]

    /// - Precondition: no two rows go to the same number.
    package init(newRows: [UInt32]) {
        self.newRows = newRows
    }

    @inline(__always)
    subscript(_ old: UInt32) -> UInt32? {
        guard Int(old) < newRows.count, newRows[Int(old)] != Self.dropped else { return nil }
        return newRows[Int(old)]
    }
}

extension GraphBuilder {
    /// Takes the levels and the entry of a graph's rows over; each row's lists follow by `adopt`. One thread,
    /// before anything else is done with this builder.
    ///
    /// - Precondition: the builder is empty, has the graph's m, and was made with `upperRecords` of at least
    ///   the graph's.
    /// - Complexity: O(rows).
    package func beginAdopting(_ graph: GraphView, rows: RowMap) {
        precondition(insertedCount == 0 && Int(graph.header.m) == parameters.m)
        var highest = 0
        var bestLevels = 0
        for old in 0..<graph.header.rowCount {
            guard let row = rows[old] else { continue }
            let levels = Int(graph.levels[Int(old)].load(ordering: .relaxed))
            guard levels > 0, levels <= Int(GraphHeader.maximumLevels) else { continue }
            highest = max(highest, Int(row) + 1)
            if levels > 1 {
                let first = upperRecordCount.add(levels - 1, ordering: .relaxed).oldValue
                precondition(first + levels - 1 <= memory.upperCapacity, "no room for the upper levels")
                memory.upperOffsets[Int(row)].store(UInt32(first), ordering: .relaxed)
            }
            if levels > bestLevels || (levels == bestLevels && old == graph.header.entryRow) {
                bestLevels = levels
                entry.store(entryWord(row, levels), ordering: .releasing)
            }
        }
        rowCount.store(highest, ordering: .releasing)
    }

    /// Takes one row's codes and lists over; does nothing for rows that are dropped or not in the graph.
    /// Several threads may do this at once, each row once, after `beginAdopting` and before any insertion.
    ///
    /// - Parameter table: the vectors under the new numbers.
    package func adopt(
        _ old: UInt32, of graph: GraphView, rows: RowMap, table: VectorTable, scratch: SearchScratch
    ) {
        guard let row = rows[old], graph.contains(old) else { return }
        if let quantizer {
            let scoring = CodeScoring(
                memory: memory, quantizer: quantizer, table: table, scratch: scratch, kernels: kernels)
            adopt(old, as: row, of: graph, rows: rows, scoring: scoring, scratch: scratch)
        } else {
            let scoring = FloatScoring(table: table, kernels: kernels)
            adopt(old, as: row, of: graph, rows: rows, scoring: scoring, scratch: scratch)
        }
        inserted.add(1, ordering: .acquiringAndReleasing)
    }

    /// Writes a row's codes; all rows' must be there before the first `adopt`. Any thread.
    package func encode(_ row: UInt32, table: VectorTable, scratch: SearchScratch) {
        guard let quantizer else { return }
        CodeScoring(memory: memory, quantizer: quantizer, table: table, scratch: scratch, kernels: kernels)
            .encode(row)
    }

    private func adopt<Scoring: RowScoring>(
        _ old: UInt32, as row: UInt32, of graph: GraphView, rows: RowMap, scoring: Scoring,
        scratch: SearchScratch
    ) {
        let levels = Int(graph.levels[Int(old)].load(ordering: .relaxed))
        let insertion = GraphInsertion(
            memory: memory, parameters: parameters, row: row, levels: levels, scoring: scoring,
            scratch: scratch)
        for level in 0..<levels { insertion.adopt(old, of: graph, level: level, rows: rows) }
        memory.levels[Int(row)].store(UInt8(levels), ordering: .releasing)
    }
}

extension GraphInsertion {
    /// Writes the row's list at a level from what `old` has in `graph`.
    func adopt(_ old: UInt32, of graph: GraphView, level: Int, rows: RowMap) {
        let room = graph.layout.room(level: level)
        let record = memory.record(row, level: level)
        scratch.prepareRows(room * (room + 1))
        let found = scratch.rows.base
        var count = 0
        var dropped = 0
        graph.forEachNeighbour(of: old, level: level) { neighbour in
            if let new = rows[neighbour] {
                found[count] = new
                count += 1
            } else {
                dropped += 1
            }
        }
        if dropped > 0 {
            graph.forEachNeighbour(of: old, level: level) { neighbour in
                guard rows[neighbour] == nil else { return }
                graph.forEachNeighbour(of: neighbour, level: level) { next in
                    if let new = rows[next], new != row {
                        found[count] = new
                        count += 1
                    }
                }
            }
            count = choose(count, room: room, alpha: level == 0 ? GraphBuilder.Parameters.refinedAlpha : 1)
        } else {
            scratch.prepareSelection(width: 0, listLength: room)
            for i in 0..<count { scratch.kept.base[i] = found[i] }
        }
        write(count, to: record)
    }

    /// Chooses among the first `count` of the scratch's rows, some of which may be there twice.
    ///
    /// - Returns: how many now lie in `scratch.kept`.
    private func choose(_ count: Int, room: Int, alpha: Float) -> Int {
        guard count > 0 else { return 0 }
        scratch.prepareSelection(width: count, listLength: room)
        scratch.prepareProducts(count)
        let rows = scratch.rows.base
        let scorer = scoring.scorer(of: row)
        scorer.score(rows, count: count, into: scratch.distances.base)
        let salt = Self.salt(row)
        let keys = scratch.candidates.base
        for i in 0..<count { keys[i] = Beam.key(scratch.distances.base[i], rows[i], salt: salt) }
        var sorted = UnsafeMutableBufferPointer(start: keys, count: count)
        sorted.sort()
        var unique = 1
        for i in 1..<count where keys[i] != keys[i - 1] {
            keys[unique] = keys[i]
            unique += 1
        }
        return select(
            keys, count: unique, salt: salt, zero: scorer.distance(to: row), limit: room, alpha: alpha)
    }
}

extension GraphView {
    /// The neighbours of a row at a level that are rows of this graph.
    @inline(__always)
    func forEachNeighbour(of row: UInt32, level: Int, _ body: (UInt32) -> Void) {
        guard level < Int(levels[Int(row)].load(ordering: .acquiring)) else { return }
        guard let record = level == 0 ? baseRecord(row) : upperRecord(row, level: level) else { return }
        let count = min(Int(record[0].load(ordering: .acquiring)), layout.room(level: level))
        for i in 0..<count {
            let other = record[1 + i].load(ordering: .acquiring)
            if other < header.rowCount { body(other) }
        }
    }
}
