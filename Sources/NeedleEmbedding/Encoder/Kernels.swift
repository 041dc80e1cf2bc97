// The element-wise part of the forward pass: bias, GELU, layer norm, softmax. BLAS does the rest.
//
// Written as plain loops over pointers, which the compiler vectorises; sums run in eight lanes, since
// floating-point addition may not be reordered for us. Every function works on rows of a row-major matrix
// and touches nothing else.

import COpenBLAS

/// All functions take pointers to at least the stated number of floats; callers guarantee that.
package enum Kernels {
    package typealias Floats = UnsafeMutablePointer<Float>
    package typealias Constants = UnsafePointer<Float>

    /// x ← GELU(x + bias), with the exact definition x·Φ(x) (not the tanh form), for `rows` rows of
    /// `columns`.
    ///
    /// The error against x·Φ(x) in double precision is below 1e-6 for |x| ≤ 12 (the tests measure it).
    package static func biasGELU(_ x: Floats, bias: Constants, rows: Int, columns: Int) {
        for row in 0..<rows {
            let line = x + row * columns
            for column in 0..<columns {
                let value = line[column] + bias[column]
                // Below -6 nothing is left but the rounding of Φ, which a large factor must not blow up.
                let factor = value < -6 ? -6 : value
                line[column] = 0.5 * factor * (1 + errorFunction(value * 0.707_106_77))
            }
        }
    }

    /// erf by a rational function in x², clamped where float32 cannot tell it from ±1 (coefficients as in
    /// Eigen's `generic_fast_erf_float`).
    @inline(__always)
    private static func errorFunction(_ value: Float) -> Float {
        let x = clamp(value, 4)
        let square = x * x
        var top: Float = -2.726_142_258_013_06e-10
        top = top * square + 2.770_681_424_959_02e-8
        top = top * square - 2.101_024_020_825_08e-6
        top = top * square - 5.692_506_394_623_46e-5
        top = top * square - 7.349_906_303_268_55e-4
        top = top * square - 2.954_599_808_540_25e-3
        top = top * square - 1.609_603_332_624_15e-2
        var bottom: Float = -1.456_607_184_649_96e-5
        bottom = bottom * square - 2.133_740_552_789_05e-4
        bottom = bottom * square - 1.682_826_974_382_03e-3
        bottom = bottom * square - 7.373_329_167_204_68e-3
        bottom = bottom * square - 1.426_473_905_141_89e-2
        return x * top / bottom
    }

    @inline(__always)
    private static func clamp(_ value: Float, _ bound: Float) -> Float {
        let low = value < -bound ? -bound : value
        return low > bound ? bound : low
    }

    /// x += bias on `columns` columns of rows that are `stride` apart.
    package static func addBias(_ x: Floats, bias: Constants, rows: Int, columns: Int, stride: Int) {
        for row in 0..<rows {
            let line = x + row * stride
            for column in 0..<columns { line[column] += bias[column] }
        }
    }

    /// x ← LayerNorm(x + y + bias)·scale + shift, row by row.
    package static func addNorm(
        _ x: Floats, _ y: Floats, bias: Constants, scale: Constants, shift: Constants, epsilon: Float,
        rows: Int,
        columns: Int
    ) {
        for row in 0..<rows {
            let line = x + row * columns
            let other = y + row * columns
            for column in 0..<columns { line[column] += other[column] + bias[column] }
            norm(line, scale: scale, shift: shift, epsilon: epsilon, columns: columns)
        }
    }

    /// x ← LayerNorm(x)·scale + shift for one row. Mean first, then the variance around it (two passes, as
    /// in the reference: the one-pass formula loses digits).
    package static func norm(_ x: Floats, scale: Constants, shift: Constants, epsilon: Float, columns: Int) {
        let mean = sum(x, columns) / Float(columns)
        for column in 0..<columns { x[column] -= mean }
        let variance = dot(x, x, columns) / Float(columns)
        let factor = 1 / (variance + epsilon).squareRoot()
        for column in 0..<columns { x[column] = x[column] * factor * scale[column] + shift[column] }
    }

    /// Softmax of each row, in place.
    package static func softmax(_ x: Floats, rows: Int, columns: Int) {
        for row in 0..<rows {
            let line = x + row * columns
            let largest = maximum(line, columns)
            for column in 0..<columns { line[column] = exponential(line[column] - largest) }
            let factor = 1 / sum(line, columns)
            for column in 0..<columns { line[column] *= factor }
        }
    }

    /// e^x for x ≤ 0, relative error below 2e-7: 2^n by exponent bits, the rest by Cephes' `expf` polynomial.
    @inline(__always)
    private static func exponential(_ value: Float) -> Float {
        let x = value < -87 ? -87 : value
        // Adding 1.5·2^23 rounds to an integer, which then lies in the low bits.
        let shifted = x * 1.442_695_04 + 12_582_912
        let whole = shifted - 12_582_912
        let rest = x - whole * 0.693_359_375 + whole * 2.121_944_4e-4
        var sum: Float = 1.987_569_150_0e-4
        sum = sum * rest + 1.398_199_950_7e-3
        sum = sum * rest + 8.333_451_907_3e-3
        sum = sum * rest + 4.166_579_589_4e-2
        sum = sum * rest + 1.666_666_545_9e-1
        sum = sum * rest + 5.000_000_120_1e-1
        sum = sum * rest * rest + rest + 1
        return sum * Float(bitPattern: shifted.bitPattern << 23 &+ 0x3F80_0000)
    }

    package static func sum(_ x: Constants, _ count: Int) -> Float {
        var lanes = SIMD8<Float>()
        let raw = UnsafeRawPointer(x)
        let whole = count & ~7
        for index in stride(from: 0, to: whole, by: 8) {
            lanes += raw.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<Float>.self)
        }
        var total = lanes.sum()
        for index in whole..<count { total += x[index] }
        return total
    }

    package static func dot(_ x: Constants, _ y: Constants, _ count: Int) -> Float {
        var lanes = SIMD8<Float>()
        let (left, right) = (UnsafeRawPointer(x), UnsafeRawPointer(y))
        let whole = count & ~7
        for index in stride(from: 0, to: whole, by: 8) {
            lanes +=
                left.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<Float>.self)
                * right.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<Float>.self)
        }
        var total = lanes.sum()
        for index in whole..<count { total += x[index] * y[index] }
        return total
    }

    package static func maximum(_ x: Constants, _ count: Int) -> Float {
        var lanes = SIMD8<Float>(repeating: -.infinity)
        let raw = UnsafeRawPointer(x)
        let whole = count & ~7
        for index in stride(from: 0, to: whole, by: 8) {
            let next = raw.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<Float>.self)
            lanes.replace(with: next, where: next .> lanes)
        }
        var largest = lanes.max()
        for index in whole..<count { largest = Swift.max(largest, x[index]) }
        return largest
    }

    /// c ← a·bᵀ, all row-major: a is [m × k], b is [n × k], c is [m × n]; the strides are in floats.
    package static func multiplyTransposed(
        _ a: Constants, _ aStride: Int, _ b: Constants, _ bStride: Int, into c: Floats, _ cStride: Int,
        m: Int, n: Int, k: Int
    ) {
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, Int32(m), Int32(n), Int32(k), 1, a, Int32(aStride), b,
            Int32(bStride), 0, c, Int32(cStride))
    }

    /// c ← a·b, all row-major: a is [m × k], b is [k × n], c is [m × n].
    package static func multiply(
        _ a: Constants, _ aStride: Int, _ b: Constants, _ bStride: Int, into c: Floats, _ cStride: Int,
        m: Int, n: Int, k: Int
    ) {
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(m), Int32(n), Int32(k), 1, a, Int32(aStride), b,
            Int32(bStride), 0, c, Int32(cStride))
    }
}
