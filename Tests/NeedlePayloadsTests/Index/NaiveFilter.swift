import NeedleCore
import NeedlePayloads

/// The protocol's rules for filters, written down a second time as plainly as can be: on whole documents, with lists of
/// values. What indexes and scans are compared with.
struct NaiveFilter {
    let filter: Filter
    /// Of keys with a text index; words of members of objects are plain.
    var analyses: [FieldPath: TextAnalysis] = [:]

    func matches(_ document: JSONValue, id: PointID) -> Bool {
        holds(filter, document, id)
    }

    private func holds(_ filter: Filter, _ document: JSONValue, _ id: PointID) -> Bool {
        for condition in filter.must where !holds(condition, document, id) { return false }
        for condition in filter.mustNot where holds(condition, document, id) { return false }
        var hits = 0
        for condition in filter.should where holds(condition, document, id) { hits += 1 }
        if !filter.should.isEmpty && hits == 0 { return false }
        if let minimum = filter.minimumShould, !minimum.conditions.isEmpty {
            var hits = 0
            for condition in minimum.conditions where holds(condition, document, id) { hits += 1 }
            return hits >= minimum.minimumCount
        }
        return true
    }

    private func holds(_ condition: Condition, _ document: JSONValue, _ id: PointID) -> Bool {
        switch condition {
        case .matchAny(let path, let wanted):
            return Self.values(path, document).contains { value in wanted.contains { Self.same($0, value) } }
        case .matchExcept(let path, let unwanted):
            return Self.values(path, document).contains { value in
                switch value {
                case .bool, .number, .string: !unwanted.contains { Self.same($0, value) }
                default: false
                }
            }
        case .range(let path, let range):
            return Self.values(path, document).contains { value in
                switch (range.kind, value) {
                case (.number, .number(let number)): Self.inside(Self.exact(number), range)
                case (.dateTime, .string(let text)):
                    DateTime(text).map { Self.inside(ExactNumber($0.microseconds), range) } ?? false
                default: false
                }
            }
        case .geo(let path, let shape):
            return Self.values(path, document).contains { value in
                guard case .object = value, let lat = value["lat"]?.doubleValue,
                    let lon = value["lon"]?.doubleValue,
                    abs(lat) <= 90, abs(lon) <= 180
                else { return false }
                return shape.contains(GeoPoint(latitude: lat, longitude: lon))
            }
        case .words(let path, let test):
            guard let kind = WordMatcher.Kind(rawValue: test.kind.rawValue) else { return false }
            let matcher = WordMatcher(
                kind, text: String(decoding: test.text, as: UTF8.self), analysis: analyses[path] ?? .plain)
            return Self.values(path, document).contains { value in
                if case .string(let text) = value { matcher.matches(Array(text.utf8).span) } else { false }
            }
        case .valuesCount(let path, let range):
            let count = Self.nodes(path, document).reduce(0) { sum, node in
                switch node {
                case .null: sum
                case .array(let members): sum + members.count
                default: sum + 1
                }
            }
            return Self.inside(ExactNumber(UInt64(count)), range)
        case .isNull(let path): return Self.nodes(path, document).contains(.null)
        case .isEmpty(let path):
            return Self.nodes(path, document).allSatisfy { $0 == .null || $0 == .array([]) }
        case .hasID(let ids): return ids.contains(id)
        case .nested(let path, let inner):
            return Self.values(path, document).contains { value in
                if case .object = value { NaiveFilter(filter: inner).matches(value, id: id) } else { false }
            }
        case .filter(let inner): return holds(inner, document, id)
        }
    }

    /// What the path leads to; an array at the end is one node.
    private static func nodes(_ path: FieldPath, _ document: JSONValue) -> [JSONValue] {
        var current = [document]
        for segment in path.segments {
            current = current.compactMap { $0[String(decoding: segment.key, as: UTF8.self)] }
            for _ in 0..<segment.arrayDepth { current = current.flatMap { $0.arrayValue ?? [] } }
        }
        return current
    }

    private static func values(_ path: FieldPath, _ document: JSONValue) -> [JSONValue] {
        nodes(path, document).flatMap { $0.arrayValue ?? [$0] }
    }

    private static func exact(_ number: JSONNumber) -> ExactNumber {
        switch number {
        case .signed(let value): ExactNumber(value)
        case .unsigned(let value): ExactNumber(value)
        case .double(let value): ExactNumber(value)
        }
    }

    private static func same(_ wanted: MatchValue, _ value: JSONValue) -> Bool {
        switch (wanted, value) {
        case (.string(let bytes), .string(let text)): Array(text.utf8) == bytes
        case (.number(let number), .number(let other)): exact(other) == number
        case (.bool(let flag), .bool(let other)): flag == other
        default: false
        }
    }

    private static func inside(_ number: ExactNumber, _ range: RangeTest) -> Bool {
        if let lower = range.lower, !(lower.value < number || (lower.isInclusive && lower.value == number)) {
            return false
        }
        if let upper = range.upper, !(number < upper.value || (upper.isInclusive && upper.value == number)) {
            return false
        }
        return true
    }
}
