import NeedleCore

/// A decoded top-level member of a payload.
struct RowField {
    let key: [UInt8]
    let value: JSONValue
}

/// What a filter sees of one row: decoded members and the id.
struct RowFields {
    let values: [RowField]
    let id: PointID?

    init(values: [RowField], id: PointID?) {
        self.values = values
        self.id = id
    }

    /// The members under some top-level keys; the rest of the payload is skipped. O(payload bytes).
    init(decoding payload: Span<UInt8>, keys: [[UInt8]], id: PointID?) throws(JSONError) {
        var fields: [RowField] = []
        var reader = JSONReader(payload)
        var members = try reader.beginKnownObject()
        while fields.count < keys.count, let key = try reader.nextKnownKey(&members) {
            if let name = keys.first(where: { key.isName($0) }) {
                fields.append(RowField(key: name, value: try JSONValue(reading: &reader)))
            } else {
                try reader.skipValue()
            }
        }
        self.init(values: fields, id: id)
    }

    /// An object within a payload, seen as if it were one.
    init(members: [JSONValue.Member], id: PointID?) {
        self.init(values: members.map { RowField(key: Array($0.name.utf8), value: $0.value) }, id: id)
    }

    /// How many values there are at the path: members of an array, else one; null is none.
    func valueCount(at path: FieldPath) -> Int {
        var count = 0
        _ = anyNode(at: path) { node in
            switch node {
            case .null: break
            case .array(let members): count += members.count
            default: count += 1
            }
            return false
        }
        return count
    }

    /// Whether some *value* at the path satisfies the test: an array at the end gives each of its members.
    func anyValue(at path: FieldPath, _ test: (JSONValue) -> Bool) -> Bool {
        anyNode(at: path) { node in
            if case .array(let members) = node { members.contains(where: test) } else { test(node) }
        }
    }

    /// Whether some node that the path reaches satisfies the test; arrays at the end are one node.
    func anyNode(at path: FieldPath, _ test: (JSONValue) -> Bool) -> Bool {
        guard let first = values.first(where: { $0.key == path.segments[0].key }) else { return false }
        return Self.descend(into: first.value, path.segments[...], test)
    }

    /// `node` is what the first segment's key named.
    private static func descend(
        into node: JSONValue, _ segments: ArraySlice<FieldPath.Segment>, _ test: (JSONValue) -> Bool
    ) -> Bool {
        guard let segment = segments.first else { return test(node) }
        return unfold(node, depth: segment.arrayDepth) { member in
            guard let next = segments.dropFirst().first else { return test(member) }
            guard case .object(let members) = member,
                let child = members.first(where: { $0.name.utf8.elementsEqual(next.key) })
            else { return false }
            return descend(into: child.value, segments.dropFirst(), test)
        }
    }

    /// Steps `depth` times into every member of an array.
    private static func unfold(_ node: JSONValue, depth: Int, _ test: (JSONValue) -> Bool) -> Bool {
        guard depth > 0 else { return test(node) }
        guard case .array(let members) = node else { return false }
        return members.contains { unfold($0, depth: depth - 1, test) }
    }
}

extension JSONValue {
    /// Neither an object, an array nor null: something a condition can compare with.
    var isScalar: Bool {
        switch self {
        case .bool, .number, .string: true
        default: false
        }
    }

    var exactNumber: ExactNumber? {
        switch self {
        case .number(.signed(let value)): ExactNumber(value)
        case .number(.unsigned(let value)): ExactNumber(value)
        case .number(.double(let value)): ExactNumber(value)
        default: nil
        }
    }
}

extension MatchValue {
    /// Strings by bytes, numbers by value (`1` = `1.0`), booleans only with booleans.
    func equals(_ value: JSONValue) -> Bool {
        switch (self, value) {
        case (.string(let wanted), .string(let text)): text.utf8.elementsEqual(wanted)
        case (.bool(let wanted), .bool(let flag)): wanted == flag
        case (.number(let wanted), .number): value.exactNumber == wanted
        default: false
        }
    }
}

extension RangeTest {
    /// A number within bounds, or a string that is an RFC 3339 date-time within them; anything else is outside.
    func contains(_ value: JSONValue) -> Bool {
        let number: ExactNumber? =
            switch (kind, value) {
            case (.number, _): value.exactNumber
            case (.dateTime, .string(let text)): DateTime(text)?.exactNumber
            case (.dateTime, _): nil
            }
        guard let number else { return false }
        return contains(number)
    }

    func contains(count: Int) -> Bool { contains(ExactNumber(UInt64(count))) }

    func contains(_ number: ExactNumber) -> Bool {
        if let lower, number < lower.value || (number == lower.value && !lower.isInclusive) { return false }
        if let upper, upper.value < number || (number == upper.value && !upper.isInclusive) { return false }
        return true
    }
}

extension WordMatcher {
    init(_ test: WordTest, _ analysis: TextAnalysis = .plain) {
        let kind: Kind =
            switch test.kind {
            case .text: .text
            case .phrase: .phrase
            case .prefix: .prefix
            }
        self.init(kind, text: String(decoding: test.text, as: UTF8.self), analysis: analysis)
    }

    /// Of a payload; anything but a string has no words.
    func matches(_ value: JSONValue) -> Bool {
        guard case .string(let text) = value else { return false }
        return matches(text.utf8.span)
    }
}
