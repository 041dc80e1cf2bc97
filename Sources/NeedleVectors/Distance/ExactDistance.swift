// Final distances: double precision in one fixed order, so that a score depends neither on the processor nor
// on the way a row was found.
//
// No scaling is needed for safety: a finite float lies between 2^-149 and 2^128 in magnitude, so products and
// squares lie between 2^-298 and 2^258, and sums of 65,536 of them below 2^274: far inside the range of
// double (2^-1022 to 2^1024), where nothing overflows and nothing becomes subnormal. The product of two norms
// stays below 2^274 likewise.

import CNeedleKernels
import NeedleCore

/// Exact distances between a prepared query and rows of a table.
package enum ExactDistance {
    /// The distance (lower is nearer) of `row`, in double precision; cosine is clamped to [−1, 1], and is 0
    /// when either vector is zero. Works for any finite vectors, wide ones included.
    package static func distance(
        of row: UInt32, in table: VectorTable, to query: PreparedQuery,
        kernels: DistanceKernels = .best
    ) -> Double {
        precondition(query.dimension == table.dimension && query.metric == table.metric)
        return query.original.withUnsafeBufferPointer { buffer in
            // SAFETY: both vectors have `dimension` elements.
            guard let vector = buffer.baseAddress else { return 0 }
            return distance(from: vector, norm: query.norm, to: row, in: table, kernels: kernels)
        }
    }

    @inline(__always)
    static func distance(
        from vector: UnsafePointer<Float>, norm: Double, to row: UInt32, in table: VectorTable,
        kernels: DistanceKernels
    ) -> Double {
        let functions = kernels.table
        let other = table.vector(row)
        let n = table.dimension
        switch table.metric {
        case .euclid:
            return functions.pointee.l2sq_f32_f64(vector, other, n)
        case .dot:
            return 0 - functions.pointee.dot_f32_f64(vector, other, n)
        case .cosine:
            let lengths = norm * functions.pointee.dot_f32_f64(other, other, n).squareRoot()
            guard lengths > 0 else { return 0 }
            return 0 - min(1, max(-1, functions.pointee.dot_f32_f64(vector, other, n) / lengths))
        }
    }
}
