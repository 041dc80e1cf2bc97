// Filters as users write them. The client checks nothing but their shape: the server names the place of a
// mistake.

/// Which points an operation is about, by their payload and id.
///
/// All of `must`, at least one of `should` (if there are any) and none of `mustNot` hold. Absent or empty
/// parts do not restrict. Filters nest through ``Condition/filter(_:)``, and combine with `&&`, `||` and `!`:
///
/// ```swift
/// let filter = Filter(must: [.match("section", "graphics"), .range("size", lessThan: 1_000_000)])
/// let other: Filter = .match("section", "graphics") && !.match("tags", any: ["x11", "wayland"])
/// ```
public struct Filter: Hashable, Sendable {
    /// Conditions that all hold.
    public var must: [Condition]
    /// Conditions of which at least one holds.
    public var should: [Condition]
    /// Conditions of which none holds.
    public var mustNot: [Condition]
    /// Conditions of which at least a given number hold.
    public var minimumShould: MinimumShould?

    /// At least ``minimumCount`` of the conditions hold.
    public struct MinimumShould: Hashable, Sendable {
        /// The conditions.
        public var conditions: [Condition]
        /// How many of them must hold.
        public var minimumCount: Int

        /// At least `minimumCount` of `conditions`.
        public init(conditions: [Condition], minimumCount: Int) {
            self.conditions = conditions
            self.minimumCount = minimumCount
        }
    }

    private var text: JSONObject?

    /// A filter from its parts.
    public init(
        must: [Condition] = [], should: [Condition] = [], mustNot: [Condition] = [],
        minimumShould: MinimumShould? = nil
    ) {
        self.must = must
        self.should = should
        self.mustNot = mustNot
        self.minimumShould = minimumShould
    }

    /// A filter from protocol text, for example `{"must":[{"key":"section","match":{"value":"graphics"}}]}`;
    /// a single condition is accepted too. Its parts are not taken apart: `must` and the others stay empty.
    ///
    /// - Throws: ``NeedletailError`` of kind `invalidArgument` unless the text is a JSON object.
    public init(json: String) throws(NeedletailError) {
        guard case .object(let object) = try JSONValue(parsing: json) else {
            throw NeedletailError(.invalidArgument, "a filter is a JSON object", at: "filter")
        }
        self.init()
        let parts = ["must", "should", "must_not", "min_should"]
        if object.isEmpty || object.members.contains(where: { parts.contains($0.key) }) {
            text = object
        } else {
            must = [Condition(json: object)]
        }
    }

    /// The filter as the protocol writes it.
    public var json: JSONObject {
        if let text { return text }
        var object = JSONObject()
        if !must.isEmpty { object["must"] = Self.list(must) }
        if !should.isEmpty { object["should"] = Self.list(should) }
        if !mustNot.isEmpty { object["must_not"] = Self.list(mustNot) }
        if let minimumShould {
            object["min_should"] = [
                "conditions": Self.list(minimumShould.conditions),
                "min_count": .integer(Int64(minimumShould.minimumCount)),
            ]
        }
        return object
    }

    private static func list(_ conditions: [Condition]) -> JSONValue {
        .array(conditions.map { .object($0.json) })
    }
}

/// One test of a point's payload or id.
///
/// Keys are paths: `a.b[].c` reaches into objects and array members; a segment in double quotes may contain
/// dots. A condition holds when at least one value at its key satisfies it.
public struct Condition: Hashable, Sendable {
    /// The condition as the protocol writes it.
    public let json: JSONObject

    /// A condition from protocol form, for those that have no builder here.
    public init(json: JSONObject) {
        self.json = json
    }

    private init(_ key: String, _ test: String, _ value: JSONValue) {
        json = ["key": .string(key), test: value]
    }

    /// A value at the key equals `value`; integers and floats compare by value.
    public static func match(_ key: String, _ value: JSONValue) -> Condition {
        Condition(key, "match", ["value": value])
    }

    /// A value at the key is one of these.
    public static func match(_ key: String, any values: [JSONValue]) -> Condition {
        Condition(key, "match", ["any": .array(values)])
    }

    /// A value at the key is none of these.
    public static func match(_ key: String, except values: [JSONValue]) -> Condition {
        Condition(key, "match", ["except": .array(values)])
    }

    /// A value at the key lies in the range: numbers, or RFC 3339 date-times as strings. At least one bound.
    public static func range(
        _ key: String, greaterThan: JSONValue? = nil, atLeast: JSONValue? = nil, lessThan: JSONValue? = nil,
        atMost: JSONValue? = nil
    ) -> Condition {
        var bounds = JSONObject()
        bounds["gt"] = greaterThan
        bounds["gte"] = atLeast
        bounds["lt"] = lessThan
        bounds["lte"] = atMost
        return Condition(key, "range", .object(bounds))
    }

    /// A value at the key is `null`.
    public static func isNull(_ key: String) -> Condition {
        Condition(json: ["is_null": .string(key)])
    }

    /// The key is missing, `null` or `[]`.
    public static func isEmpty(_ key: String) -> Condition {
        Condition(json: ["is_empty": .string(key)])
    }

    /// The point's id is one of these.
    public static func hasID(_ ids: [PointID]) -> Condition {
        Condition(json: ["has_id": .array(ids.map(\.jsonValue))])
    }

    /// At least one text at the key has all these words, in any order.
    public static func match(_ key: String, text: String) -> Condition {
        Condition(key, "match", ["text": .string(text)])
    }

    /// A place at the key, an object with the numbers `lat` and `lon`, is at most so many metres away.
    public static func geoRadius(
        _ key: String, latitude: Double, longitude: Double, metres: Double
    ) -> Condition {
        Condition(
            key, "geo_radius",
            ["center": ["lat": .double(latitude), "lon": .double(longitude)], "radius_m": .double(metres)])
    }

    /// The number of values at the key lies in the range. At least one bound.
    public static func valuesCount(_ key: String, atLeast: Int? = nil, atMost: Int? = nil) -> Condition {
        var bounds = JSONObject()
        bounds["gte"] = atLeast.map { .integer(Int64($0)) }
        bounds["lte"] = atMost.map { .integer(Int64($0)) }
        return Condition(key, "values_count", .object(bounds))
    }

    /// The filter holds for at least one object at the key; its keys name members of that object.
    public static func nested(_ key: String, _ filter: Filter) -> Condition {
        Condition(json: ["nested": ["key": .string(key), "filter": .object(filter.json)]])
    }

    /// A nested filter holds.
    public static func filter(_ filter: Filter) -> Condition {
        Condition(json: filter.json)
    }
}

extension PointID {
    var jsonValue: JSONValue {
        switch storage {
        case .integer(let value): Int64(exactly: value).map(JSONValue.integer) ?? .unsigned(value)
        case .string(let bytes): .string(String(decoding: bytes, as: UTF8.self))
        }
    }
}

extension Filter {
    /// A value at the key equals `value`.
    public static func match(_ key: String, _ value: JSONValue) -> Filter {
        Filter(must: [.match(key, value)])
    }

    /// A value at the key is one of these.
    public static func match(_ key: String, any values: [JSONValue]) -> Filter {
        Filter(must: [.match(key, any: values)])
    }

    /// A value at the key lies in the range.
    public static func range(
        _ key: String, greaterThan: JSONValue? = nil, atLeast: JSONValue? = nil, lessThan: JSONValue? = nil,
        atMost: JSONValue? = nil
    ) -> Filter {
        let condition = Condition.range(
            key, greaterThan: greaterThan, atLeast: atLeast, lessThan: lessThan, atMost: atMost)
        return Filter(must: [condition])
    }

    /// Both hold.
    public static func && (left: Filter, right: Filter) -> Filter {
        Filter(must: [.filter(left), .filter(right)])
    }

    /// At least one holds.
    public static func || (left: Filter, right: Filter) -> Filter {
        Filter(should: [.filter(left), .filter(right)])
    }

    /// The filter does not hold.
    public static prefix func ! (filter: Filter) -> Filter {
        Filter(mustNot: [.filter(filter)])
    }
}
