// Numbers: the grammar, exact integers, and doubles.
//
// A number is scanned once into a `NumberToken`: up to 19 significant digits as an integer and a decimal
// exponent. Everything else is computed from that, with `DecimalConversion` for the few cases where it is
// not enough.

/// The exact value of a JSON number.
package enum JSONNumber: Sendable, Equatable {
    /// An integer literal in −2^63 … 2^63−1.
    case signed(Int64)
    /// An integer literal in 2^63 … 2^64−1.
    case unsigned(UInt64)
    /// Anything else: a fraction, an exponent, or an integer beyond 64 bits, rounded to the nearest double.
    case double(Double)
}

/// A scanned number literal.
struct NumberToken {
    /// The literal is `[start, end)`.
    var start: Int
    var end: Int
    var isNegative: Bool
    /// Neither fraction nor exponent.
    var isInteger = true
    /// The first 19 significant digits (fewer if there are no more).
    var mantissa: UInt64 = 0
    /// Number of significant digits of the literal, without leading zeros.
    var significantDigits = 0
    /// The value is about `mantissa` × 10^`exponent`; exactly that if there are at most 19 significant
    /// digits.
    var exponent = 0

    var isExact: Bool { significantDigits <= 19 }
}

extension JSONReader {
    /// Reads any number.
    package mutating func readNumber() throws(JSONError) -> JSONNumber {
        let token = try numberToken("a number")
        if token.isInteger, let magnitude = magnitude(of: token) {
            if let value = Int64(magnitude: magnitude, negative: token.isNegative) { return .signed(value) }
            if !token.isNegative { return .unsigned(magnitude) }
        }
        return .double(try double(of: token))
    }

    /// Reads an integer literal in −2^63 … 2^63−1. `1.0` and `1e3` are `notAnInteger`.
    package mutating func readInt64() throws(JSONError) -> Int64 {
        let token = try integerToken()
        if let magnitude = magnitude(of: token),
            let value = Int64(magnitude: magnitude, negative: token.isNegative)
        {
            return value
        }
        throw refuse(token, .outOfRange(expected: "an integer in -2^63 ... 2^63-1"))
    }

    /// Reads an integer literal in 0 … 2^64−1. `1.0` and `1e3` are `notAnInteger`.
    package mutating func readUInt64() throws(JSONError) -> UInt64 {
        let token = try integerToken()
        if let magnitude = magnitude(of: token), !token.isNegative || magnitude == 0 { return magnitude }
        throw refuse(token, .outOfRange(expected: "an integer in 0 ... 2^64-1"))
    }

    /// Reads an integer literal in `range`.
    package mutating func readInt(in range: ClosedRange<Int>) throws(JSONError) -> Int {
        let token = try integerToken()
        if let magnitude = magnitude(of: token),
            let value = Int64(magnitude: magnitude, negative: token.isNegative),
            range.contains(Int(value))
        {
            return Int(value)
        }
        throw refuse(
            token, .outOfRange(expected: "an integer in \(range.lowerBound) ... \(range.upperBound)"))
    }

    /// Reads any number, rounded once to the nearest double.
    package mutating func readDouble() throws(JSONError) -> Double {
        try double(of: try numberToken("a number"))
    }

    /// Reads any number, rounded once to the nearest float32.
    package mutating func readFloat() throws(JSONError) -> Float {
        let token = try numberToken("a number")
        let value = float(of: token)
        guard value.isFinite else { throw refuse(token, .notAFloat(index: 0)) }
        return value
    }

    /// Whether the next value is an integer literal (`1`, not `1.0`); it is not consumed.
    package mutating func peekIsInteger() throws(JSONError) -> Bool {
        guard try peekKind() == .number else { return false }
        let start = offset
        let token = try scanNumber()
        offset = start
        return token.isInteger
    }

    // MARK: Conversion

    private mutating func numberToken(_ expected: String) throws(JSONError) -> NumberToken {
        let kind = try peekKind()
        guard kind == .number else { throw wrongType(expected, kind) }
        return try scanNumber()
    }

    private mutating func integerToken() throws(JSONError) -> NumberToken {
        let token = try numberToken("an integer")
        guard token.isInteger else { throw refuse(token, .notAnInteger) }
        return token
    }

    /// A semantic error about a number; the reader goes back in front of it.
    mutating func refuse(_ token: NumberToken, _ kind: JSONError.Kind) -> JSONError {
        offset = token.start
        return JSONError(kind, at: token.start)
    }

    /// The magnitude of an integer literal, if it is below 2^64.
    private func magnitude(of token: NumberToken) -> UInt64? {
        if token.isExact { return token.mantissa }
        guard token.significantDigits == 20 else { return nil }
        let last = UInt64(bytes[token.end - 1] &- UInt8(ascii: "0"))
        let (tens, overflow) = token.mantissa.multipliedReportingOverflow(by: 10)
        let (sum, carry) = tens.addingReportingOverflow(last)
        return overflow || carry ? nil : sum
    }

    private mutating func double(of token: NumberToken) throws(JSONError) -> Double {
        let value = DecimalConversion.double(token, bytes)
        guard value.isFinite else { throw refuse(token, .overflowsDouble) }
        return value
    }

    func float(of token: NumberToken) -> Float {
        DecimalConversion.float(token, bytes)
    }

    // MARK: Scanning

    /// Scans the number whose first byte (a minus or a digit) is the next one.
    mutating func scanNumber() throws(JSONError) -> NumberToken {
        var token = NumberToken(start: offset, end: offset, isNegative: bytes[offset] == UInt8(ascii: "-"))
        var index = offset + (token.isNegative ? 1 : 0)
        let firstDigit = index
        index = scanDigits(from: index, into: &token)
        guard index > firstDigit else { throw syntax("expected a digit", at: index) }
        guard bytes[firstDigit] != UInt8(ascii: "0") || index == firstDigit + 1 else {
            throw syntax("a number must not begin with a zero", at: firstDigit + 1)
        }
        token.exponent = max(0, token.significantDigits - 19)
        if bytes[index] == UInt8(ascii: ".") {
            token.isInteger = false
            let dropped = max(0, token.significantDigits - 19)
            let fraction = index + 1
            index = scanDigits(from: fraction, into: &token)
            guard index > fraction else { throw syntax("expected a digit", at: index) }
            let newlyDropped = max(0, token.significantDigits - 19) - dropped
            token.exponent += newlyDropped - (index - fraction)
        }
        if bytes[index] | 0x20 == UInt8(ascii: "e") {
            token.isInteger = false
            index = try scanExponent(from: index + 1, into: &token)
        }
        token.end = index
        offset = index
        return token
    }

    /// Adds digits to the token; the index after them.
    private func scanDigits(from start: Int, into token: inout NumberToken) -> Int {
        var index = start
        while true {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return index }
            index += 1
            if token.significantDigits == 0 && digit == 0 { continue }
            token.significantDigits += 1
            if token.significantDigits <= 19 { token.mantissa = token.mantissa &* 10 &+ UInt64(digit) }
        }
    }

    private func scanExponent(from start: Int, into token: inout NumberToken) throws(JSONError) -> Int {
        var index = start
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative || bytes[index] == UInt8(ascii: "+") { index += 1 }
        let firstDigit = index
        var exponent = 0
        while true {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            // Beyond any text's length it makes no difference.
            exponent = min(exponent * 10 + Int(digit), 1 << 40)
            index += 1
        }
        guard index > firstDigit else { throw syntax("expected a digit", at: index) }
        token.exponent += isNegative ? -exponent : exponent
        return index
    }
}

extension Int64 {
    /// The integer of this sign and magnitude, if there is one.
    init?(magnitude: UInt64, negative: Bool) {
        if negative {
            guard magnitude <= UInt64(1) << 63 else { return nil }
            self = Int64(truncatingIfNeeded: 0 &- magnitude)
        } else {
            guard magnitude < UInt64(1) << 63 else { return nil }
            self = Int64(magnitude)
        }
    }
}
