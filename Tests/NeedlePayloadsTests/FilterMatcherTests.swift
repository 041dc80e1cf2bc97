import NeedleCore
import NeedlePayloads
import Testing

@Suite struct FilterMatcherTests {
    private let payload = #"""
        {"name":"gimp","size":5,"ratio":1.0,"free":true,"none":null,"empty":[],"tags":["image","photo"],
        "maker":{"name":"GNU","sites":[{"url":"a"},{"url":"b"}]},"when":"2026-01-01T00:00:00Z","big":9007199254740993,
        "caf\u00e9":"x","a.b":7,"grid":[[1,2],[3]]}
        """#

    private func holds(_ condition: Condition, id: PointID? = nil, in text: String? = nil) throws -> Bool {
        try FilterMatcher(Filter(must: [condition])).matches(
            payload: Array((text ?? payload).utf8).span, id: id)
    }

    private func path(_ text: String) throws -> FieldPath { try FieldPath(parsing: text) }

    private func string(_ text: String) -> MatchValue { .string(Array(text.utf8)) }

    @Test func matchComparesByValueAndType() throws {
        #expect(try holds(.matchAny(path("name"), [string("gimp")])))
        #expect(try !holds(.matchAny(path("name"), [string("Gimp")])))
        #expect(try holds(.matchAny(path("ratio"), [.number(ExactNumber(1 as Int64))])))
        #expect(try holds(.matchAny(path("size"), [.number(ExactNumber(5.0))])))
        #expect(try !holds(.matchAny(path("free"), [.number(ExactNumber(1 as Int64))])))
        #expect(try holds(.matchAny(path("free"), [.bool(true)])))
        #expect(try !holds(.matchAny(path("size"), [string("5")])))
        #expect(try holds(.matchAny(path("big"), [.number(ExactNumber(9_007_199_254_740_993 as UInt64))])))
        #expect(try !holds(.matchAny(path("big"), [.number(ExactNumber(9_007_199_254_740_992.0))])))
    }

    @Test func arraysGiveEachMember() throws {
        #expect(try holds(.matchAny(path("tags"), [string("photo")])))
        #expect(try !holds(.matchAny(path("tags"), [string("text")])))
        #expect(try holds(.matchAny(path("maker.sites[].url"), [string("b")])))
        #expect(try !holds(.matchAny(path("maker.sites.url"), [string("b")])))
        #expect(try holds(.matchAny(path("grid[]"), [.number(ExactNumber(3 as Int64))])))
        #expect(try holds(.matchAny(path("maker.name"), [string("GNU"), string("KDE")])))
    }

    @Test func keysAreBytesAfterEscapes() throws {
        #expect(try holds(.matchAny(path("caf\u{E9}"), [string("x")])))
        #expect(try !holds(.matchAny(path("cafe\u{301}"), [string("x")])))
        #expect(try holds(.matchAny(path("\"a.b\""), [.number(ExactNumber(7 as Int64))])))
    }

    @Test func exceptNeedsAValueOfItsOwn() throws {
        #expect(try holds(.matchExcept(path("tags"), [string("image")])))
        #expect(try !holds(.matchExcept(path("tags"), [string("image"), string("photo")])))
        #expect(try !holds(.matchExcept(path("missing"), [string("image")])))
        #expect(try !holds(.matchExcept(path("none"), [string("image")])))
        #expect(try !holds(.matchExcept(path("empty"), [string("image")])))
    }

    @Test func ranges() throws {
        func range(_ key: String, _ lower: Double?, _ upper: Double?, inclusive: Bool = true) throws -> Bool {
            let bound = { (value: Double) in
                RangeTest.Bound(value: ExactNumber(value), isInclusive: inclusive)
            }
            return try holds(
                .range(path(key), RangeTest(kind: .number, lower: lower.map(bound), upper: upper.map(bound))))
        }
        #expect(try range("size", 5, nil))
        #expect(try !range("size", 5, nil, inclusive: false))
        #expect(try range("size", nil, 5))
        #expect(try !range("size", 5.5, 6))
        #expect(try !range("name", 0, 10))
        #expect(try !range("missing", 0, 10))
        #expect(try range("grid[]", 3, 3))
    }

    @Test func rangesOfMoments() throws {
        let moment = { (text: String) throws in
            RangeTest.Bound(value: try #require(DateTime(text)).exactNumber, isInclusive: true)
        }
        let year = RangeTest(
            kind: .dateTime, lower: try moment("2025-12-31T23:00:00-01:00"),
            upper: try moment("2026-12-31T00:00:00Z"))
        #expect(try holds(.range(path("when"), year)))
        #expect(try !holds(.range(path("name"), year)))
        let later = RangeTest(kind: .dateTime, lower: try moment("2026-01-01T00:00:01Z"), upper: nil)
        #expect(try !holds(.range(path("when"), later)))
    }

    @Test func nullEmptyAndMissing() throws {
        #expect(try holds(.isNull(path("none"))))
        #expect(try !holds(.isNull(path("missing"))))
        #expect(try holds(.isEmpty(path("missing"))))
        #expect(try holds(.isEmpty(path("none"))))
        #expect(try holds(.isEmpty(path("empty"))))
        #expect(try !holds(.isEmpty(path("tags"))))
        #expect(try holds(.isEmpty(path("maker.missing"))))
    }

    @Test func ids() throws {
        #expect(try holds(.hasID([PointID(1), PointID("a")]), id: PointID("a")))
        #expect(try !holds(.hasID([PointID(1)]), id: PointID("1")))
        #expect(FilterMatcher(Filter(must: [.hasID([])])).asksForID)
    }

    @Test func partsCombine() throws {
        let yes = Condition.matchAny(try path("name"), [string("gimp")])
        let no = Condition.matchAny(try path("name"), [string("krita")])
        func matches(_ filter: Filter) throws -> Bool {
            try FilterMatcher(filter).matches(payload: Array(payload.utf8).span, id: nil)
        }
        #expect(try matches(Filter()))
        #expect(try matches(Filter(must: [yes], should: [no, yes], mustNot: [no])))
        #expect(try !matches(Filter(should: [no])))
        #expect(try !matches(Filter(mustNot: [yes])))
        #expect(try matches(Filter(minimumShould: .init(conditions: [yes, no, yes], minimumCount: 2))))
        #expect(try !matches(Filter(minimumShould: .init(conditions: [yes, no, no], minimumCount: 2))))
        #expect(try matches(Filter(must: [.filter(Filter(mustNot: [.filter(Filter(must: [no]))]))])))
    }

    @Test func conditionsAtAnyDepthCount() throws {
        let condition = Condition.isNull(try path("a"))
        #expect(Filter().holdsNoCondition)
        #expect(Filter(must: [.filter(Filter(should: []))]).holdsNoCondition)
        #expect(!Filter(must: [.filter(Filter(mustNot: [condition]))]).holdsNoCondition)
        #expect(!Filter(minimumShould: .init(conditions: [condition], minimumCount: 1)).holdsNoCondition)
    }

    @Test func aDamagedPayloadIsAnError() throws {
        #expect(throws: JSONError.self) { _ = try holds(.isNull(path("a")), in: "{\"b\":") }
    }
}
