// A small exact document tree, for configuration-like uses: manifests, tests, the client. Not for hot
// paths.

/// A JSON value. Members keep their order; integers in −2^63 … 2^64−1 are exact.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// A member of an object.
    package struct Member: Sendable, Equatable {
        package var name: String
        package var value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }

        /// Names and strings are compared by bytes.
        package static func == (left: Member, right: Member) -> Bool {
            left.name.utf8.elementsEqual(right.name.utf8) && left.value == right.value
        }
    }

    /// Parses a whole text; duplicate names are refused.
    package init(parsing text: Span<UInt8>, maximumDepth: Int = 64) throws(JSONError) {
        var reader = JSONReader(text, maximumDepth: maximumDepth)
        self = try JSONValue(reading: &reader)
        try reader.finish()
    }

    /// Parses a whole text; duplicate names are refused.
    package init(parsing text: String, maximumDepth: Int = 64) throws(JSONError) {
        let bytes = Array(text.utf8)
        try self.init(parsing: bytes.span, maximumDepth: maximumDepth)
    }

    /// Reads the next value.
    package init(reading reader: inout JSONReader) throws(JSONError) {
        switch try reader.peekKind() {
        case .null:
            try reader.readNull()
            self = .null
        case .bool: self = .bool(try reader.readBool())
        case .number: self = .number(try reader.readNumber())
        case .string: self = .string(try reader.readString())
        case .array:
            var values: [JSONValue] = []
            var elements = try reader.beginArray()
            while try reader.nextElement(&elements) { values.append(try JSONValue(reading: &reader)) }
            self = .array(values)
        case .object:
            var result: [Member] = []
            var members = try reader.beginObject()
            while let key = try reader.nextKey(&members) {
                let name = key.string
                result.append(Member(name, try JSONValue(reading: &reader)))
            }
            self = .object(result)
        }
    }

    /// Appends the value.
    package func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.writeNull()
        case .bool(let value): writer.write(value)
        case .number(let value): writer.write(value)
        case .string(let value): writer.write(value)
        case .array(let values):
            writer.beginArray()
            for value in values { value.write(to: &writer) }
            writer.endArray()
        case .object(let members):
            writer.beginObject()
            for member in members {
                writer.key(string: member.name)
                member.value.write(to: &writer)
            }
            writer.endObject()
        }
    }

    /// The value as compact text.
    package var utf8: [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.take()
    }

    // MARK: Access

    /// The member of this name, if this is an object that has one.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// The element at this index, if this is an array that has one.
    package subscript(index: Int) -> JSONValue? {
        guard case .array(let values) = self, values.indices.contains(index) else { return nil }
        return values[index]
    }

    package var stringValue: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    package var boolValue: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The integer, if this is an integer literal that fits.
    package var integerValue: Int? {
        guard case .number(.signed(let value)) = self else { return nil }
        return Int(value)
    }

    /// The non-negative integer, if this is an integer literal that fits.
    package var unsignedValue: UInt64? {
        switch self {
        case .number(.signed(let value)): UInt64(exactly: value)
        case .number(.unsigned(let value)): value
        default: nil
        }
    }

    /// The number, rounded to a double.
    package var doubleValue: Double? {
        switch self {
        case .number(.signed(let value)): Double(value)
        case .number(.unsigned(let value)): Double(value)
        case .number(.double(let value)): value
        default: nil
        }
    }

    package var arrayValue: [JSONValue]? {
        guard case .array(let values) = self else { return nil }
        return values
    }

    package var objectValue: [Member]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    /// Strings are compared by bytes, not by canonical equivalence.
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .number(.signed(value)) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(floatLiteral value: Double) { self = .number(.double(value)) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { Member($0.0, $0.1) })
    }
}
