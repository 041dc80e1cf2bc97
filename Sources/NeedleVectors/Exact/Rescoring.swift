// The second look: what codes found is ordered again by the original vectors.

import NeedleCore

/// Rescoring of candidates with the float kernels.
package enum Rescoring {
    /// The first `depth` of `candidates` with their distances by the original vectors, nearest first; what lies
    /// behind them is dropped. Equal distances are ordered by row.
    ///
    /// - Precondition: the query is not wide, and the scratch is not in use by a search.
    /// - Complexity: O(depth · dimension), about as many cache misses as the rows have kilobytes.
    package static func rescore(
        _ candidates: [Neighbour], depth: Int, of table: VectorTable, query: PreparedQuery,
        scratch: SearchScratch, kernels: DistanceKernels = .best
    ) -> [Neighbour] {
        precondition(query.dimension == table.dimension && query.metric == table.metric)
        var result = score(
            candidates[..<min(depth, candidates.count)], of: table, query: query, scratch: scratch,
            kernels: kernels)
        result.sort { ($0.distance, $0.row) < ($1.distance, $1.row) }
        return result
    }

    /// The candidates in their order, with distances by the original vectors.
    private static func score(
        _ candidates: ArraySlice<Neighbour>, of table: VectorTable, query: PreparedQuery,
        scratch: SearchScratch,
        kernels: DistanceKernels
    ) -> [Neighbour] {
        let count = candidates.count
        guard count > 0 else { return [] }
        scratch.prepareRows(count)
        let rows = scratch.rows.base
        let distances = scratch.distances.base
        for (i, candidate) in candidates.enumerated() { rows[i] = candidate.row }
        query.withKernelVector { vector in
            FloatScorer(query: vector, scale: 1, table: table, kernels: kernels)
                .score(rows, count: count, into: distances)
        }
        return (0..<count).map { Neighbour(distance: Double(distances[$0]), row: rows[$0]) }
    }

    /// What rescoring as deep as needed gave.
    package struct Outcome {
        /// Nearest first, by the original vectors.
        package var best: [Neighbour]
        /// No candidate behind those rescored is expected among the wanted ones: neither of those given, nor one
        /// that would have followed them.
        package var isSettled: Bool

        package init(best: [Neighbour], isSettled: Bool) {
            self.best = best
            self.isSettled = isSettled
        }
    }

    /// Standard deviations of the codes' error that a row left out may be wrong by.
    private static let errorSpan = 2.5

    /// Rescores at least `depth` of the candidates, and further ones while the codes' error, as it shows on those
    /// rescored so far, could bring one of them among the `wanted` nearest.
    ///
    /// Where all rows lie about equally far from the query, as those that a filter leaves on its far side, codes can
    /// hardly tell them apart: then this goes deep, and otherwise ends where it began.
    ///
    /// - Parameter candidates: with their distances by the codes, nearest first.
    /// - Complexity: as `rescore`, for as many as it goes through.
    package static func rescore(
        _ candidates: [Neighbour], wanted: Int, atLeast depth: Int, of table: VectorTable,
        query: PreparedQuery,
        scratch: SearchScratch, kernels: DistanceKernels = .best
    ) -> Outcome {
        var best: [Neighbour] = []
        var error = ErrorSpread()
        var done = 0
        precondition(query.dimension == table.dimension && query.metric == table.metric)
        var next = min(max(depth, wanted, 16), candidates.count)
        while done < next {
            let block = candidates[done..<next]
            let rescored = score(block, of: table, query: query, scratch: scratch, kernels: kernels)
            for (exact, coded) in zip(rescored, block) { error.add(exact.distance - coded.distance) }
            best += rescored
            best.sort { ($0.distance, $0.row) < ($1.distance, $1.row) }
            done = next
            guard best.count >= wanted, wanted > 0 else {
                next = min(2 * done, candidates.count)
                continue
            }
            let limit = best[wanted - 1].distance + errorSpan * error.deviation
            if candidates[done - 1].distance > limit { return Outcome(best: best, isSettled: true) }
            next = min(2 * done, candidates.count)
        }
        return Outcome(best: best, isSettled: false)
    }

    /// Mean and deviation of differences (Welford, 1962).
    private struct ErrorSpread {
        private var count = 0.0
        private var squares = 0.0
        private var mean = 0.0

        mutating func add(_ value: Double) {
            count += 1
            let before = value - mean
            mean += before / count
            squares += before * (value - mean)
        }

        var deviation: Double { count > 1 ? (squares / (count - 1)).squareRoot() : .infinity }
    }
}
