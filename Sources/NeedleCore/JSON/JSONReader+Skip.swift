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
        default: _ = try scanNumber()
        }
    }
}
