// Stored vectors as this room sees them: memory somebody else owns, rows at a fixed stride.

package import NeedleCore

/// A borrowed table of float vectors: row r is `dimension` floats from `base + r * stride`.
///
/// The vectors are as the client sent them; for the cosine metric the inverse norm of each row stands beside.
/// The same view serves a growing region and a mapped file. **Distances: lower is nearer.** Cosine gives
/// −cos, dot gives −a·b, euclid the squared distance.
@unsafe package struct VectorTable: Sendable {
    // SAFETY: whoever makes the view keeps the memory mapped and the rows that it names unchanged while it is
    // in use, and hands row numbers out only after their vectors are written (release) and read (acquire).
    nonisolated(unsafe) package let base: UnsafePointer<Float>
    /// One float per row; only for cosine.
    nonisolated(unsafe) package let inverseNorms: UnsafePointer<Float>?
    /// Distance between rows, in floats.
    package let stride: Int
    package let dimension: Int
    package let metric: Metric

    package init(
        base: UnsafePointer<Float>, stride: Int, dimension: Int, metric: Metric,
        inverseNorms: UnsafePointer<Float>?
    ) {
        precondition(stride >= dimension && dimension >= 0)
        precondition(metric != .cosine || inverseNorms != nil, "the cosine metric needs inverse norms")
        self.base = base
        self.inverseNorms = metric == .cosine ? inverseNorms : nil
        self.stride = stride
        self.dimension = dimension
        self.metric = metric
    }

    @inline(__always)
    func vector(_ row: UInt32) -> UnsafePointer<Float> {
        base + Int(row) &* stride
    }

    /// What a row's vector is multiplied with before anything else: its inverse norm for cosine.
    @inline(__always)
    func scale(of row: UInt32) -> Float { inverseNorms.map { $0[Int(row)] } ?? 1 }
}
