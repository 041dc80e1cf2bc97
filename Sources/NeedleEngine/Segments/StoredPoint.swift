import NeedleCore

/// A vector ready to be stored: checked, and with what the kernels need derived once.
struct StoredVector: Sendable {
    /// Index of the space in the collection's configuration.
    var space: Int
    var values: [Float]
    /// 1 / norm for cosine, 1 for the other metrics.
    var inverseNorm: Float
    /// The norm is so large or small that float32 kernels could overflow or vanish: searched in double precision.
    var isWide: Bool
}

/// A point with everything resolved: what the log holds and what a segment stores (invariant 2).
struct StoredPoint: Sendable {
    var id: PointID
    /// Milliseconds since 1970; 0 = never.
    var expiresAt: Int64
    var payload: [UInt8]
    /// Ascending by space; at most one a space.
    var vectors: [StoredVector]
}
