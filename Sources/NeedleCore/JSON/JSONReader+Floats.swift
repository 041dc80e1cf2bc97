// Vectors: arrays of decimal numbers, or base64 strings, straight into float32. The hot path of the whole reader.
//
// Numbers of the usual shape (up to 19 significant digits after an optional sign, an optional short exponent) are parsed
// eight digits at a time and rounded once by way of a double (see DecimalConversion); everything else, and every number
// within 64 bytes of the end of the text, goes through the general scanner, which also words the errors.

extension JSONReader {
    /// Reads a vector in either form and appends its components: an array of numbers or a base64 string.
    ///
    /// - Parameter limit: the most components accepted (`tooManyElements`).
    package mutating func readVector(into output: inout [Float], limit: Int) throws(JSONError) {
        switch try peekKind() {
        case .array: try readFloatArray(into: &output, limit: limit)
        case .string: try readBase64Floats(into: &output, limit: limit)
        case let other: throw wrongType("an array of numbers or a base64 string", other)
        }
    }

    /// Reads an array of numbers and appends each, rounded once to the nearest float32 (ties to even).
    ///
    /// A number beyond float32 is `notAFloat`, any other element `wrongType`; the error's offset is the element's.
    /// After an error some components may have been appended.
    package mutating func readFloatArray(into output: inout [Float], limit: Int) throws(JSONError) {
        let start = position
        var elements = try beginArray()
        skipWhitespace()
        if bytes[offset] == UInt8(ascii: "]") {
            _ = try nextElement(&elements)
            return
        }
        var total = 0
        var isOpen = true
        while isOpen {
            // A bounded piece of the stack receives the numbers, and is then appended in one copy.
            var failure: JSONError?
            withUnsafeTemporaryAllocation(of: Float.self, capacity: JSONReader.floatChunk) { chunk in
                var count = 0
                do throws(JSONError) {
                    isOpen = try parseFloats(into: chunk, count: &count, index: total)
                } catch {
                    failure = error
                }
                total += count
                output.append(contentsOf: UnsafeBufferPointer(rebasing: chunk[..<count]))
            }
            if let failure { throw failure }
            if total > limit {
                rewind(to: start)
                throw JSONError(.tooManyElements(limit: limit), at: start.offset)
            }
        }
    }

    private static let floatChunk = 512

    /// Parses elements until the chunk is full (true) or the array has ended (false).
    private mutating func parseFloats(
        into chunk: UnsafeMutableBufferPointer<Float>, count: inout Int, index: Int
    ) throws(JSONError) -> Bool {
        let capacity = chunk.count
        let table = DecimalConversion.powersOfTen
        let powers = table.span
        while count < capacity {
            skipWhitespace()
            let next = fastFloat(at: offset, powers, into: &chunk[count])
            if next > 0 {
                offset = next
            } else {
                chunk[count] = try slowFloat(index: index + count)
            }
            count += 1
            skipWhitespace()
            let byte = bytes[offset]
            guard byte == UInt8(ascii: ",") else {
                guard byte == UInt8(ascii: "]") else { throw unexpected("',' or ']'") }
                offset += 1
                depth -= 1
                return false
            }
            offset += 1
        }
        return true
    }

    @inline(never)
    private mutating func slowFloat(index: Int) throws(JSONError) -> Float {
        let kind = try peekKind()
        guard kind == .number else { throw wrongType("a number", kind) }
        let token = try scanNumber()
        let value = float(of: token)
        guard value.isFinite else { throw refuse(token, .notAFloat(index: index)) }
        return value
    }

    /// Parses the number at `start` if it is of the usual shape; the index after it, or 0.
    @inline(__always)
    private func fastFloat(at start: Int, _ powers: Span<Double>, into output: inout Float) -> Int {
        guard start + 64 <= bytes.count else { return 0 }
        var index = start
        let isNegative = bytes[unchecked: index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        let first = bytes[unchecked: index] &- UInt8(ascii: "0")
        guard first <= 9 else { return 0 }
        index += 1
        var mantissa = UInt64(first)
        var digits = first == 0 ? 0 : 1
        var next = bytes[unchecked: index] &- UInt8(ascii: "0")
        if next <= 9 {
            guard first != 0 else { return 0 }
            repeat {
                mantissa = mantissa &* 10 &+ UInt64(next)
                index += 1
                digits += 1
                next = bytes[unchecked: index] &- UInt8(ascii: "0")
            } while next <= 9 && digits < 19
        }
        var exponent = 0
        if next == UInt8(ascii: ".") &- UInt8(ascii: "0") {
            let fraction = index + 1
            index = fraction
            var length = 0
            repeat {
                length = JSONReader.appendDigits(bytes.word(at: index), to: &mantissa)
                index += length
            } while length == 8 && index - fraction <= 16
            exponent = fraction - index
            digits -= exponent
            guard index > fraction, length < 8 else { return 0 }
            next = bytes[unchecked: index] &- UInt8(ascii: "0")
        }
        if next | 0x20 == (UInt8(ascii: "e") &- UInt8(ascii: "0")) | 0x20 {
            index = fastExponent(at: index + 1, into: &exponent)
            guard index > 0 else { return 0 }
        }
        return finishFloat(mantissa, digits, exponent, isNegative, powers, into: &output) ? index : 0
    }

    @inline(__always)
    private func finishFloat(
        _ mantissa: UInt64, _ digits: Int, _ exponent: Int, _ isNegative: Bool, _ powers: Span<Double>,
        into output: inout Float
    ) -> Bool {
        // At most 18 digits stay below 2^63; 19 may not, and then show as negative.
        let signed = Int64(bitPattern: mantissa)
        guard digits <= 19, signed >= 0, exponent.magnitude <= UInt(DecimalConversion.powerBias) else { return false }
        let value = Double(signed) * powers[unchecked: DecimalConversion.powerBias + exponent]
        guard DecimalConversion.castIsExact(value) else {
            guard mantissa == 0 else { return false }
            output = isNegative ? -0.0 : 0.0
            return true
        }
        // Clears or sets the sign without a branch: signs are as good as random.
        output = Float(bitPattern: Float(value).bitPattern | (isNegative ? 0x8000_0000 : 0))
        return true
    }

    /// Reads one to three digits of an exponent and adds it; the index after them, or 0.
    @inline(__always)
    private func fastExponent(at start: Int, into exponent: inout Int) -> Int {
        var index = start
        let isNegative = bytes[unchecked: index] == UInt8(ascii: "-")
        if isNegative || bytes[unchecked: index] == UInt8(ascii: "+") { index += 1 }
        var value = 0
        let firstDigit = index
        while index - firstDigit < 4 {
            let digit = bytes[unchecked: index] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            value = value * 10 + Int(digit)
            index += 1
        }
        guard index > firstDigit, index - firstDigit < 4 else { return 0 }
        exponent += isNegative ? -value : value
        return index
    }

    /// Appends the digits at the beginning of eight bytes (the first in the lowest) to a decimal number; their count.
    ///
    /// The digit test and the three multiplications are the known "SIMD within a register" technique, see D. Lemire,
    /// "Number parsing at a gigabyte per second" (2021).
    @inline(__always)
    static func appendDigits(_ word: UInt64, to mantissa: inout UInt64) -> Int {
        let values = word ^ 0x3030_3030_3030_3030
        // A carry runs only into bytes behind one that is marked already.
        let marks = ((values &+ 0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080
        let length = marks == 0 ? 8 : marks.trailingZeroBitCount >> 3
        guard length > 0 else { return 0 }
        // The digits move to the highest bytes; the zeros below them are leading zeros.
        var digits = values &<< UInt64(64 - 8 * length)
        digits = (digits &* 10) &+ (digits >> 8)
        digits = ((digits & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
            &+ ((digits >> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001) >> 32
        mantissa = mantissa &* power(length) &+ (digits & 0xFFFF_FFFF)
        return length
    }

    /// 10^n for n in 1 … 8.
    @inline(__always)
    private static func power(_ n: Int) -> UInt64 {
        if n == 8 { return 100_000_000 }
        let small: UInt64 = n & 1 == 1 ? 10 : 1
        let middle: UInt64 = n & 2 == 2 ? 100 : 1
        let large: UInt64 = n & 4 == 4 ? 10_000 : 1
        return small &* middle &* large
    }
}
