// A query made ready once, then used against any number of tables and from any number of threads.

package import NeedleCore

/// A query vector in the form the kernels want: 64-byte aligned, of unit length for cosine, beside the
/// original.
package struct PreparedQuery: Sendable {
    package let metric: Metric
    package let dimension: Int
    /// Euclidean norm of the original.
    package let norm: Double
    /// The vector as it was sent; exact distances are computed from this one.
    package let original: [Float]

    // The kernels' copy begins at `offset` in `storage`, where a cache line begins. The array is never
    // mutated, so its storage stays where it is.
    private let storage: [Float]
    private let offset: Int

    /// - Complexity: O(dimension); one allocation for each of the two copies.
    package init(_ vector: [Float], metric: Metric) {
        self.metric = metric
        dimension = vector.count
        original = vector
        norm = VectorNorms.norm(of: vector.span)
        let wide = VectorNorms.isWide(norm: norm, metric: metric)
        var room = [Float](repeating: 0, count: vector.count + 16)
        var start = 0
        let scale = metric == .cosine && !wide ? 1 / norm : 1
        room.withUnsafeMutableBufferPointer { room in
            let misalignment = Int(bitPattern: room.baseAddress) % 64
            start = misalignment == 0 ? 0 : (64 - misalignment) / MemoryLayout<Float>.stride
            for i in vector.indices {
                room[start + i] = scale == 1 ? vector[i] : Float(Double(vector[i]) * scale)
            }
        }
        storage = room
        offset = start
    }

    /// Whether the float kernels must not see this query: use `WideScan`.
    package var isWide: Bool { VectorNorms.isWide(norm: norm, metric: metric) }

    @inline(__always)
    func withKernelVector<Result, Failure: Error>(
        _ body: (UnsafePointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(!isWide, "a wide query reached the float kernels")
        return try storage.withUnsafeBufferPointer { (buffer) throws(Failure) -> Result in
            // SAFETY: `storage` holds dimension + 16 floats, never none.
            try body(buffer.baseAddress.unsafelyUnwrapped + offset)
        }
    }
}
