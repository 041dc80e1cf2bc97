// The two walks that searching and inserting share: greedy descent through the upper levels, and the beam
// search of one level. The inner loops touch raw memory only: no reference counting, no bounds checks, no
// closures.

import CNeedleKernels
import NeedleCore
import Synchronization

/// A graph, a scorer and a scratch brought together for one operation.
@unsafe struct GraphTraversal<Scorer: RowScorer> {
    // SAFETY: borrowed for one operation; row numbers are checked against `rowCount`, for which the scratch
    // has room.
    let graph: GraphView
    let scorer: Scorer
    let scratch: SearchScratch
    /// Applied at level 0 only: few rows are met above.
    var filter: SketchFilter?

    /// Expansions between two looks at the context.
    static var contextInterval: Int { 64 }

    /// Walks from `start` down to just above `level`, each time to the nearest neighbour until there is no
    /// nearer one.
    func descend(from start: UInt32, levels: Int, to level: Int) -> UInt32 {
        let rows = scratch.rows.base
        let distances = scratch.distances.base
        var best = start
        var bestDistance = scorer.distance(to: start)
        var current = levels - 1
        while current > level {
            var moved = true
            while moved {
                moved = false
                guard let record = graph.upperRecord(best, level: current) else { break }
                let count = collect(record, room: graph.layout.room(level: 1), into: rows)
                scorer.score(rows, count: count, into: distances)
                for i in 0..<count where distances[i] < bestDistance {
                    bestDistance = distances[i]
                    best = rows[i]
                    moved = true
                }
            }
            current -= 1
        }
        return best
    }

    /// The beam search of one level (the paper's algorithm 2): leaves the nearest rows found in the beam,
    /// sorted.
    func search(
        level: Int, from start: UInt32, width: Int, salt: UInt32, avoiding: [UInt32] = [],
        context: OperationContext
    ) throws(DatabaseError) -> Beam {
        scratch.beginEpoch()
        let visited = scratch.visited.base
        let epoch = scratch.epoch
        let rows = scratch.rows.base
        let distances = scratch.distances.base
        let room = graph.layout.room(level: level)
        let filter = level == 0 ? filter : nil
        var beam = Beam(scratch, width: width, salt: salt)
        for row in avoiding where row < graph.header.rowCount { visited[Int(row)] = epoch }
        visited[Int(start)] = epoch
        beam.insert(Beam.key(scorer.distance(to: start), start, salt: salt))
        var untilCheck = Self.contextInterval
        while let row = beam.next() {
            untilCheck -= 1
            if untilCheck == 0 {
                untilCheck = Self.contextInterval
                try context.check()
            }
            guard let record = level == 0 ? graph.baseRecord(row) : graph.upperRecord(row, level: level)
            else {
                continue
            }
            var count = collectUnvisited(
                record, room: room, into: rows, visited: visited, epoch: epoch, filter: filter)
            if let filter, beam.isFull {
                count = filter.keep(rows, count: count, within: Beam.distance(beam.bound))
                if let next = beam.following() { look(ahead: next, room: room, filter: filter) }
            }
            scorer.score(rows, count: count, into: distances)
            for i in 0..<count {
                let key = Beam.key(distances[i], rows[i], salt: salt)
                if key < beam.bound {
                    if level == 0 { nk_prefetch(graph.baseRecord(rows[i]), (room &+ 1) &* 4) }
                    beam.insert(key)
                }
            }
        }
        return beam
    }

    /// Begins to read the sketches of the neighbours of a row that is likely to be expanded next, while the
    /// codes of this one's are on their way.
    @inline(__always)
    private func look(ahead row: UInt32, room: Int, filter: SketchFilter) {
        let record = graph.baseRecord(row)
        let length = min(Int(record[0].load(ordering: .acquiring)), room)
        for i in 0..<length { filter.prefetch(record[1 &+ i].load(ordering: .relaxed)) }
    }

    /// A list's rows.
    @inline(__always)
    private func collect(
        _ record: UnsafePointer<Atomic<UInt32>>, room: Int, into rows: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let length = min(Int(record[0].load(ordering: .acquiring)), room)
        var count = 0
        for i in 0..<length {
            let row = record[1 &+ i].load(ordering: .acquiring)
            rows[count] = row
            count &+= row < graph.header.rowCount ? 1 : 0
        }
        return count
    }

    /// A list's rows that this search has not met; now it has.
    @inline(__always)
    private func collectUnvisited(
        _ record: UnsafePointer<Atomic<UInt32>>, room: Int, into rows: UnsafeMutablePointer<UInt32>,
        visited: UnsafeMutablePointer<UInt8>, epoch: UInt8, filter: SketchFilter?
    ) -> Int {
        let length = min(Int(record[0].load(ordering: .acquiring)), room)
        var count = 0
        for i in 0..<length {
            let row = record[1 &+ i].load(ordering: .acquiring)
            guard row < graph.header.rowCount else { continue }
            filter?.prefetch(row)
            scorer.prefetch(row)
            rows[count] = row
            count &+= visited[Int(row)] == epoch ? 0 : 1
            visited[Int(row)] = epoch
        }
        return count
    }
}
