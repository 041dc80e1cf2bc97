// Capturing a value as text: checked, without insignificant white space, otherwise byte for byte as it was
// sent.
//
// Runs between white space are copied as they are, so a text that has none costs one copy. Recursion is
// bounded by the reader's depth limit.

extension JSONReader {
    /// Appends the text of the next value, whatever its kind.
    ///
    /// Numbers keep their digits and strings their escapes. Duplicate names at any depth (`duplicateKey`)
    /// and numbers beyond a double (`overflowsDouble`) are refused. After an error the output holds a part
    /// of the value.
    package mutating func compactValue(into output: inout [UInt8]) throws(JSONError) {
        skipWhitespace()
        var run = offset
        try compact(&run, into: &output)
        output.append(contentsOf: bytes.buffer(run, offset))
    }

    /// Appends the text of the next value, which must be an object: a payload.
    package mutating func compactObject(into output: inout [UInt8]) throws(JSONError) {
        let kind = try peekKind()
        guard kind == .object else { throw wrongType("an object", kind) }
        try compactValue(into: &output)
    }

    /// Walks one value; `run` is where the text that has not been copied yet begins.
    private mutating func compact(_ run: inout Int, into output: inout [UInt8]) throws(JSONError) {
        switch bytes[offset] {
        case UInt8(ascii: "{"): try compactMembers(&run, into: &output)
        case UInt8(ascii: "["): try compactElements(&run, into: &output)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let start = offset
            guard try skipNumber() else { return }
            offset = start
            let token = try scanNumber()
            guard DecimalConversion.double(token, bytes).isFinite else {
                throw refuse(token, .overflowsDouble)
            }
        default:
            _ = try peekKind()
            try skipScalar()
        }
    }

    private mutating func compactMembers(_ run: inout Int, into output: inout [UInt8]) throws(JSONError) {
        try enter()
        var members = JSONMembers()
        cutWhitespace(&run, into: &output)
        while try nextMember(first: members.isEmpty) {
            cutWhitespace(&run, into: &output)
            guard bytes[offset] == UInt8(ascii: "\"") else { throw unexpected("a name in quotes") }
            let name = try scanString()
            cutWhitespace(&run, into: &output)
            guard bytes[offset] == UInt8(ascii: ":") else { throw unexpected("':'") }
            offset += 1
            guard members.insert(name) else {
                offset = name.offset
                throw JSONError(.duplicateKey(name.shown), at: name.offset)
            }
            cutWhitespace(&run, into: &output)
            try compact(&run, into: &output)
            cutWhitespace(&run, into: &output)
        }
    }

    private mutating func compactElements(_ run: inout Int, into output: inout [UInt8]) throws(JSONError) {
        try enter()
        var elements = JSONElements()
        cutWhitespace(&run, into: &output)
        while try nextElement(&elements) {
            cutWhitespace(&run, into: &output)
            try compact(&run, into: &output)
            cutWhitespace(&run, into: &output)
        }
    }

    /// Steps over white space; if there is any, the run before it is copied.
    @inline(__always)
    private mutating func cutWhitespace(_ run: inout Int, into output: inout [UInt8]) {
        if bytes[offset] > 0x20 { return }
        let end = offset
        skipWhitespaceSlowly()
        if offset == end { return }
        output.append(contentsOf: bytes.buffer(run, end))
        run = offset
    }
}
