// The beam search among the rows that a filter admits: only they are scored and enter the beam. Where too few
// neighbours of a row are admitted, the neighbours of those that are not stand in for them, as if the graph had
// links between the admitted rows (ACORN-1: Patel et al. 2024, arXiv:2403.04871).

import CNeedleKernels
import NeedleCore
import Synchronization

extension GraphTraversal {
    /// Rows, spread over all that are admitted, at which the search begins beside the graph's own entry: that one
    /// may lie where nothing is admitted at all.
    static var seeds: Int { 32 }

    /// The nearest admitted rows found, in the beam, sorted.
    ///
    /// - Parameter start: near the query, admitted or not.
    func search(
        among admitted: AdmittedRows, from start: UInt32, width: Int, context: OperationContext
    ) throws(DatabaseError) -> Beam {
        scratch.beginEpoch()
        let rows = scratch.rows.base
        let distances = scratch.distances.base
        var beam = Beam(scratch, width: width, salt: 0)
        var seeded = admitted.sample(Self.seeds, into: rows)
        for i in 0..<seeded { scratch.visited.base[Int(rows[i])] = scratch.epoch }
        if admitted.contains(start), scratch.visited.base[Int(start)] != scratch.epoch {
            rows[seeded] = start
            seeded += 1
        }
        scratch.visited.base[Int(start)] = scratch.epoch
        enter(rows, count: seeded, distances, &beam)
        enter(rows, count: collect(around: start, admitted, into: rows), distances, &beam)
        var untilCheck = Self.contextInterval
        while let row = beam.next() {
            untilCheck -= 1
            if untilCheck == 0 {
                untilCheck = Self.contextInterval
                try context.check()
            }
            var count = collect(around: row, admitted, into: rows)
            if let filter, beam.isFull {
                count = filter.keep(rows, count: count, within: Beam.distance(beam.bound))
            }
            enter(rows, count: count, distances, &beam)
        }
        return beam
    }

    /// Scores rows and lets the near ones into the beam.
    @inline(__always)
    private func enter(
        _ rows: UnsafeMutablePointer<UInt32>, count: Int, _ distances: UnsafeMutablePointer<Float>,
        _ beam: inout Beam
    ) {
        scorer.score(rows, count: count, into: distances)
        for i in 0..<count {
            let key = Beam.key(distances[i], rows[i], salt: 0)
            if key < beam.bound {
                nk_prefetch(graph.baseRecord(rows[i]), (graph.layout.room(level: 0) &+ 1) &* 4)
                beam.insert(key)
            }
        }
    }

    /// The admitted neighbours of a row that were not met before; while they are fewer than half a list, also those
    /// of its other neighbours, each of which is gone through once.
    @inline(__always)
    private func collect(
        around row: UInt32, _ admitted: AdmittedRows, into rows: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let visited = scratch.visited.base
        let epoch = scratch.epoch
        let bridges = scratch.bridges.base
        let room = graph.layout.room(level: 0)
        var count = 0
        var bridged = 0
        let record = graph.baseRecord(row)
        for i in 0..<min(Int(record[0].load(ordering: .acquiring)), room) {
            let other = record[1 &+ i].load(ordering: .acquiring)
            guard other < admitted.rowCount, visited[Int(other)] != epoch else { continue }
            if admitted.contains(other) {
                filter?.prefetch(other)
                visited[Int(other)] = epoch
                rows[count] = other
                count &+= 1
            } else {
                bridges[bridged] = other
                bridged &+= 1
            }
        }
        let enough = room / 2
        if count < enough {
            for i in 0..<min(bridged, 4) { prefetchList(of: bridges[i], room: room) }
        }
        var next = 0
        while next < bridged, count < enough {
            if next &+ 4 < bridged { prefetchList(of: bridges[next &+ 4], room: room) }
            count = collect(across: bridges[next], admitted, into: rows, count)
            next &+= 1
        }
        return count
    }

    @inline(__always)
    private func prefetchList(of row: UInt32, room: Int) {
        nk_prefetch(graph.baseRecord(row), (room &+ 1) &* 4)
    }

    /// The admitted neighbours of a row that is not.
    @inline(__always)
    private func collect(
        across bridge: UInt32, _ admitted: AdmittedRows, into rows: UnsafeMutablePointer<UInt32>,
        _ before: Int
    ) -> Int {
        let visited = scratch.visited.base
        let epoch = scratch.epoch
        visited[Int(bridge)] = epoch
        scorer.admit(bridge)
        let record = graph.baseRecord(bridge)
        var count = before
        for i in 0..<min(Int(record[0].load(ordering: .acquiring)), graph.layout.room(level: 0)) {
            let other = record[1 &+ i].load(ordering: .acquiring)
            guard other < admitted.rowCount, admitted.contains(other) else { continue }
            filter?.prefetch(other)
            rows[count] = other
            count &+= visited[Int(other)] == epoch ? 0 : 1
            visited[Int(other)] = epoch
        }
        return count
    }
}
