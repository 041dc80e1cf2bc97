import NeedleCore

/// Documents whose fields hold everything that may be there, and filters that ask about it.
struct FilterGenerator {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    static let keys = ["k", "n", "t", "g", "o", "o[].x", "o.x", "\"o\"[].y[]", "k[]"]

    mutating func pick<Element>(_ choices: [Element]) -> Element {
        choices[Int.random(in: choices.indices, using: &random)]
    }

    private mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }

    // MARK: Documents

    mutating func document() -> JSONValue {
        var members: [JSONValue.Member] = []
        for key in ["k", "n", "t", "g"] where !chance(0.15) { members.append(.init(key, field(key))) }
        if chance(0.7) {
            members.append(
                .init(
                    "o",
                    chance(0.3)
                        ? object() : .array((0..<Int.random(in: 0...3, using: &random)).map { _ in object() })
                ))
        }
        return .object(members)
    }

    private mutating func object() -> JSONValue {
        if chance(0.1) { return field("k") }
        var members: [JSONValue.Member] = []
        for key in ["x", "y"] where chance(0.8) { members.append(.init(key, field(chance(0.5) ? "k" : "n"))) }
        return .object(members)
    }

    private mutating func field(_ key: String) -> JSONValue {
        if chance(0.25) { return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in value(key) }) }
        return value(key)
    }

    private mutating func value(_ key: String) -> JSONValue {
        if chance(0.06) { return .null }
        if chance(0.05) { return .array([value("k")]) }
        switch chance(0.12) ? pick(["k", "n", "t", "g"]) : key {
        case "n": return number()
        case "t": return .string(moment())
        case "g": return place()
        default: return scalar()
        }
    }

    mutating func scalar() -> JSONValue {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: .bool(Bool.random(using: &random))
        case 1, 2: number()
        default:
            .string(
                pick([
                    "red", "green", "blue", "", "caf\u{E9}", "cafe\u{301}", "a much longer word", "1", "true",
                ]))
        }
    }

    mutating func number() -> JSONValue {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: .number(.double(Double(Int.random(in: -8...8, using: &random)) / 4))
        case 1: .number(.unsigned(pick([.max, .max - 1, 1 << 63])))
        case 2: .number(.signed(pick([.min, .max, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1])))
        case 3:
            .number(
                .double(
                    pick([
                        1e300, -1e300, 9_007_199_254_740_992, Double.leastNonzeroMagnitude, -0.0,
                        18_446_744_073_709_551_616,
                    ])))
        default: .number(.signed(Int64.random(in: -5...12, using: &random)))
        }
    }

    mutating func moment() -> String {
        pick([
            "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2025-06-30T12:00:00.5Z",
            "1969-12-31T23:59:59Z",
            "2026-02-30T00:00:00Z", "2026-01-01", "2027-01-01T00:00:00Z",
        ])
    }

    private mutating func place() -> JSONValue {
        let point = geoPoint()
        switch Int.random(in: 0..<12, using: &random) {
        case 0: return .object([.init("lat", .number(.double(point.latitude)))])
        case 1: return .object([.init("lat", .number(.double(91))), .init("lon", .number(.double(0)))])
        default:
            return .object([
                .init("lon", .number(.double(point.longitude))),
                .init("lat", .number(.double(point.latitude))),
            ])
        }
    }

    mutating func geoPoint() -> GeoPoint {
        if chance(0.2) {
            return GeoPoint(
                latitude: pick([-90, 0, 45, 90]), longitude: pick([-180, -179.5, 0, 90, 179.5, 180]))
        }
        return GeoPoint(
            latitude: Double.random(in: -90...90, using: &random),
            longitude: Double.random(in: -180...180, using: &random))
    }

    // MARK: Filters

    mutating func filter(depth: Int = 0) -> Filter {
        var filter = Filter()
        for _ in 0..<Int.random(in: 0...2, using: &random) { filter.must.append(condition(depth)) }
        if chance(0.4) {
            for _ in 0..<Int.random(in: 1...3, using: &random) { filter.should.append(condition(depth)) }
        }
        if chance(0.3) { filter.mustNot.append(condition(depth)) }
        if chance(0.2) {
            filter.minimumShould = Filter.MinimumShould(
                conditions: (0..<Int.random(in: 1...4, using: &random)).map { _ in condition(depth) },
                minimumCount: Int.random(in: 0...3, using: &random))
        }
        return filter
    }

    private mutating func path() -> FieldPath {
        let text = pick(Self.keys + ["k", "n", "t", "g", "missing"])
        guard let path = try? FieldPath(parsing: text) else { preconditionFailure("a path of ours") }
        return path
    }

    mutating func condition(_ depth: Int) -> Condition {
        let path = path()
        switch Int.random(in: 0..<14, using: &random) {
        case 0, 1, 2: return .matchAny(path, matchValues(atLeast: 0))
        case 3, 4: return .matchExcept(path, matchValues(atLeast: 0))
        case 5, 6: return .range(path, range())
        case 7, 8: return .geo(path, shape())
        case 9: return .valuesCount(path, countRange())
        case 10:
            guard chance(0.7) else { return .isNull(path) }
            let text = pick(["red", "longer word", "much word", "CAFE", "lon", "2026", "T00", "!"])
            return .words(path, WordTest(pick(WordTest.Kind.allCases), Array(text.utf8)))
        case 11: return .isEmpty(path)
        case 12: return .hasID(Set((0..<20).map { _ in PointID(UInt64.random(in: 0...200, using: &random)) }))
        default:
            guard depth < 3 else { return .isEmpty(path) }
            if chance(0.5) { return .filter(filter(depth: depth + 1)) }
            let inner = chance(0.5) ? Condition.matchAny(x, matchValues(atLeast: 1)) : .isEmpty(x)
            return .nested(o, Filter(must: [inner], mustNot: chance(0.3) ? [condition(3)] : []))
        }
    }

    private let x: FieldPath = Self.known("x")
    private let o: FieldPath = Self.known("o")

    private static func known(_ text: String) -> FieldPath {
        guard let path = try? FieldPath(parsing: text) else { preconditionFailure("a path of ours") }
        return path
    }

    private mutating func matchValues(atLeast: Int) -> [MatchValue] {
        (0..<Int.random(in: atLeast...3, using: &random)).map { _ in
            if chance(0.15) { return .string(Array(moment().utf8)) }
            switch scalar() {
            case .bool(let flag): return .bool(flag)
            case .string(let text): return .string(Array(text.utf8))
            case .number(.signed(let value)): return .number(ExactNumber(value))
            case .number(.unsigned(let value)): return .number(ExactNumber(value))
            case .number(.double(let value)): return .number(ExactNumber(value))
            default: return .bool(true)
            }
        }
    }

    private mutating func bound(_ isMoment: Bool) -> RangeTest.Bound {
        var value = ExactNumber(Int64.random(in: -6...13, using: &random))
        if isMoment {
            value = DateTime(moment())?.exactNumber ?? value
        } else if chance(0.3), case .number(let number) = number() {
            switch number {
            case .signed(let exact): value = ExactNumber(exact)
            case .unsigned(let exact): value = ExactNumber(exact)
            case .double(let exact): value = ExactNumber(exact)
            }
        }
        return RangeTest.Bound(value: value, isInclusive: Bool.random(using: &random))
    }

    private mutating func range() -> RangeTest {
        let isMoment = chance(0.4)
        let hasLower = chance(0.7)
        return RangeTest(
            kind: isMoment ? .dateTime : .number, lower: hasLower ? bound(isMoment) : nil,
            upper: !hasLower || chance(0.5) ? bound(isMoment) : nil)
    }

    private mutating func countRange() -> RangeTest {
        let bound = RangeTest.Bound(
            value: ExactNumber(Int64.random(in: 0...3, using: &random)),
            isInclusive: Bool.random(using: &random))
        return chance(0.5)
            ? RangeTest(kind: .number, lower: bound, upper: nil)
            : RangeTest(kind: .number, lower: nil, upper: bound)
    }

    mutating func shape() -> GeoShape {
        switch Int.random(in: 0..<3, using: &random) {
        case 0:
            return .radius(
                center: geoPoint(),
                metres: pick([0, 1_000, 500_000, 3_000_000, 12_000_000, 20_015_000, 1e12]))
        case 1:
            let (a, b) = (geoPoint(), geoPoint())
            return .box(
                topLeft: GeoPoint(latitude: max(a.latitude, b.latitude), longitude: a.longitude),
                bottomRight: GeoPoint(latitude: min(a.latitude, b.latitude), longitude: b.longitude))
        default:
            while true {
                let rings = (0..<2).compactMap { _ in
                    GeoRing((0..<Int.random(in: 3...7, using: &random)).map { _ in geoPoint() })
                }
                if let exterior = rings.first {
                    return .polygon(exterior: exterior, interiors: Array(rings.dropFirst()))
                }
            }
        }
    }
}
