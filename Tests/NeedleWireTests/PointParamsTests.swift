import NeedleCore
import NeedleWire
import Testing

@Suite("Params of point.upsert, get, delete, count and scroll")
struct PointParamsTests {
    private func upsert(_ params: String) throws -> UpsertPoints {
        guard case .upsertPoints(let upsert) = try request(line("point.upsert", params)).call else {
            throw NoRequest()
        }
        return upsert
    }

    @Test("Points in all their forms")
    func points() throws {
        let upsert = try upsert(
            #"""
            {"collection":"c","if_absent":true,"model":"m","op_key":"k","points":[
             {"id":18446744073709551615,"vector":[1,-0.5,1e-3],"payload":{ "b" : [1.50 , "é\u0041"], "a":{} },"if_version":0,"expires_at":1800000000000},
             {"id":"a/b","vectors":{"title":"AACAPwAAAEA=","body":[3],"none":null}},
             {"text":"words","id":0,"payload":null,"vector":null}]}
            """#)
        #expect(upsert.collection == "c" && upsert.ifAbsent && upsert.model == "m" && upsert.opKey == "k")
        #expect(upsert.points.map(\.id) == [.integer(.max), .string(Array("a/b".utf8)), .integer(0)])
        #expect(upsert.points[0].vectors == .single([1, -0.5, 1e-3]))
        #expect(text(upsert.points[0].payload.json) == #"{"b":[1.50,"é\u0041"],"a":{}}"#)
        #expect(upsert.points[0].ifVersion == .zero)
        #expect(upsert.points[0].expiresAt == 1_800_000_000_000)
        #expect(
            upsert.points[1].vectors
                == .named([
                    NamedVector(space: "title", vector: [1, 2]), NamedVector(space: "body", vector: [3]),
                ]))
        #expect(upsert.points[2].vectors == .absent && upsert.points[2].text == "words")
        #expect(upsert.points[2].payload == .empty)
    }

    @Test("Vectors arrive bit for bit")
    func exactVectors() throws {
        let values: [Float] = [
            0.1, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1 / 3, -1e-20, 16_777_216,
        ]
        var base64: [UInt8] = []
        Base64.encode(values.span, into: &base64)
        let array = values.map(\.description).joined(separator: ",")
        for vector in ["[\(array)]", "\"\(text(base64))\""] {
            let point = try upsert(#"{"collection":"c","points":[{"id":1,"vector":\#(vector)}]}"#).points[0]
            guard case .single(let read) = point.vectors else { throw NoRequest() }
            #expect(read.map(\.bitPattern) == values.map(\.bitPattern))
        }
    }

    /// An upsert of two points, of which the second is this.
    private static func second(
        _ point: String, _ at: String?, _ kind: ErrorKind = .invalidParams
    ) -> Refused {
        Refused(
            "point.upsert", #"{"collection":"c","points":[{"id":1,"vector":[1]},\#(point)]}"#,
            at.map { $0.isEmpty ? "points[1]" : "points[1].\($0)" }, kind)
    }

    static let refusedPoints: [Refused] = [
        second("7", ""),
        second("{}", "id"),
        second(#"{"id":null,"vector":[1]}"#, "id"),
        second(#"{"id":-1,"vector":[1]}"#, "id"),
        second(#"{"id":18446744073709551616,"vector":[1]}"#, "id"),
        second(#"{"id":1.0,"vector":[1]}"#, "id"),
        second(#"{"id":"","vector":[1]}"#, "id"),
        second(#"{"id":"\#(String(repeating: "x", count: 513))","vector":[1]}"#, "id"),
        second(#"{"id":[1],"vector":[1]}"#, "id"),
        second(#"{"id":2}"#, ""),
        second(#"{"id":2,"payload":{}}"#, ""),
        second(#"{"id":2,"vector":[1],"vectors":{"a":[1]}}"#, "vectors"),
        second(#"{"id":2,"vectors":{"a":[1]},"vector":[1]}"#, "vector"),
        second(#"{"id":2,"vectors":{}}"#, "vectors"),
        second(#"{"id":2,"vectors":{"a":null}}"#, "vectors"),
        second(#"{"id":2,"vectors":[1]}"#, "vectors"),
        second(#"{"id":2,"vectors":{"a":[1],"a":[1]}}"#, "vectors.a"),
        second(#"{"id":2,"vectors":{"a.b":[true]}}"#, #"vectors."a.b"[0]"#),
        second(#"{"id":2,"vector":5}"#, "vector"),
        second(#"{"id":2,"vector":[1,"2"]}"#, "vector[1]"),
        second(#"{"id":2,"vector":[1,null]}"#, "vector[1]"),
        second(#"{"id":2,"vector":[1,2,3.5e38]}"#, "vector[2]", .invalidVector),
        second(#"{"id":2,"vector":[-1e400]}"#, "vector[0]", .invalidVector),
        second(#"{"id":2,"vectors":{"a":[0,1e39]}}"#, "vectors.a[1]", .invalidVector),
        second(#"{"id":2,"vector":"!"}"#, "vector", .invalidVector),
        second(#"{"id":2,"vector":"AACAPw"}"#, "vector", .invalidVector),
        second(#"{"id":2,"vector":"AACA"}"#, "vector", .invalidVector),
        second(#"{"id":2,"vector":"AACAPwAAwH8="}"#, "vector[1]", .invalidVector),
        second(#"{"id":2,"vector":"AACAfwAAgD8="}"#, "vector[0]", .invalidVector),
        second(#"{"id":2,"vector":[1,2,3,4,5,6,7,8,9]}"#, "vector", .dimensionMismatch),
        second(#"{"id":2,"vector":[1],"payload":[]}"#, "payload"),
        second(#"{"id":2,"vector":[1],"payload":{"a":{"b":1,"b":2}}}"#, "payload.a.b"),
        second(#"{"id":2,"vector":[1],"payload":{"a":[1,1e999]}}"#, "payload.a[1]"),
        second(#"{"id":2,"vector":[1],"text":5}"#, "text"),
        second(#"{"id":2,"vector":[1],"if_version":-1}"#, "if_version"),
        second(#"{"id":2,"vector":[1],"expires_at":1.5}"#, "expires_at"),
        second(#"{"id":2,"vector":[1],"expires_at":0}"#, "expires_at"),
        second(#"{"id":2,"vector":[1],"version":1}"#, "version"),
        second(#"{"id":2,"vector":[1],"id":3}"#, "id"),
    ]

    static let wrong: [Refused] = [
        Refused("point.upsert", #"{"collection":"c"}"#, "points"),
        Refused("point.upsert", #"{"points":[]}"#, "collection"),
        Refused("point.upsert", #"{"collection":"c","points":{}}"#, "points"),
        Refused("point.upsert", #"{"collection":"c","points":[],"op_key":""}"#, "op_key"),
        Refused(
            "point.upsert",
            #"{"collection":"c","points":[],"op_key":"\#(String(repeating: "é", count: 33))"}"#,
            "op_key"),
        Refused("point.upsert", #"{"collection":"c","points":[],"min_lsn":1}"#, "min_lsn"),
        Refused("point.upsert", #"{"collection":"c","points":[],"if_absent":"yes"}"#, "if_absent"),
        Refused(
            "point.upsert", #"{"collection":"c","points":[],"vector_encoding":"array"}"#, "vector_encoding"),
        Refused(
            "point.upsert",
            #"{"collection":"c","points":[\#(Array(repeating: #"{"id":1,"vector":[1]}"#, count: 6).joined(separator: ","))]}"#,
            "points", .limitExceeded),
        Refused("point.get", #"{"collection":"c"}"#, "ids"),
        Refused("point.get", #"{"collection":"c","ids":[1,2,true]}"#, "ids[2]"),
        Refused("point.get", #"{"collection":"c","ids":[1,2,3,4,5,6]}"#, "ids", .limitExceeded),
        Refused("point.get", #"{"collection":"c","ids":[],"with_payload":"all"}"#, "with_payload"),
        Refused("point.get", #"{"collection":"c","ids":[],"with_payload":["a",1]}"#, "with_payload[1]"),
        Refused("point.get", #"{"collection":"c","ids":[],"with_vector":["a"]}"#, "with_vector"),
        Refused("point.get", #"{"collection":"c","ids":[],"vector_encoding":"BASE64"}"#, "vector_encoding"),
        Refused("point.get", #"{"collection":"c","ids":[],"op_key":"k"}"#, "op_key"),
        Refused("point.delete", #"{"collection":"c"}"#, "params"),
        Refused("point.delete", #"{"collection":"c","ids":[1],"all":true}"#, "all"),
        Refused("point.delete", #"{"collection":"c","filter":{"must":[{"is_null":"a"}]},"ids":[1]}"#, "ids"),
        Refused("point.delete", #"{"collection":"c","all":false}"#, "all"),
        Refused("point.delete", #"{"collection":"c","filter":{}}"#, "filter"),
        Refused(
            "point.delete", #"{"collection":"c","filter":{"must":[{"should":[{}]}],"must_not":[]}}"#, "filter"
        ),
        Refused(
            "point.delete",
            #"{"collection":"c","filter":{"min_should":{"conditions":[],"min_count":1}}}"#, "filter"),
        Refused("point.count", #"{"collection":"c","limit":1}"#, "limit"),
        Refused("point.count", #"{"collection":"c","filter":[]}"#, "filter"),
        Refused("point.count", #"{"collection":".c"}"#, "collection"),
        Refused("point.scroll", #"{"collection":"c","limit":0}"#, "limit"),
        Refused("point.scroll", #"{"collection":"c","limit":6}"#, "limit", .limitExceeded),
        Refused("point.scroll", #"{"collection":"c","cursor":5}"#, "cursor"),
        Refused("point.scroll", #"{"collection":"c","cursor":""}"#, "cursor"),
        Refused("point.scroll", #"{"collection":"c","order_by":{}}"#, "order_by.key"),
        Refused("point.scroll", #"{"collection":"c","order_by":"a"}"#, "order_by"),
        Refused("point.scroll", #"{"collection":"c","order_by":{"key":"a..b"}}"#, "order_by.key"),
        Refused(
            "point.scroll", #"{"collection":"c","order_by":{"key":"a","direction":"up"}}"#,
            "order_by.direction"),
        Refused("point.scroll", #"{"collection":"c","order_by":{"key":"a","desc":true}}"#, "order_by.desc"),
    ]

    @Test("Refused points", arguments: refusedPoints)
    func refusedPoint(_ refused: Refused) throws { try refused.check() }

    @Test("Refused params", arguments: wrong)
    func refused(_ refused: Refused) throws { try refused.check() }

    @Test("Reads")
    func reads() throws {
        guard
            case .getPoints(let get) = try request(
                line(
                    "point.get",
                    #"{"ids":[1,"1",1],"collection":"c","with_payload":["a","é"],"with_vector":true,"vector_encoding":"base64","min_lsn":9}"#
                )
            ).call,
            case .countPoints(let count) = try request(
                line("point.count", #"{"collection":"c","filter":null}"#)
            ).call,
            case .scrollPoints(let first) = try request(line("point.scroll", #"{"collection":"c"}"#)).call,
            case .scrollPoints(let scroll) = try request(
                line(
                    "point.scroll",
                    #"{"collection":"c","limit":5,"cursor":"x","with_payload":false,"order_by":null,"filter":{}}"#
                )
            ).call
        else { throw NoRequest() }
        #expect(get.ids == [.integer(1), .string([0x31]), .integer(1)])
        #expect(get.selection == PointSelection(payload: .keys(["a", "é"]), withVector: true))
        #expect(get.vectorEncoding == .base64 && get.minimumLSN == LSN(9))
        #expect(count.filter == nil && count.minimumLSN == nil)
        #expect(first.limit == 5, "the default of 100 is cut to the limit")
        #expect(first.selection == PointSelection(payload: .all, withVector: false) && first.cursor == nil)
        #expect(scroll.cursor == "x" && scroll.selection.payload == .none && scroll.filter == Filter())
    }

    @Test("Deletions")
    func deletions() throws {
        guard
            case .deletePoints(let all) = try request(
                line(
                    "point.delete",
                    #"{"collection":"c","all":true,"ids":null,"op_key":"\#(String(repeating: "k", count: 64))"}"#
                )
            ).call,
            case .all = all.choice,
            case .deletePoints(let some) = try request(
                line("point.delete", #"{"collection":"c","ids":["x"]}"#)
            ).call,
            case .ids([.string([0x78])]) = some.choice,
            case .deletePoints(let filtered) = try request(
                line("point.delete", #"{"collection":"c","filter":{"must_not":[{"has_id":[]}]}}"#)
            ).call,
            case .filter(let filter) = filtered.choice
        else { throw NoRequest() }
        #expect(all.opKey?.utf8.count == 64)
        #expect(filter == Filter(mustNot: [.hasID([])]))
    }
}
