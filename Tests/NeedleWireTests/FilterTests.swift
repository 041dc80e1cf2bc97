import NeedleCore
import NeedleWire
import Testing

@Suite("Filters")
struct FilterTests {
    private func filter(_ json: String) throws -> Filter {
        guard
            case .countPoints(let count) = try request(
                line("point.count", #"{"collection":"c","filter":\#(json)}"#), limits: Limits()
            ).call
        else { throw NoRequest() }
        return try #require(count.filter)
    }

    private func condition(_ json: String) throws -> Condition {
        try #require(try filter(#"{"must":[\#(json)]}"#).must.first)
    }

    private func path(_ text: String) throws -> FieldPath { try FieldPath(parsing: text) }

    @Test("Parts, absent and empty ones, and nesting")
    func parts() throws {
        #expect(try filter("{}") == Filter())
        #expect(try filter(#"{"must":[],"should":null,"must_not":[],"min_should":null}"#) == Filter())
        let null = Condition.isNull(try path("a"))
        #expect(
            try filter(
                #"{"must":[{"is_null":"a"}],"should":[{"must_not":[{"is_null":"a"}]},{}],"min_should":{"min_count":2,"conditions":[{"is_null":"a"},{"is_null":"a"}]}}"#
            )
                == Filter(
                    must: [null], should: [.filter(Filter(mustNot: [null])), .filter(Filter())],
                    minimumShould: Filter.MinimumShould(conditions: [null, null], minimumCount: 2)))
        #expect(try filter(#"{"min_should":{"conditions":[],"min_count":3}}"#) == Filter(), "an empty part")
    }

    @Test("Conditions, their keys in any order")
    func conditions() throws {
        #expect(
            try condition(#"{"match":{"value":"x"},"key":"a.\"b.c\"[].d"}"#)
                == .matchAny(try path(#"a."b.c"[].d"#), [.string([0x78])]))
        #expect(
            try condition(
                #"{"key":"a","match":{"any":[1,-1,1.0,2.5,18446744073709551615,true,"é"],"value":null}}"#)
                == .matchAny(
                    try path("a"),
                    [
                        .number(.unsigned(1)), .number(.negative(-1)), .number(.unsigned(1)),
                        .number(.double(2.5)),
                        .number(.unsigned(.max)), .bool(true), .string(Array("é".utf8)),
                    ]))
        #expect(try condition(#"{"key":"a","match":{"except":[]}}"#) == .matchExcept(try path("a"), []))
        #expect(try condition(#"{"is_empty":"a","key":null}"#) == .isEmpty(try path("a")))
        #expect(try condition(#"{"has_id":[1,"1",1]}"#) == .hasID([.integer(1), .string([0x31])]))
    }

    @Test("Ranges of numbers and of moments")
    func ranges() throws {
        func range(_ json: String) throws -> RangeTest {
            guard case .range(_, let range) = try condition(#"{"key":"a","range":\#(json)}"#) else {
                throw NoRequest()
            }
            return range
        }
        func bound(_ value: ExactNumber, _ isInclusive: Bool) -> RangeTest.Bound {
            RangeTest.Bound(value: value, isInclusive: isInclusive)
        }
        #expect(
            try range(#"{"gt":1,"lte":2.5}"#)
                == RangeTest(
                    kind: .number, lower: bound(.unsigned(1), false), upper: bound(.double(2.5), true)))
        #expect(try range(#"{"gte":-5,"lt":null}"#).upper == nil)
        // Of two bounds on one side the stricter counts.
        #expect(try range(#"{"gt":1,"gte":1}"#).lower == bound(.unsigned(1), false))
        #expect(try range(#"{"gte":1,"gt":1}"#).lower == bound(.unsigned(1), false))
        #expect(try range(#"{"gt":1,"gte":2}"#).lower == bound(.unsigned(2), true))
        #expect(try range(#"{"lt":7,"lte":6}"#).upper == bound(.unsigned(6), true))
        #expect(try range(#"{"lte":7,"lt":7}"#).upper == bound(.unsigned(7), false))
        let moment = try range(#"{"gte":"1970-01-01T00:00:01Z","lt":"2026-11-21T08:15:00.25+01:00"}"#)
        #expect(moment.kind == .dateTime)
        #expect(moment.lower == bound(.unsigned(1_000_000), true))
        #expect(moment.upper?.value == DateTime("2026-11-21T07:15:00.25Z")?.exactNumber)
    }

    static let wrong: [(String, String)] = [
        (#"[]"#, "filter"),
        (#"{"key":"a","match":{"value":1}}"#, "filter.key"),
        (#"{"must":{}}"#, "filter.must"),
        (#"{"must":[1]}"#, "filter.must[0]"),
        (#"{"must":[{"is_null":"a"},{"is_null":7}]}"#, "filter.must[1].is_null"),
        (#"{"must":[{"is_null":""}]}"#, "filter.must[0].is_null"),
        (#"{"must":[{"is_null":"a..b"}]}"#, "filter.must[0].is_null"),
        (#"{"must":[{"is_null":"\"a"}]}"#, "filter.must[0].is_null"),
        (#"{"must":[{"key":"a"}]}"#, "filter.must[0]"),
        (#"{"must":[{"match":{"value":1}}]}"#, "filter.must[0].key"),
        (#"{"must":[{"key":"a","match":{"value":1},"range":{"gt":1}}]}"#, "filter.must[0].range"),
        (#"{"must":[{"key":"a","is_null":"b"}]}"#, "filter.must[0].key"),
        (#"{"must":[{"is_null":"b","has_id":[1]}]}"#, "filter.must[0].has_id"),
        (#"{"must":[{"must":[],"has_id":[1]}]}"#, "filter.must[0].has_id"),
        (#"{"must":[{"has_id":[1],"must":[]}]}"#, "filter.must[0].must"),
        (#"{"must":[{"must":[],"key":"a"}]}"#, "filter.must[0].key"),
        (#"{"must":[{"field":"a"}]}"#, "filter.must[0].field"),
        (#"{"must":[{"key":"a","match":{}}]}"#, "filter.must[0].match"),
        (#"{"must":[{"key":"a","match":{"value":null}}]}"#, "filter.must[0].match"),
        (#"{"must":[{"key":"a","match":{"value":[1]}}]}"#, "filter.must[0].match.value"),
        (#"{"must":[{"key":"a","match":{"value":1e999}}]}"#, "filter.must[0].match.value"),
        (#"{"must":[{"key":"a","match":{"any":[1,null]}}]}"#, "filter.must[0].match.any[1]"),
        (#"{"must":[{"key":"a","match":{"any":1}}]}"#, "filter.must[0].match.any"),
        (#"{"must":[{"key":"a","match":{"any":[1],"value":1}}]}"#, "filter.must[0].match.value"),
        (#"{"must":[{"key":"a","match":{"regex":"x"}}]}"#, "filter.must[0].match.regex"),
        (#"{"must":[{"key":"a","range":{}}]}"#, "filter.must[0].range"),
        (#"{"must":[{"key":"a","range":{"gt":null}}]}"#, "filter.must[0].range"),
        (#"{"must":[{"key":"a","range":{"from":1}}]}"#, "filter.must[0].range.from"),
        (#"{"must":[{"key":"a","range":{"gt":true}}]}"#, "filter.must[0].range.gt"),
        (#"{"must":[{"key":"a","range":{"gt":1,"lt":"2026-11-21T08:15:00Z"}}]}"#, "filter.must[0].range.lt"),
        (#"{"must":[{"key":"a","range":{"gt":"2026-11-21"}}]}"#, "filter.must[0].range.gt"),
        (#"{"must":[{"key":"a","range":{"gt":"2026-02-29T00:00:00Z"}}]}"#, "filter.must[0].range.gt"),
        (#"{"must":[{"has_id":[1,""]}]}"#, "filter.must[0].has_id[1]"),
        (#"{"must":[{"has_id":7}]}"#, "filter.must[0].has_id"),
        (#"{"min_should":{"conditions":[]}}"#, "filter.min_should.min_count"),
        (#"{"min_should":{"min_count":1}}"#, "filter.min_should.conditions"),
        (#"{"min_should":{"conditions":[{}],"min_count":-1}}"#, "filter.min_should.min_count"),
        (
            #"{"min_should":{"conditions":[{"is_null":5}],"min_count":1}}"#,
            "filter.min_should.conditions[0].is_null"
        ),
        (
            #"{"should":[{"must_not":[{"should":[{"oops":1}]}]}]}"#,
            "filter.should[0].must_not[0].should[0].oops"
        ),
        (#"{"must":[],"must":[]}"#, "filter.must"),
    ]

    @Test("Refused with their place", arguments: wrong)
    func refused(json: String, at: String) throws {
        try Refused("point.count", #"{"collection":"c","filter":\#(json)}"#, at).check()
    }

    @Test("More values or ids than a batch may have")
    func long() throws {
        let six = "[1,2,3,4,5,6]"
        try Refused(
            "point.count", #"{"collection":"c","filter":{"must":[{"has_id":\#(six)}]}}"#,
            "filter.must[0].has_id",
            .limitExceeded
        ).check()
        try Refused(
            "point.count", #"{"collection":"c","filter":{"must":[{"key":"a","match":{"any":\#(six)}}]}}"#,
            "filter.must[0].match.any", .limitExceeded
        ).check()
    }

    @Test(
        "Conditions of later versions are refused by name",
        arguments: [
            (#"{"key":"a","match":{"text":"x"}}"#, "match.text"),
            (#"{"key":"a","match":{"phrase":"x"}}"#, "match.phrase"),
            (#"{"key":"a","match":{"prefix":"x"}}"#, "match.prefix"),
            (#"{"key":"a","geo_radius":{"center":{"lat":1,"lon":1},"radius_m":5}}"#, "geo_radius"),
            (#"{"key":"a","geo_box":{}}"#, "geo_box"), (#"{"key":"a","geo_polygon":{}}"#, "geo_polygon"),
            (#"{"key":"a","values_count":{"gt":1}}"#, "values_count"),
            (#"{"nested":{"key":"a","filter":{}}}"#, "nested"),
        ])
    func later(json: String, at: String) throws {
        let params = #"{"collection":"c","filter":{"must":[\#(json)]}}"#
        try Refused("point.count", params, "filter.must[0].\(at)").check()
        let message = refusal(of: line("point.count", params))?.error.message
        #expect(message?.contains("not supported by this version") == true)
    }

    @Test("Filters may be as deep as the line, and no deeper")
    func depth() throws {
        func nested(_ count: Int) -> String {
            let open = String(repeating: #"{"must":["#, count: count)
            return line(
                "point.count",
                #"{"collection":"c","filter":\#(open + String(repeating: "]}", count: count))}"#)
        }
        _ = try request(nested(31))
        #expect(refusal(of: nested(32))?.error.kind == .parseError)
    }
}
