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
        (#"{"must":[{"key":"a","match":{"text":""}}]}"#, "filter.must[0].match.text"),
        (#"{"must":[{"key":"a","match":{"phrase":7}}]}"#, "filter.must[0].match.phrase"),
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

    @Test("Places, counts and objects")
    func placesCountsAndObjects() throws {
        let berlin = GeoPoint(latitude: 52.5, longitude: 13.4)
        #expect(
            try condition(#"{"key":"a","geo_radius":{"radius_m":0,"center":{"lon":13.4,"lat":52.5}}}"#)
                == .geo(try path("a"), .radius(center: berlin, metres: 0)))
        #expect(
            try condition(
                #"{"geo_box":{"top_left":{"lat":52.5,"lon":13.4},"bottom_right":{"lat":-90,"lon":-180}},"key":"a"}"#
            )
                == .geo(
                    try path("a"),
                    .box(topLeft: berlin, bottomRight: GeoPoint(latitude: -90, longitude: -180))))
        let corners = #"[{"lat":0,"lon":0},{"lat":0,"lon":1},{"lat":1,"lon":0},{"lat":0,"lon":0}]"#
        let ring = try #require(
            GeoRing([(0.0, 0.0), (0, 1), (1, 0)].map { GeoPoint(latitude: $0, longitude: $1) }))
        #expect(
            try condition(#"{"key":"a","geo_polygon":{"exterior":\#(corners),"interiors":[\#(corners)]}}"#)
                == .geo(try path("a"), .polygon(exterior: ring, interiors: [ring])))
        let bound = RangeTest.Bound(value: .unsigned(2), isInclusive: false)
        #expect(
            try condition(#"{"key":"a","values_count":{"lt":2}}"#)
                == .valuesCount(try path("a"), RangeTest(kind: .number, lower: nil, upper: bound)))
        for kind in WordTest.Kind.allCases {
            #expect(
                try condition(#"{"key":"a","match":{"\#(kind.rawValue)":"two words"}}"#)
                    == .words(try path("a"), WordTest(kind, Array("two words".utf8))))
        }
        #expect(
            try condition(#"{"nested":{"filter":{"must":[{"is_null":"b"}]},"key":"a[]"}}"#)
                == .nested(try path("a[]"), Filter(must: [.isNull(try path("b"))])))
    }

    private static let place = #"{"lat":1,"lon":1}"#

    @Test(
        "Places, counts and objects refused with their place",
        arguments: [
            (
                #"{"key":"a","geo_radius":{"center":{"lat":91,"lon":1},"radius_m":5}}"#,
                "geo_radius.center.lat"
            ),
            (
                #"{"key":"a","geo_radius":{"center":{"lat":1,"lon":-180.5},"radius_m":5}}"#,
                "geo_radius.center.lon"
            ),
            (#"{"key":"a","geo_radius":{"center":{"lat":1},"radius_m":5}}"#, "geo_radius.center.lon"),
            (#"{"key":"a","geo_radius":{"center":\#(place),"radius_m":-1}}"#, "geo_radius.radius_m"),
            (#"{"key":"a","geo_radius":{"center":\#(place)}}"#, "geo_radius.radius_m"),
            (#"{"key":"a","geo_radius":{"radius_m":1}}"#, "geo_radius.center"),
            (#"{"key":"a","geo_radius":{"centre":1}}"#, "geo_radius.centre"),
            (#"{"geo_radius":{"center":\#(place),"radius_m":1}}"#, "key"),
            (#"{"key":"a","geo_box":{"top_left":\#(place)}}"#, "geo_box.bottom_right"),
            (#"{"key":"a","geo_box":{"top_left":\#(place),"bottom_right":{"lat":2,"lon":1}}}"#, "geo_box"),
            (#"{"key":"a","geo_polygon":{"exterior":[\#(place),\#(place)]}}"#, "geo_polygon.exterior"),
            (#"{"key":"a","geo_polygon":{"interiors":[]}}"#, "geo_polygon.exterior"),
            (
                #"{"key":"a","geo_polygon":{"exterior":[{"lat":80,"lon":0},{"lat":80,"lon":120},{"lat":80,"lon":-120}]}}"#,
                "geo_polygon.exterior"
            ),
            (#"{"key":"a","values_count":{}}"#, "values_count"),
            (#"{"key":"a","values_count":{"gt":"2026-11-21T08:15:00Z"}}"#, "values_count"),
            (#"{"nested":{"key":"a"}}"#, "nested.filter"), (#"{"nested":{"filter":{}}}"#, "nested.key"),
            (#"{"nested":{"key":"a","filter":{"must":[{"oops":1}]}}}"#, "nested.filter.must[0].oops"),
            (#"{"key":"b","nested":{"key":"a","filter":{}}}"#, "key"),
        ])
    func refusedPlaces(json: String, at: String) throws {
        let params = #"{"collection":"c","filter":{"must":[\#(json)]}}"#
        try Refused("point.count", params, "filter.must[0].\(at)").check()
    }

    @Test("Filters have a limit in depth and in conditions, and the place where it is passed")
    func limits() throws {
        func nested(_ count: Int) -> String {
            #"{"collection":"c","filter":\#(String(repeating: #"{"must":["#, count: count))"#
                + String(repeating: "]}", count: count) + "}"
        }
        _ = try request(line("point.count", nested(Filter.Limit.depth)))
        try Refused(
            "point.count", nested(Filter.Limit.depth + 1),
            "filter" + String(repeating: ".must[0]", count: Filter.Limit.depth) + ".must"
        ).check()
        #expect(refusal(of: line("point.count", nested(32)))?.error.kind == .parseError)
        func wide(_ count: Int) -> String {
            let list = [String](repeating: #"{"is_null":"a"}"#, count: count).joined(separator: ",")
            return #"{"collection":"c","filter":{"must":[{"should":[\#(list)]}]}}"#
        }
        _ = try request(line("point.count", wide(Filter.Limit.conditions - 1)))
        try Refused(
            "point.count", wide(Filter.Limit.conditions),
            "filter.must[0].should[\(Filter.Limit.conditions - 1)]"
        ).check()
        let many = [String](repeating: Self.place, count: Filter.Limit.vertices + 1).joined(separator: ",")
        try Refused(
            "point.count",
            #"{"collection":"c","filter":{"must":[{"key":"a","geo_polygon":{"exterior":[\#(many)]}}]}}"#,
            "filter.must[0].geo_polygon.exterior"
        ).check()
    }
}
