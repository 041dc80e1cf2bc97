import NeedleCore

/// One vector space's columns of a segment, borrowed: the originals as they were sent, and what is derived per row.
///
/// SAFETY: like `RowColumns`: valid while the segment that hands it out lives.
struct SpaceColumns: @unchecked Sendable {
    let dimension: Int
    let metric: Metric
    /// rows × dimension floats, as the client sent them.
    let vectors: UnsafePointer<Float>
    /// 1 / Euclidean norm a row, for cosine; `nil` for the other metrics.
    let inverseNorms: UnsafePointer<Float>?
    /// One byte a row, 0 = the point has no vector in this space; `nil` = every row has one. A byte, so that writing a
    /// row of a growing segment never touches another's.
    let presence: UnsafePointer<UInt8>?

    @inline(__always)
    func hasVector(_ row: Int) -> Bool {
        presence.map { $0[row] != 0 } ?? true
    }

    func vector(of row: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: vectors + row * dimension, count: dimension)
    }
}
