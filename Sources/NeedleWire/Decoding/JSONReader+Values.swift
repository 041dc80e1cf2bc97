// Small values that occur in many methods.

import NeedleCore

extension JSONReader {
    /// An optional key whose value is `null` counts as absent.
    mutating func optional<Value>(_ read: (inout JSONReader) throws -> Value) throws -> Value? {
        try readNullIfPresent() ? nil : try read(&self)
    }

    mutating func optionalBool() throws -> Bool? {
        try optional { try $0.readBool() }
    }

    mutating func optionalString() throws -> String? {
        try optional { try $0.readString() }
    }

    /// An array of at most `limit` elements; a longer one is `limit_exceeded` at the array.
    mutating func list<Element>(
        of what: String, limit: Int, _ read: (inout JSONReader) throws -> Element
    ) throws -> [Element] {
        _ = try peekKind()
        let start = offset
        var elements = try beginArray()
        var values: [Element] = []
        while try nextElement(&elements) {
            guard elements.index < limit else { throw Refusal.overLimit(what, limit: limit, at: start) }
            values.append(try read(&self))
        }
        return values
    }

    /// One of an enumeration's raw values.
    mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ type: Value.Type
    ) throws -> Value where Value.RawValue == String {
        try choice(among: Value.allCases.map { ($0.rawValue, $0) })
    }

    mutating func choice<Value>(among choices: [(name: String, value: Value)]) throws -> Value {
        let text = try readText()
        let name = text.string
        // Names are ASCII, for which canonical equivalence is identity.
        if let choice = choices.first(where: { $0.name == name }) { return choice.value }
        throw Refusal(
            message: "unknown value \"\(shown(name))\"", offset: text.offset,
            expected: choices.map(\.name).joined(separator: ", "), got: shown(name))
    }

    /// A point's id: an integer 0 … 2^64−1 or a string of 1 to 512 bytes.
    mutating func pointID() throws -> PointID {
        switch try peekKind() {
        case .number: return .integer(try readUInt64())
        case .string:
            let start = offset
            let bytes = try readBytes()
            guard (1...PointID.maximumStringBytes).contains(bytes.count) else {
                throw JSONError(.outOfRange(expected: "a string of 1 to 512 bytes"), at: start)
            }
            return .string(bytes)
        case let other:
            throw JSONError(.wrongType(expected: "an integer or a string", got: other), at: offset)
        }
    }

    /// A request's id: a string of 0 to 64 bytes or a signed 64-bit integer.
    mutating func requestID() throws -> RequestID {
        switch try peekKind() {
        case .number: return .integer(try readInt64())
        case .string:
            let start = offset
            let bytes = try readBytes()
            guard bytes.count <= RequestID.maximumStringBytes else {
                throw JSONError(.outOfRange(expected: "a string of at most 64 bytes"), at: start)
            }
            return .string(bytes)
        case let other:
            throw JSONError(.wrongType(expected: "an integer or a string", got: other), at: offset)
        }
    }

    /// Name of a collection, an alias or a vector space.
    mutating func name() throws -> String {
        let text = try readText()
        guard Names.isValid(text.utf8) else {
            throw Refusal(
                message: "malformed name", offset: text.offset, expected: Names.rule, got: shown(text.string))
        }
        return text.string
    }

    /// A string of `range` bytes.
    mutating func boundedString(_ range: ClosedRange<Int>) throws -> String {
        let text = try readText()
        guard range.contains(text.utf8Count) else {
            let expected = "a string of \(range.lowerBound) to \(range.upperBound) bytes"
            throw JSONError(.outOfRange(expected: expected), at: text.offset)
        }
        return text.string
    }

    /// A finite number within `range`.
    mutating func double(in range: ClosedRange<Double>) throws -> Double {
        _ = try peekKind()
        let start = offset
        let value = try readDouble()
        guard range.contains(value) else {
            let expected = "a number in \(range.lowerBound) ... \(range.upperBound)"
            throw JSONError(.outOfRange(expected: expected), at: start)
        }
        return value
    }

    /// A key that this object does not have.
    func unknown(_ key: borrowing JSONText) -> JSONError {
        JSONError(.unknownKey(shown(key.string)), at: key.offset)
    }
}

/// What a collection, an alias or a vector space may be called.
enum Names {
    static let rule = "1 to 255 of A-Z a-z 0-9 . _ -, not beginning with a dot"

    static func isValid(_ name: [UInt8]) -> Bool {
        (1...255).contains(name.count) && name[0] != UInt8(ascii: ".")
            && name.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
