// The loops over floats and bytes that coding a vector consists of: the kernels of the processor's tier, and
// what is not worth one.

import CNeedleKernels

/// Loops that are the same for rows and queries. Pointers name `count` elements, at least one.
enum CodeArithmetic {
    // SAFETY: a constant table of the C module.
    @inline(__always)
    private static var kernels: UnsafePointer<nk_kernels> { DistanceKernels.best.table }

    /// The Walsh–Hadamard transform of `count` elements, a power of two, in place and without scaling.
    @inline(__always)
    static func hadamard(_ x: UnsafeMutablePointer<Float>, count: Int) {
        kernels.pointee.fwht_f32(x, count)
    }

    @inline(__always)
    static func product(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float {
        kernels.pointee.dot_f32(a, b, count)
    }

    /// The least and the greatest.
    @inline(__always)
    static func range(_ x: UnsafePointer<Float>, count: Int) -> (low: Float, high: Float) {
        var (low, high): (Float, Float) = (0, 0)
        kernels.pointee.minmax_f32(x, count, &low, &high)
        return (low, high)
    }

    /// A width and its reciprocal; both 0 where the reciprocal would overflow: then everything is code 0.
    @inline(__always)
    static func grid(_ width: Float) -> (step: Float, inverse: Float) {
        width >= .leastNormalMagnitude ? (width, 1 / width) : (0, 0)
    }

    /// Codes (x − low) · inverse, rounded to the nearest, 0…127; returns their sum.
    @inline(__always)
    static func codes(
        _ x: UnsafePointer<Float>, count: Int, low: Float, inverse: Float,
        into out: UnsafeMutablePointer<UInt8>
    ) -> Int32 {
        kernels.pointee.quantize_u7(x, count, low, inverse, out)
        var sum: Int32 = 0
        for i in 0..<count { sum &+= Int32(truncatingIfNeeded: out[i]) }
        return sum
    }

    /// x · inverse, rounded to the nearest, −127…127; returns their sum.
    @inline(__always)
    static func signedCodes(
        _ x: UnsafePointer<Float>, count: Int, inverse: Float, into out: UnsafeMutablePointer<Int8>
    ) -> Int32 {
        kernels.pointee.quantize_s8(x, count, inverse, out)
        var sum: Int32 = 0
        for i in 0..<count { sum &+= Int32(truncatingIfNeeded: out[i]) }
        return sum
    }

    /// (x − low) · inverse, rounded to the nearest (ties to even), 0…`greatest`; returns their sum. For codes
    /// of any width up to eight bits.
    @inline(__always)
    static func units(
        _ x: UnsafePointer<Float>, count: Int, low: Float, inverse: Float, greatest: Int32,
        into out: UnsafeMutablePointer<UInt8>
    ) -> Int32 {
        // Adding this to a float below 2^22 leaves the nearest whole number in the low bits of the sum.
        let toWhole: Float = 12_582_912
        var sum: Int32 = 0
        for i in 0..<count {
            let nearest = (x[i] - low) * inverse + toWhole
            let unit = min(greatest, Int32(bitPattern: nearest.bitPattern &- toWhole.bitPattern))
            out[i] = UInt8(truncatingIfNeeded: unit)
            sum &+= unit
        }
        return sum
    }

    /// The sum of the magnitudes.
    @inline(__always)
    static func magnitudes(_ x: UnsafePointer<Float>, count: Int) -> Float {
        var sums = SIMD8<Float>.zero
        let whole = count & ~7
        var i = 0
        while i < whole {
            let bits = UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<UInt32>.self)
            sums += unsafeBitCast(bits & 0x7FFF_FFFF, to: SIMD8<Float>.self)
            i &+= 8
        }
        var sum = sums.sum()
        while i < count {
            sum += x[i].magnitude
            i &+= 1
        }
        return sum
    }
}
