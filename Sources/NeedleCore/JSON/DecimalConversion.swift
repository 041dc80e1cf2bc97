// From decimal to binary floating point, rounded once (to nearest, ties to even).
//
// Doubles: W. Clinger, "How to read floating point numbers accurately" (1990), fast path: both the digits
// and the power of ten are exact doubles, so one operation rounds once. Floats: computed in double with an
// error of a few units in the last place; the cast to float is then right unless the double lies that near
// to the midpoint of two floats. All other cases go through the standard library's correctly rounding
// conversion, on a copy of bounded length.

enum DecimalConversion {
    /// 10^k for k in −64 … 64, each the nearest double; exact for 0 … 22.
    static let powersOfTen: [Double] = (-64...64).map { Double("1e\($0)") ?? .nan }
    static let powerBias = 64

    /// How far (in units in the last place of a double) a computed double may be off. The steps are: digits
    /// to double (1/2), power of ten (1/2), product (1/2); relative to the result that is less than 3
    /// units.
    static let slack: UInt64 = 8

    /// The nearest double; infinite if the number overflows.
    static func double(_ token: NumberToken, _ bytes: JSONBytes) -> Double {
        if token.mantissa == 0 { return token.isNegative ? -0.0 : 0.0 }
        if token.isExact, token.mantissa <= 1 << 53, abs(token.exponent) <= 22 {
            let digits = Double(token.mantissa)
            let power = powersOfTen[powerBias + abs(token.exponent)]
            let value = token.exponent < 0 ? digits / power : digits * power
            return token.isNegative ? -value : value
        }
        return Double(boundedText(token, bytes)) ?? .nan
    }

    /// The nearest float32; infinite if the number overflows.
    static func float(_ token: NumberToken, _ bytes: JSONBytes) -> Float {
        if token.mantissa == 0 { return token.isNegative ? -0.0 : 0.0 }
        if token.isExact, token.mantissa < 1 << 63, abs(token.exponent) <= powerBias {
            let value = Double(Int64(token.mantissa)) * powersOfTen[powerBias + token.exponent]
            if castIsExact(value) { return token.isNegative ? -Float(value) : Float(value) }
        }
        return Float(boundedText(token, bytes)) ?? .nan
    }

    /// Whether rounding this positive double, which may be off by `slack`, to a float gives the float that
    /// is nearest to the true value: it must not be near the midpoint of two floats (low 29 bits
    /// 0x1000_0000), and must lie well within the range of normal floats.
    @inline(__always)
    static func castIsExact(_ value: Double) -> Bool {
        let bits = value.bitPattern
        let fromMidpoint = (bits & 0x1FFF_FFFF) &- (0x1000_0000 - slack)
        // Biased exponents 898 … 1149 are 2^-125 … 2^126; a float's are 2^-126 … 2^127.
        let fromSmallest = (bits >> 52) &- 898
        return fromMidpoint > 2 * slack && fromSmallest <= 1149 - 898
    }

    /// Digits that can matter for the rounding of a double; a longer literal only matters by being larger
    /// than its prefix.
    private static let digitLimit = 800

    /// The number as digits and exponent, of bounded length, rounding like the literal.
    private static func boundedText(_ token: NumberToken, _ bytes: JSONBytes) -> String {
        var text = token.isNegative ? "-" : ""
        if token.isExact {
            text += "\(token.mantissa)e\(clamped(token.exponent))"
            return text
        }
        var digits: [UInt8] = []
        digits.reserveCapacity(min(token.significantDigits, digitLimit) + 1)
        var dropsNonzero = false
        scan: for index in token.start..<token.end {
            switch bytes[index] {
            case UInt8(ascii: "0") where digits.isEmpty: continue
            case let byte where byte &- UInt8(ascii: "0") <= 9:
                if digits.count < digitLimit {
                    digits.append(byte)
                } else if byte != UInt8(ascii: "0") {
                    dropsNonzero = true
                    break scan
                }
            case UInt8(ascii: "e"), UInt8(ascii: "E"): break scan
            default: continue
            }
        }
        // `exponent` belongs to the first 19 digits.
        var exponent = token.exponent - (digits.count - 19)
        if dropsNonzero {
            digits.append(UInt8(ascii: "1"))
            exponent -= 1
        }
        text += String(decoding: digits, as: UTF8.self)
        text += "e\(clamped(exponent))"
        return text
    }

    /// Beyond this every number of at most 801 digits is zero or infinite.
    private static func clamped(_ exponent: Int) -> Int { max(-5000, min(5000, exponent)) }
}
