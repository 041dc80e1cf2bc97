// Reading JSON text into values, with the reader that the whole house shares.

import NeedleCore

extension JSONValue {
    /// The deepest nesting a reply may have (protocol, section 1), with room to spare.
    static let maximumDepth = 96

    /// Parses one JSON text.
    ///
    /// - Throws: ``NeedletailError`` of kind `invalidArgument` that names the byte.
    public init(parsing text: String) throws(NeedletailError) {
        let bytes = Array(text.utf8)
        self = try parseWhole(bytes.span)
    }

    static func read(_ reader: inout JSONReader) throws(JSONError) -> JSONValue {
        switch try reader.peekKind() {
        case .null:
            try reader.readNull()
            return .null
        case .bool: return .bool(try reader.readBool())
        case .string: return .string(try reader.readString())
        case .number:
            switch try reader.readNumber() {
            case .signed(let value): return .integer(value)
            case .unsigned(let value): return .unsigned(value)
            case .double(let value): return .double(value)
            }
        case .array:
            var elements = try reader.beginArray()
            var values: [JSONValue] = []
            while try reader.nextElement(&elements) { values.append(try read(&reader)) }
            return .array(values)
        case .object:
            var names = try reader.beginObject()
            var members: [JSONObject.Member] = []
            while let name = try reader.nextKey(&names) {
                let key = name.string
                members.append(JSONObject.Member(key, try read(&reader)))
            }
            return .object(JSONObject(distinct: members))
        }
    }
}

/// Parses a text that must hold one JSON value and nothing else.
func parseWhole(_ text: Span<UInt8>) throws(NeedletailError) -> JSONValue {
    var reader = JSONReader(text, maximumDepth: JSONValue.maximumDepth)
    do {
        let value = try JSONValue.read(&reader)
        try reader.finish()
        return value
    } catch {
        throw NeedletailError(.invalidArgument, "not JSON: \(error.message)", at: "byte \(error.offset)")
    }
}
