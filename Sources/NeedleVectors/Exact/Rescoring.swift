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
        let count = min(depth, candidates.count)
        guard count > 0 else { return [] }
        scratch.prepareRows(count)
        let rows = scratch.rows.base
        let distances = scratch.distances.base
        for i in 0..<count { rows[i] = candidates[i].row }
        query.withKernelVector { vector in
            FloatScorer(query: vector, scale: 1, table: table, kernels: kernels)
                .score(rows, count: count, into: distances)
        }
        var result = (0..<count).map { Neighbour(distance: Double(distances[$0]), row: rows[$0]) }
        result.sort { ($0.distance, $0.row) < ($1.distance, $1.row) }
        return result
    }
}
