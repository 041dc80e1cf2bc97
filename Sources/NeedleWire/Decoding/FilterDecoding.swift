// Filters and their conditions. Recursion is bounded by `FilterSize`.

import NeedleCore

/// How much of a filter was read so far.
private final class FilterSize {
    let limits: Limits
    private var depth = 0
    private var conditions = 0

    init(_ limits: Limits) { self.limits = limits }

    func enter(at place: Int) throws {
        depth += 1
        guard depth <= Filter.Limit.depth else {
            throw Refusal(
                message: "filters nest at most \(Filter.Limit.depth) deep", offset: place,
                expected: "at most \(Filter.Limit.depth) filters within each other")
        }
    }

    func leave() { depth -= 1 }

    func addCondition(at place: Int) throws {
        conditions += 1
        guard conditions <= Filter.Limit.conditions else {
            throw Refusal(
                message: "a filter has at most \(Filter.Limit.conditions) conditions, at all depths together",
                offset: place, expected: "at most \(Filter.Limit.conditions) conditions")
        }
    }
}

extension JSONReader {
    /// `{"must", "should", "must_not", "min_should"}`.
    mutating func filter(_ limits: Limits) throws -> Filter {
        try filter(FilterSize(limits))
    }

    fileprivate mutating func filter(_ size: FilterSize) throws -> Filter {
        var members = try beginObject()
        var filter = Filter()
        while let key = try nextKey(&members) {
            guard try takeFilterPart(key, into: &filter, size) else { throw unknown(key) }
        }
        return filter
    }

    /// Reads the value of `key` if a filter has such a key.
    fileprivate mutating func takeFilterPart(
        _ key: borrowing JSONText, into filter: inout Filter, _ size: FilterSize
    ) throws -> Bool {
        guard key == "must" || key == "should" || key == "must_not" || key == "min_should" else {
            return false
        }
        try size.enter(at: key.offset)
        defer { size.leave() }
        switch key {
        case "must": filter.must = try conditions(size)
        case "should": filter.should = try conditions(size)
        case "must_not": filter.mustNot = try conditions(size)
        default: filter.minimumShould = try optional { try $0.minimumShould(size) } ?? nil
        }
        return true
    }

    /// An absent part is an empty one.
    private mutating func conditions(_ size: FilterSize) throws -> [Condition] {
        if try readNullIfPresent() { return [] }
        var elements = try beginArray()
        var conditions: [Condition] = []
        while try nextElement(&elements) { conditions.append(try condition(size)) }
        return conditions
    }

    /// `nil` when it has no conditions: an empty part does not restrict.
    private mutating func minimumShould(_ size: FilterSize) throws -> Filter.MinimumShould? {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var list: [Condition]?
        var count: Int?
        while let key = try nextKey(&members) {
            switch key {
            case "conditions": list = try optional { try $0.conditions(size) }
            case "min_count": count = try optional { try $0.readInt(in: 0...Int(Int32.max)) }
            default: throw unknown(key)
            }
        }
        guard let list else { throw Refusal.missing("conditions", in: start) }
        guard let count else { throw Refusal.missing("min_count", in: start) }
        return list.isEmpty ? nil : Filter.MinimumShould(conditions: list, minimumCount: count)
    }

    private mutating func condition(_ size: FilterSize) throws -> Condition {
        _ = try peekKind()
        let start = offset
        try size.addCondition(at: start)
        var members = try beginObject()
        var fields = ConditionFields()
        while let key = try nextKey(&members) { try fields.take(key, from: &self, size) }
        return try fields.condition(object: start)
    }

    /// Where in a payload something lies.
    mutating func fieldPath() throws -> FieldPath {
        let text = try readText()
        do {
            return try FieldPath(parsing: text.string)
        } catch {
            throw Refusal(
                message: error.message, offset: text.offset, expected: error.expected,
                got: error.got.map(shown))
        }
    }

    fileprivate mutating func matchValue() throws -> MatchValue {
        switch try peekKind() {
        case .string: return .string(try readBytes())
        case .bool: return .bool(try readBool())
        case .number: return .number(try exactNumber())
        case let other:
            throw JSONError(.wrongType(expected: "a string, a number or a boolean", got: other), at: offset)
        }
    }

    fileprivate mutating func exactNumber() throws -> ExactNumber {
        switch try readNumber() {
        case .signed(let value): ExactNumber(value)
        case .unsigned(let value): ExactNumber(value)
        case .double(let value): ExactNumber(value)
        }
    }
}

/// What a condition tests at a key.
private enum KeyTest {
    case matchAny([MatchValue])
    case matchExcept([MatchValue])
    case range(RangeTest)
    case words(WordTest)
    case geo(GeoShape)
    case valuesCount(RangeTest)

    func condition(_ path: FieldPath) -> Condition {
        switch self {
        case .matchAny(let values): .matchAny(path, values)
        case .matchExcept(let values): .matchExcept(path, values)
        case .range(let range): .range(path, range)
        case .words(let test): .words(path, test)
        case .geo(let shape): .geo(path, shape)
        case .valuesCount(let range): .valuesCount(path, range)
        }
    }
}

/// The keys of one condition, as they come: exactly one kind of condition must come out.
private struct ConditionFields {
    private var key: FieldPath?
    private var keyPlace = 0
    private var test: KeyTest?
    /// A condition that has no `key`.
    private var plain: Condition?
    private var filter = Filter()
    private var isFilter = false

    mutating func take(_ name: borrowing JSONText, from reader: inout JSONReader, _ size: FilterSize) throws {
        if try reader.takeFilterPart(name, into: &filter, size) {
            guard key == nil, test == nil, plain == nil else { throw Self.mixed(at: name.offset) }
            isFilter = true
            return
        }
        switch name {
        case "key":
            key = try reader.optional { try $0.fieldPath() }
            keyPlace = name.offset
        case "match": try set(try reader.optional { try $0.match(size.limits) }, at: name.offset)
        case "range": try set(try reader.optional { .range(try $0.range()) }, at: name.offset)
        case "values_count":
            try set(try reader.optional { .valuesCount(try $0.countRange()) }, at: name.offset)
        case "geo_radius": try set(try reader.optional { .geo(try $0.geoRadius()) }, at: name.offset)
        case "geo_box": try set(try reader.optional { .geo(try $0.geoBox()) }, at: name.offset)
        case "geo_polygon": try set(try reader.optional { .geo(try $0.geoPolygon()) }, at: name.offset)
        case "is_null": try set(try reader.optional { .isNull(try $0.fieldPath()) }, at: name.offset)
        case "is_empty": try set(try reader.optional { .isEmpty(try $0.fieldPath()) }, at: name.offset)
        case "has_id":
            try set(try reader.optional { .hasID(Set(try $0.pointIDs(size.limits))) }, at: name.offset)
        case "nested": try set(try reader.optional { try $0.nested(size) }, at: name.offset)
        default: throw reader.unknown(name)
        }
    }

    private mutating func set(_ test: KeyTest?, at place: Int) throws {
        guard let test else { return }
        guard self.test == nil, plain == nil, !isFilter else { throw Self.mixed(at: place) }
        self.test = test
    }

    private mutating func set(_ condition: Condition?, at place: Int) throws {
        guard let condition else { return }
        guard test == nil, plain == nil, !isFilter else { throw Self.mixed(at: place) }
        plain = condition
    }

    /// - Parameter object: where the condition begins.
    func condition(object: Int) throws -> Condition {
        if let test {
            guard let key else { throw Refusal.missing("key", in: object) }
            return test.condition(key)
        }
        if key != nil, plain != nil || isFilter { throw Self.mixed(at: keyPlace) }
        if key != nil {
            throw Refusal(
                message: "a condition with a \"key\" needs a test of it", offset: object,
                expected: "match, range, geo_radius, geo_box, geo_polygon or values_count")
        }
        // Without any key it is an empty filter, which matches all.
        return plain ?? .filter(filter)
    }

    private static func mixed(at place: Int) -> Refusal {
        Refusal(message: "a condition is one test, or one filter", offset: place)
    }
}

extension JSONReader {
    /// `match`: exactly one of `value`, `any`, `except`, `text`, `phrase` and `prefix`.
    fileprivate mutating func match(_ limits: Limits) throws -> KeyTest {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var test: KeyTest?
        while let key = try nextKey(&members) {
            let found: KeyTest?
            switch key {
            case "value": found = try optional { .matchAny([try $0.matchValue()]) }
            case "any": found = try optional { .matchAny(try $0.matchValues(limits)) }
            case "except": found = try optional { .matchExcept(try $0.matchValues(limits)) }
            case "text": found = try optional { try $0.words(.text) }
            case "phrase": found = try optional { try $0.words(.phrase) }
            case "prefix": found = try optional { try $0.words(.prefix) }
            default: throw unknown(key)
            }
            guard let found else { continue }
            guard test == nil else {
                throw Refusal(
                    message:
                        "exactly one of \"value\", \"any\", \"except\", \"text\", \"phrase\" and \"prefix\"",
                    offset: key.offset)
            }
            test = found
        }
        guard let test else {
            throw Refusal(
                message:
                    "one of \"value\", \"any\", \"except\", \"text\", \"phrase\" and \"prefix\" is missing",
                offset: start)
        }
        return test
    }

    private mutating func words(_ kind: WordTest.Kind) throws -> KeyTest {
        .words(WordTest(kind, Array(try boundedString(1...Filter.Limit.wordBytes).utf8)))
    }

    private mutating func matchValues(_ limits: Limits) throws -> [MatchValue] {
        try list(of: "values", limit: limits.batchPoints) { try $0.matchValue() }
    }

    /// `nested`: a key and the filter for the objects there.
    fileprivate mutating func nested(_ size: FilterSize) throws -> Condition {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var path: FieldPath?
        var inner: Filter?
        while let key = try nextKey(&members) {
            switch key {
            case "key": path = try optional { try $0.fieldPath() }
            case "filter": inner = try optional { try $0.filter(size) }
            default: throw unknown(key)
            }
        }
        guard let path else { throw Refusal.missing("key", in: start) }
        guard let inner else { throw Refusal.missing("filter", in: start) }
        return .nested(path, inner)
    }

    /// `values_count`: a range of numbers.
    fileprivate mutating func countRange() throws -> RangeTest {
        _ = try peekKind()
        let start = offset
        let range = try range()
        guard range.kind == .number else {
            throw Refusal(message: "a number of values is no date-time", offset: start, expected: "numbers")
        }
        return range
    }

    /// `range`: at least one bound; of two on one side the stricter counts.
    fileprivate mutating func range() throws -> RangeTest {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var bounds = RangeBounds()
        while let key = try nextKey(&members) {
            switch key {
            case "gt": try bounds.add(isLower: true, isInclusive: false, from: &self)
            case "gte": try bounds.add(isLower: true, isInclusive: true, from: &self)
            case "lt": try bounds.add(isLower: false, isInclusive: false, from: &self)
            case "lte": try bounds.add(isLower: false, isInclusive: true, from: &self)
            default: throw unknown(key)
            }
        }
        guard let kind = bounds.kind else {
            throw Refusal(
                message: "a range has at least one of \"gt\", \"gte\", \"lt\" and \"lte\"", offset: start)
        }
        return RangeTest(kind: kind, lower: bounds.lower, upper: bounds.upper)
    }
}

private struct RangeBounds {
    private(set) var kind: RangeTest.Kind?
    private(set) var lower: RangeTest.Bound?
    private(set) var upper: RangeTest.Bound?

    mutating func add(isLower: Bool, isInclusive: Bool, from reader: inout JSONReader) throws {
        if try reader.readNullIfPresent() { return }
        let place = reader.offset
        let (found, value) = try Self.bound(&reader)
        guard kind == nil || kind == found else {
            throw Refusal(message: "a range has numbers or date-times, not both", offset: place)
        }
        kind = found
        let bound = RangeTest.Bound(value: value, isInclusive: isInclusive)
        if isLower {
            if lower.map({ Self.isStricter(bound, than: $0, value > $0.value) }) ?? true { lower = bound }
        } else {
            if upper.map({ Self.isStricter(bound, than: $0, value < $0.value) }) ?? true { upper = bound }
        }
    }

    private static func isStricter(_ bound: RangeTest.Bound, than other: RangeTest.Bound, _ isInside: Bool)
        -> Bool
    {
        isInside || (bound.value == other.value && !bound.isInclusive)
    }

    private static func bound(_ reader: inout JSONReader) throws -> (RangeTest.Kind, ExactNumber) {
        switch try reader.peekKind() {
        case .number: return (.number, try reader.exactNumber())
        case .string:
            let text = try reader.readText()
            guard let moment = DateTime(text.string) else {
                throw Refusal(
                    message: "not a date-time", offset: text.offset,
                    expected: "an RFC 3339 date-time like 2026-11-21T08:15:00Z", got: shown(text.string))
            }
            return (.dateTime, moment.exactNumber)
        case let other:
            throw JSONError(.wrongType(expected: "a number or a date-time", got: other), at: reader.offset)
        }
    }
}
