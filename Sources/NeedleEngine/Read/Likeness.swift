import NeedleCore
import NeedleVectors

/// How like the vectors of some rows are to each other; higher is more alike.
struct Likeness {
    private struct Row {
        let table: VectorTable
        let row: UInt32
        let vector: PreparedQuery
    }

    private let rows: [Row]
    private let isCosine: Bool

    /// - Parameters:
    ///   - isCosine: by their angle, whatever the metric; otherwise as the metric's scores, distances below zero.
    ///   - metric: of the space.
    /// - Throws: `corruption` when vectors lie in a damaged block.
    init(
        of candidates: [Search.Candidate], in segments: [any Segment], space: Int, isCosine: Bool,
        metric: Metric
    ) throws(DatabaseError) {
        // Angles are computed from products: a table need not have the norms that the cosine metric wants.
        let own: Metric = isCosine ? .dot : metric
        self.isCosine = isCosine
        var rows: [Row] = []
        for candidate in candidates {
            let stored = segments[candidate.segment].space(space)
            try stored.verifyVectors(of: Int(candidate.row)..<(Int(candidate.row) + 1))
            let columns = stored.columns
            let table = VectorTable(
                base: columns.vectors, stride: columns.dimension, dimension: columns.dimension, metric: own,
                inverseNorms: own == .cosine ? columns.inverseNorms : nil)
            let vector = PreparedQuery(Array(columns.vector(of: Int(candidate.row))), metric: own)
            rows.append(Row(table: table, row: candidate.row, vector: vector))
        }
        self.rows = rows
    }

    /// Of two candidates by their places. O(dimension).
    func of(_ left: Int, _ right: Int) -> Double {
        let (row, other) = (rows[left], rows[right].vector)
        let distance = ExactDistance.distance(of: row.row, in: row.table, to: other)
        if isCosine {
            let norms = row.vector.norm * other.norm
            return norms > 0 ? (0 - distance) / norms : 0
        }
        return other.metric == .euclid ? 0 - max(0, distance).squareRoot() : 0 - distance
    }
}
