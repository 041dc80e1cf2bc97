import NeedleCore
import NeedleVectors

/// Makes a query that nobody has seen out of a stored point (docs/decisions/0009).
///
/// A stored point is no honest query: the graph was built around it. Leaving it out of the answer is not enough,
/// because its links lead straight to its neighbours, and banning it from the traversal is not either, because those
/// links were chosen well for just this place. So the point is banned *and* the query is moved off its place, by
/// nearly half of the way away from one of its near neighbours: still where the data is, as sparse as there.
enum UnseenPoint {
    /// Which of the nearest others may be the one that the query moves away from.
    static let neighbours = 10
    private static let reach: Float = 0.45

    /// The moved vector; `nil` when it cannot be searched for.
    static func query(at row: UInt32, awayFrom other: UInt32, in columns: SpaceColumns) -> [Float]? {
        let point = columns.vector(of: Int(row))
        let neighbour = columns.vector(of: Int(other))
        // Directions count under cosine, so the neighbour is taken at the point's length.
        let scale = columns.inverseNorms.map { $0[Int(other)] / $0[Int(row)] } ?? 1
        guard scale.isFinite else { return nil }
        let moved = zip(point, neighbour).map { $0 + reach * ($0 - scale * $1) }
        let norm = VectorNorms.norm(of: moved.span)
        return norm > 0 && !VectorNorms.isWide(norm: norm, metric: columns.metric) ? moved : nil
    }
}
