// A strict RFC 8259 pull parser over bytes: one pass, no tree, no allocation for structure.
//
// The caller walks the text in the order in which it is written and reads values straight into its own
// types. Invariants:
// - `offset` never passes the end; everything before it has been checked to be JSON;
// - a syntax error is thrown where the first offending byte lies, whatever the caller asked for;
// - a semantic error leaves the reader in front of the offending value (or name), so that the caller may
//   note the error, `rewind` to a place before it and `skipValue` to have the rest of the text checked too.

/// A pull parser over one JSON text. Not copyable, not escapable: it borrows the text.
///
/// ```swift
/// var reader = JSONReader(line.span)
/// var members = try reader.beginObject()
/// while let key = try reader.nextKey(&members) {
///     switch key {
///     case "limit": limit = try reader.readInt64()
///     case "vector": try reader.readFloatArray(into: &vector, limit: 65_536)
///     default: throw JSONError(.unknownKey(key.string), at: key.offset)
///     }
/// }
/// try reader.finish()
/// ```
///
/// After `nextKey` or `nextElement` has answered, exactly one value must be consumed before it is asked
/// again.
package struct JSONReader: ~Copyable, ~Escapable {
    let bytes: JSONBytes
    let maximumDepth: Int
    /// Offset of the next byte to be looked at.
    package internal(set) var offset = 0
    /// Number of containers that are open here.
    package internal(set) var depth = 0

    /// A place to return to.
    package struct Position: Sendable, Equatable {
        package let offset: Int
        let depth: Int
    }

    /// - Parameter maximumDepth: nested containers allowed, at most 128.
    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan, maximumDepth: Int = 64) {
        precondition((0...128).contains(maximumDepth), "the reader keeps its nesting in 128 bits")
        self.bytes = JSONBytes(bytes)
        self.maximumDepth = maximumDepth
    }

    /// - Parameter maximumDepth: nested containers allowed, at most 128.
    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>, maximumDepth: Int = 64) {
        self.init(bytes.bytes, maximumDepth: maximumDepth)
    }

    /// Number of bytes of the whole text.
    package var byteCount: Int { bytes.count }

    /// This place, to `rewind` to.
    package var position: Position { Position(offset: offset, depth: depth) }

    /// Returns to a place this reader has been at.
    package mutating func rewind(to position: Position) {
        precondition(position.offset <= bytes.count)
        offset = position.offset
        depth = position.depth
    }

    // MARK: Structure

    /// The kind of the next value, which is not consumed.
    package mutating func peekKind() throws(JSONError) -> JSONKind {
        skipWhitespace()
        switch bytes[offset] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw unexpected("a value")
        }
    }

    /// Enters an object.
    package mutating func beginObject() throws(JSONError) -> JSONMembers {
        try open(UInt8(ascii: "{"), expected: "an object")
        return JSONMembers()
    }

    /// The name of the next member, whose value must then be consumed; nil at the end of the object, which
    /// is consumed.
    ///
    /// A name that the object already had is a `duplicateKey` error.
    @_lifetime(copy self)
    package mutating func nextKey(_ members: inout JSONMembers) throws(JSONError) -> JSONText? {
        guard try nextMember(first: members.isEmpty) else { return nil }
        let name = try scanName()
        guard members.insert(name) else {
            offset = name.offset
            throw JSONError(.duplicateKey(name.shown), at: name.offset)
        }
        return name
    }

    /// Enters an object whose names are known to be distinct, such as one in a stored payload.
    package mutating func beginKnownObject() throws(JSONError) -> JSONElements {
        try open(UInt8(ascii: "{"), expected: "an object")
        return JSONElements()
    }

    /// Like `nextKey`, without looking for duplicates: for text that `compactValue` has been over.
    @_lifetime(copy self)
    package mutating func nextKnownKey(_ members: inout JSONElements) throws(JSONError) -> JSONText? {
        guard try nextMember(first: members.count == 0) else { return nil }
        members.count += 1
        return try scanName()
    }

    /// Enters an array.
    package mutating func beginArray() throws(JSONError) -> JSONElements {
        try open(UInt8(ascii: "["), expected: "an array")
        return JSONElements()
    }

    /// Whether there is a next element, which then must be consumed; the end of the array is consumed.
    package mutating func nextElement(_ elements: inout JSONElements) throws(JSONError) -> Bool {
        skipWhitespace()
        if bytes[offset] == UInt8(ascii: "]") {
            offset += 1
            depth -= 1
            return false
        }
        if elements.count > 0 {
            guard bytes[offset] == UInt8(ascii: ",") else { throw unexpected("',' or ']'") }
            offset += 1
        }
        elements.count += 1
        return true
    }

    /// Demands that nothing but white space follows.
    package mutating func finish() throws(JSONError) {
        skipWhitespace()
        guard offset == bytes.count else { throw unexpected("the end of the text") }
    }

    /// Whether nothing but white space is left.
    package mutating func isAtEnd() -> Bool {
        skipWhitespace()
        return offset == bytes.count
    }

    // MARK: Literals

    package mutating func readBool() throws(JSONError) -> Bool {
        switch try peekKind() {
        case .bool:
            let value = bytes[offset] == UInt8(ascii: "t")
            try consume(literal: value ? "true" : "false")
            return value
        case let other: throw wrongType("a boolean", other)
        }
    }

    package mutating func readNull() throws(JSONError) {
        switch try peekKind() {
        case .null: try consume(literal: "null")
        case let other: throw wrongType("null", other)
        }
    }

    /// Consumes `null` if that is the next value: an optional key whose value is null counts as absent.
    package mutating func readNullIfPresent() throws(JSONError) -> Bool {
        guard try peekKind() == .null else { return false }
        try consume(literal: "null")
        return true
    }

    // MARK: Steps shared by the reader's other files

    @inline(__always)
    mutating func skipWhitespace() {
        if bytes[offset] > 0x20 { return }
        skipWhitespaceSlowly()
    }

    @inline(never)
    mutating func skipWhitespaceSlowly() {
        while true {
            switch bytes[offset] {
            case 0x20, 0x0A, 0x0D, 0x09: offset += 1
            default: return
            }
        }
    }

    /// Steps over `}` (false) or over the comma before the next member (true).
    mutating func nextMember(first: Bool) throws(JSONError) -> Bool {
        skipWhitespace()
        if bytes[offset] == UInt8(ascii: "}") {
            offset += 1
            depth -= 1
            return false
        }
        if !first {
            guard bytes[offset] == UInt8(ascii: ",") else { throw unexpected("',' or '}'") }
            offset += 1
        }
        return true
    }

    /// Reads `"name" :`.
    @_lifetime(copy self)
    mutating func scanName() throws(JSONError) -> JSONText {
        skipWhitespace()
        guard bytes[offset] == UInt8(ascii: "\"") else { throw unexpected("a name in quotes") }
        let name = try scanString()
        skipWhitespace()
        guard bytes[offset] == UInt8(ascii: ":") else { throw unexpected("':'") }
        offset += 1
        return name
    }

    mutating func open(_ bracket: UInt8, expected: String) throws(JSONError) {
        let kind = try peekKind()
        guard bytes[offset] == bracket else { throw wrongType(expected, kind) }
        try enter()
    }

    /// Counts a container whose bracket is the next byte.
    @inline(__always)
    mutating func enter() throws(JSONError) {
        guard depth < maximumDepth else { throw JSONError(.tooDeep(limit: maximumDepth), at: offset) }
        offset += 1
        depth += 1
    }

    mutating func consume(literal: StaticString) throws(JSONError) {
        let length = literal.utf8CodeUnitCount
        for index in 0..<length {
            let matches = literal.withUTF8Buffer { $0[index] } == bytes[offset + index]
            guard matches else { throw syntax("expected \(literal)", at: offset + index) }
        }
        offset += length
    }

    @inline(never)
    func wrongType(_ expected: String, _ got: JSONKind) -> JSONError {
        JSONError(.wrongType(expected: expected, got: got), at: offset)
    }

    @inline(never)
    func unexpected(_ expected: String) -> JSONError {
        syntax("expected \(expected)", at: offset)
    }

    @inline(never)
    func syntax(_ reason: String, at place: Int) -> JSONError {
        place >= bytes.count
            ? JSONError(.syntax("\(reason), but the text ends"), at: bytes.count)
            : JSONError(.syntax(reason), at: place)
    }
}

/// Where the reader is within an array.
package struct JSONElements: Sendable {
    /// Number of elements begun so far; the index of the current one is one less.
    package internal(set) var count = 0

    /// Index of the element that `nextElement` announced last.
    package var index: Int { count - 1 }
}
