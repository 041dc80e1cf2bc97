// The loops over floats that coding a vector consists of.

/// Loops that are the same for rows and queries. Pointers name `count` elements.
enum CodeArithmetic {
    /// The Walsh–Hadamard transform of `count` elements, a power of two, in place and without scaling.
    @inline(__always)
    static func hadamard(_ x: UnsafeMutablePointer<Float>, count: Int) {
        var half = 1
        while half < count {
            var start = 0
            while start < count {
                for i in start..<start &+ half {
                    let (a, b) = (x[i], x[i &+ half])
                    x[i] = a + b
                    x[i &+ half] = a - b
                }
                start &+= 2 &* half
            }
            half &*= 2
        }
    }

    /// The least and the greatest of at least one element.
    @inline(__always)
    static func range(_ x: UnsafePointer<Float>, count: Int) -> (low: Float, high: Float) {
        var (low, high) = (x[0], x[0])
        for i in 0..<count {
            low = x[i] < low ? x[i] : low
            high = x[i] > high ? x[i] : high
        }
        return (low, high)
    }

    /// Adding this to a float below 2^22 in magnitude leaves the nearest whole number (ties to even) in the
    /// low bits of the sum.
    private static let toWhole: Float = 12_582_912

    @inline(__always)
    private static func nearest(_ x: Float) -> Int32 {
        Int32(bitPattern: (x + toWhole).bitPattern &- toWhole.bitPattern)
    }

    /// Codes (x − low) · inverse, rounded to the nearest, 0…127; returns their sum.
    @inline(__always)
    static func codes(
        _ x: UnsafePointer<Float>, count: Int, low: Float, inverse: Float,
        into out: UnsafeMutablePointer<UInt8>
    ) -> Int32 {
        var sum: Int32 = 0
        for i in 0..<count {
            let code = max(0, min(127, nearest((x[i] - low) * inverse)))
            out[i] = UInt8(truncatingIfNeeded: code)
            sum &+= code
        }
        return sum
    }

    /// x · inverse, rounded to the nearest, −127…127; returns their sum.
    @inline(__always)
    static func signedCodes(
        _ x: UnsafePointer<Float>, count: Int, inverse: Float, into out: UnsafeMutablePointer<Int8>
    ) -> Int32 {
        var sum: Int32 = 0
        for i in 0..<count {
            let code = max(-127, min(127, nearest(x[i] * inverse)))
            out[i] = Int8(truncatingIfNeeded: code)
            sum &+= code
        }
        return sum
    }
}
