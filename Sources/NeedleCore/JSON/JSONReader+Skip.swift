// Skipping a value while checking it completely, without recursion.

extension JSONReader {
    /// Checks one value of any kind and steps over it. Duplicate names are not looked for.
    package mutating func skipValue() throws(JSONError) {
        let outerDepth = depth
        var isObject: UInt128 = 0  // the open containers, the innermost in the lowest bit
        while true {
            if try skipScalarOrOpen(&isObject) { continue }
            // A value has ended: close what ends here, then step to the next value.
            while true {
                if depth == outerDepth { return }
                skipWhitespace()
                let inObject = isObject & 1 == 1
                let byte = bytes[offset]
                if byte == UInt8(ascii: ",") {
                    offset += 1
                    if inObject { _ = try scanName() }
                    break
                }
                guard byte == (inObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    throw unexpected(inObject ? "',' or '}'" : "',' or ']'")
                }
                offset += 1
                depth -= 1
                isObject >>= 1
            }
        }
    }

    /// Steps over a scalar or an empty container (false), or into a container up to its first value (true).
    private mutating func skipScalarOrOpen(_ isObject: inout UInt128) throws(JSONError) -> Bool {
        switch try peekKind() {
        case .object:
            try enter()
            skipWhitespace()
            if bytes[offset] == UInt8(ascii: "}") { return leaveEmpty() }
            _ = try scanName()
            isObject = isObject << 1 | 1
            return true
        case .array:
            try enter()
            skipWhitespace()
            if bytes[offset] == UInt8(ascii: "]") { return leaveEmpty() }
            isObject <<= 1
            return true
        default:
            try skipScalar()
            return false
        }
    }

    private mutating func leaveEmpty() -> Bool {
        offset += 1
        depth -= 1
        return false
    }

    /// Steps over a string, number or literal that begins at the next byte.
    mutating func skipScalar() throws(JSONError) {
        switch bytes[offset] {
        case UInt8(ascii: "\""): _ = try scanString()
        case UInt8(ascii: "t"): try consume(literal: "true")
        case UInt8(ascii: "f"): try consume(literal: "false")
        case UInt8(ascii: "n"): try consume(literal: "null")
        default: _ = try skipNumber()
        }
    }

    /// Checks the number whose first byte (a minus or a digit) is the next one, and steps over it.
    ///
    /// - Returns: whether its magnitude might overflow a double: it has an exponent or very many digits.
    mutating func skipNumber() throws(JSONError) -> Bool {
        let firstDigit = bytes[offset] == UInt8(ascii: "-") ? offset + 1 : offset
        var index = endOfDigits(from: firstDigit)
        guard index > firstDigit else { throw syntax("expected a digit", at: index) }
        guard bytes[firstDigit] != UInt8(ascii: "0") || index == firstDigit + 1 else {
            throw syntax("a number must not begin with a zero", at: firstDigit + 1)
        }
        var mayOverflow = index - firstDigit > 300
        if bytes[index] == UInt8(ascii: ".") {
            let fraction = index + 1
            index = endOfDigits(from: fraction)
            guard index > fraction else { throw syntax("expected a digit", at: index) }
        }
        if bytes[index] | 0x20 == UInt8(ascii: "e") {
            mayOverflow = true
            index += 1
            if bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") { index += 1 }
            let exponent = index
            index = endOfDigits(from: exponent)
            guard index > exponent else { throw syntax("expected a digit", at: index) }
        }
        offset = index
        return mayOverflow
    }

    /// The index of the first byte from `start` on that is no digit.
    @inline(__always)
    private func endOfDigits(from start: Int) -> Int {
        var index = start
        while index + 8 <= bytes.count {
            let marks = FastFloats.marksOfNonDigits(bytes.word(at: index) ^ 0x3030_3030_3030_3030)
            if marks != 0 { return index + (marks.trailingZeroBitCount >> 3) }
            index += 8
        }
        while bytes[index] &- UInt8(ascii: "0") <= 9 { index += 1 }
        return index
    }
}

// MARK: Text that has been checked before

extension JSONReader {
    /// Steps over one value of a text that `compactValue` has been over: finds its end, checks nothing.
    ///
    /// On any other text it ends somewhere within the text, and what is read next may be refused.
    package mutating func skipKnownValue() {
        skipWhitespace()
        var index = offset
        var open = 0
        repeat {
            switch bytes[index] {
            case UInt8(ascii: "\""): index = endOfKnownString(from: index + 1)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                open += 1
                index += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                open -= 1
                index += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"): index += 1
            default: index = endOfKnownScalar(from: index + 1)
            }
        } while open > 0 && index < bytes.count
        offset = min(index, bytes.count)
    }

    /// The index behind the closing quote of the string whose contents begin at `start`.
    @inline(__always)
    private func endOfKnownString(from start: Int) -> Int {
        var index = start
        while index < bytes.count {
            while index + 8 <= bytes.count {
                let special = JSONReader.specialBytes(bytes.word(at: index))
                if special != 0 {
                    index += special.trailingZeroBitCount >> 3
                    break
                }
                index += 8
            }
            switch bytes[index] {
            case UInt8(ascii: "\""): return index + 1
            case UInt8(ascii: "\\"): index += 2
            default: index += 1
            }
        }
        return bytes.count
    }

    /// The index of the first byte from `start` on that ends a number or a literal.
    @inline(__always)
    private func endOfKnownScalar(from start: Int) -> Int {
        var index = start
        while index < bytes.count {
            switch bytes[unchecked: index] {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0...0x20: return index
            default: index += 1
            }
        }
        return bytes.count
    }
}
