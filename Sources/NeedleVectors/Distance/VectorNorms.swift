// Lengths of vectors, and which vectors single precision can be trusted with.

package import NeedleCore

/// Norms of vectors as they are stored.
package enum VectorNorms {
    /// Norms outside this range are *wide*: squares of such components overflow or vanish in single
    /// precision, so rows and queries of that kind never meet the float kernels but only `WideScan`.
    package static let ordinary: ClosedRange<Double> = 1e-9...1e9

    /// Euclidean norm, finite for any finite floats (see `ExactDistance` for why) and the same on every tier.
    package static func norm(of vector: Span<Float>) -> Double {
        DistanceKernels.best.exactDot(vector, vector).squareRoot()
    }

    /// Whether a vector of this norm must be kept from the float kernels. A zero vector is ordinary where it
    /// has a meaning (dot, euclid) and wide for cosine.
    package static func isWide(norm: Double, metric: Metric) -> Bool {
        if norm == 0 { return metric == .cosine }
        return !ordinary.contains(norm)
    }

    /// What stands beside a stored row for the cosine metric; 0 for a wide row, which no float kernel reads.
    package static func inverseNorm(norm: Double) -> Float {
        isWide(norm: norm, metric: .cosine) ? 0 : Float(1 / norm)
    }
}
