// What is done to every vector of a space before it is coded: centred, then rotated.

package import NeedleCore

/// Centre and rotation of one space in one segment. Immutable; any thread may use it.
///
/// Centring takes away what all vectors have in common and what would cost precision without telling them
/// apart; the rotation spreads what is left over all dimensions (see `Rotation`). Distances are put together
/// again from inner products of transformed vectors and a number a vector (see `Quantizer`), for any centre:
/// a badly chosen one costs precision, never correctness.
package final class SpaceTransform: Sendable {
    package let dimension: Int
    package let metric: Metric
    package let seed: UInt64
    /// `dimension` floats.
    package let centre: [Float]
    /// Centre · centre.
    let centreSquared: Float
    private let rotation: Rotation

    /// - Parameter centre: `dimension` finite floats.
    package init(dimension: Int, metric: Metric, seed: UInt64, centre: [Float]) {
        precondition(centre.count == dimension, "the centre is a vector of the space")
        self.dimension = dimension
        self.metric = metric
        self.seed = seed
        self.centre = centre
        centreSquared = Float(DistanceKernels.best.exactDot(centre.span, centre.span))
        rotation = Rotation(dimension: dimension, seed: seed)
    }

    /// `vector` times `scale` (the inverse norm for cosine, else 1), centred and rotated, into `out`; both of
    /// `dimension` floats, not overlapping.
    ///
    /// - Complexity: O(d log d); no allocation.
    @inline(__always)
    func apply(
        _ vector: UnsafePointer<Float>, scale: Float, into out: UnsafeMutablePointer<Float>
    ) {
        centre.withUnsafeBufferPointer { centre in
            // SAFETY: the centre has `dimension` floats, and no space is without dimensions.
            rotation.apply(vector, scale: scale, centre: centre.baseAddress.unsafelyUnwrapped, into: out)
        }
    }

    /// The transformed vector; for tests and tools.
    package func transformed(_ vector: [Float], scale: Float = 1) -> [Float] {
        precondition(vector.count == dimension, "a vector of another dimension")
        return [Float](unsafeUninitializedCapacity: dimension) { out, count in
            vector.withUnsafeBufferPointer { vector in
                // SAFETY: both buffers hold `dimension` floats, never none; `apply` writes all of `out`.
                apply(
                    vector.baseAddress.unsafelyUnwrapped, scale: scale,
                    into: out.baseAddress.unsafelyUnwrapped)
            }
            count = dimension
        }
    }
}
