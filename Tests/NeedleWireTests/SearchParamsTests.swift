import NeedleCore
import NeedleWire
import Testing

@Suite("Params of point.search and point.search_batch")
struct SearchParamsTests {
    private func search(_ params: String) throws -> SearchPoints {
        guard case .searchPoints(let search) = try request(line("point.search", params)).call else {
            throw NoRequest()
        }
        return search
    }

    @Test("Defaults")
    func defaults() throws {
        let search = try search(#"{"collection":"c","vector":[1,2]}"#)
        #expect(
            search.collection == "c" && search.minimumLSN == nil && search.search.vectorEncoding == .array)
        let query = search.search.query
        guard case .vector([1, 2]) = query.target else { throw NoRequest() }
        #expect(query.limit == 10 && query.offset == 0 && query.space == nil && query.scoreThreshold == nil)
        #expect(query.filter == nil && query.effort == .standard && query.selection == PointSelection())
        #expect(query.model == nil && query.rescores && query.oversampling == nil)
    }

    @Test("Everything said")
    func full() throws {
        let search = try search(
            #"""
            {"filter":{"must":[{"key":"a","match":{"value":1}}]},"text":"how","using":"title","limit":100,"offset":9900,
             "score_threshold":-0.25,"params":{"ef":64,"rescore":false,"oversampling":2,"exact":false,"recall":null},
             "with_payload":false,"with_vector":true,"vector_encoding":"base64","explain":false,"fusion":null,"keys":null,
             "mmr":null,"model":"m","collection":"c","min_lsn":3,"deadline_ms":0}
            """#)
        let query = search.search.query
        guard case .text("how") = query.target else { throw NoRequest() }
        #expect(query.space == "title" && query.limit == 100 && query.offset == 9900)
        #expect(query.scoreThreshold == -0.25 && query.effort == .ef(64) && query.model == "m")
        #expect(query.selection == PointSelection(payload: .none, withVector: true))
        #expect(query.filter != nil && search.minimumLSN == LSN(3) && search.search.vectorEncoding == .base64)
        #expect(!query.rescores && query.oversampling == 2)
    }

    @Test("A point as target, and exact search")
    func point() throws {
        let query = try search(#"{"collection":"c","point_id":"p","params":{"exact":true}}"#).search.query
        guard case .point(.string([0x70])) = query.target else { throw NoRequest() }
        #expect(query.effort == .exact)
    }

    static let wrong: [Refused] = [
        Refused("point.search", #"{"vector":[1]}"#, "collection"),
        Refused("point.search", #"{"collection":"c"}"#, "params"),
        Refused("point.search", #"{"collection":"c","vector":null}"#, "params"),
        Refused("point.search", #"{"collection":"c","vector":[1],"text":"a"}"#, "text"),
        Refused("point.search", #"{"collection":"c","point_id":1,"vector":[1]}"#, "vector"),
        Refused("point.search", #"{"collection":"c","text":["a"]}"#, "text"),
        Refused("point.search", #"{"collection":"c","point_id":-1}"#, "point_id"),
        Refused("point.search", #"{"collection":"c","vector":[1,2,1e39]}"#, "vector[2]", .invalidVector),
        Refused("point.search", #"{"collection":"c","vector":"AA=="}"#, "vector", .invalidVector),
        Refused("point.search", #"{"collection":"c","vector":[1,{}]}"#, "vector[1]"),
        Refused("point.search", #"{"collection":"c","vector":[1],"limit":0}"#, "limit"),
        Refused("point.search", #"{"collection":"c","vector":[1],"limit":10001}"#, "limit"),
        Refused("point.search", #"{"collection":"c","vector":[1],"limit":1.5}"#, "limit"),
        Refused("point.search", #"{"collection":"c","vector":[1],"offset":-1}"#, "offset"),
        Refused("point.search", #"{"collection":"c","vector":[1],"offset":9991}"#, "offset"),
        Refused("point.search", #"{"collection":"c","offset":1,"vector":[1],"limit":10000}"#, "offset"),
        Refused("point.search", #"{"collection":"c","vector":[1],"score_threshold":"x"}"#, "score_threshold"),
        Refused(
            "point.search", #"{"collection":"c","vector":[1],"score_threshold":1e999}"#, "score_threshold"),
        Refused("point.search", #"{"collection":"c","vector":[1],"using":1}"#, "using"),
        Refused("point.search", #"{"collection":"c","vector":[1],"params":[]}"#, "params"),
        Refused("point.search", #"{"collection":"c","vector":[1],"params":{"ef":0}}"#, "params.ef"),
        Refused("point.search", #"{"collection":"c","vector":[1],"params":{"ef":65537}}"#, "params.ef"),
        Refused("point.search", #"{"collection":"c","vector":[1],"params":{"hnsw_ef":1}}"#, "params.hnsw_ef"),
        Refused(
            "point.search", #"{"collection":"c","vector":[1],"params":{"ef":1,"exact":true}}"#, "params.exact"
        ),
        Refused(
            "point.search", #"{"collection":"c","vector":[1],"params":{"exact":true,"ef":1}}"#, "params.ef"),
        Refused(
            "point.search", #"{"collection":"c","vector":[1],"params":{"oversampling":0.5}}"#,
            "params.oversampling"),
        Refused("point.search", #"{"collection":"c","vector":[1],"params":{"rescore":1}}"#, "params.rescore"),
        Refused("point.search", #"{"collection":"c","vector":[1],"model":""}"#, "model"),
        Refused("point.search", #"{"collection":"c","vector":[1],"op_key":"k"}"#, "op_key"),
        Refused("point.search", #"{"collection":"c","vector":[1],"vector":[1]}"#, "vector"),
        Refused("point.search_batch", #"{"collection":"c"}"#, "searches"),
        Refused("point.search_batch", #"{"collection":"c","searches":[{"vector":[1]},{}]}"#, "searches[1]"),
        Refused(
            "point.search_batch", #"{"collection":"c","searches":[{"vector":[1],"collection":"d"}]}"#,
            "searches[0].collection"),
        Refused(
            "point.search_batch", #"{"collection":"c","searches":[{"vector":[1],"min_lsn":1}]}"#,
            "searches[0].min_lsn"),
        Refused(
            "point.search_batch", #"{"collection":"c","searches":[{"vector":[1]},{"vector":[1,9e99]}]}"#,
            "searches[1].vector[1]", .invalidVector),
        Refused(
            "point.search_batch", #"{"collection":"c","searches":[{"vector":[1],"limit":9,"offset":9999}]}"#,
            "searches[0].offset"),
        Refused(
            "point.search_batch",
            #"{"collection":"c","searches":[\#(Array(repeating: #"{"text":"a"}"#, count: 6).joined(separator: ","))]}"#,
            "searches", .limitExceeded),
    ]

    @Test("A recall is read as it is sent", arguments: ["0.5", "0.97", "0.999", "9e-1"])
    func recall(text: String) throws {
        let sent = #"{"collection":"c","vector":[1],"limit":100,"params":{"recall":\#(text)}}"#
        #expect(try search(sent).search.query.effort == .recall(try #require(Double(text))))
    }

    @Test(
        "A recall out of range, beside another effort, or with a large limit is refused at its place",
        arguments: [
            #""params":{"recall":0.4999}"#, #""params":{"recall":1}"#, #""params":{"recall":"0.9"}"#,
            #""params":{"ef":9,"recall":0.9}"#, #""params":{"exact":true,"recall":0.9}"#,
            #""params":{"recall":0.9},"limit":101"#, #""limit":101,"params":{"recall":0.9}"#,
        ])
    func recallRefused(member: String) throws {
        try Refused("point.search", #"{"collection":"c","vector":[1],\#(member)}"#, "params.recall").check()
    }

    @Test("Refused with their place", arguments: wrong)
    func refused(_ refused: Refused) throws { try refused.check() }

    @Test("An answer that explains itself", arguments: [("true", true), ("false", false), ("null", false)])
    func explain(value: String, wanted: Bool) throws {
        #expect(
            try search(#"{"collection":"c","vector":[1],"explain":\#(value)}"#).search.query.explains
                == wanted)
        try Refused("point.search", #"{"collection":"c","vector":[1],"explain":1}"#, "explain").check()
    }

    @Test("Groups")
    func groups() throws {
        func groups(_ members: String) throws -> SearchGroups {
            let params = #"{"collection":"c","vector":[1],\#(members)}"#
            guard case .searchGroups(let call) = try request(line("point.search_groups", params)).call else {
                throw NoRequest()
            }
            return call
        }
        let plain = try groups(#""group_by":"a.b[]""#)
        #expect(plain.grouping == Grouping(path: try FieldPath(parsing: "a.b[]"), size: 3))
        let full = try groups(
            #""group_by":"a","group_size":50,"limit":150,"offset":50,"fusion":null,"min_lsn":2"#)
        #expect(full.grouping.size == 50 && full.search.query.limit == 150 && full.search.query.offset == 50)
        #expect(full.minimumLSN == LSN(2))
        for (members, at) in [
            (#""limit":1"#, "group_by"), (#""group_by":1"#, "group_by"),
            (#""group_by":"a","group_size":0"#, "group_size"),
            (#""group_by":"a","group_size":51,"limit":200"#, "group_size"),
            (#""group_by":"a","mmr":{}"#, "mmr"),
            (#""group_by":"a","text":"b","fusion":{"method":"rrf"}"#, "fusion"),
            (#""group_by":"a","size":1"#, "size"),
        ] {
            try Refused("point.search_groups", #"{"collection":"c","vector":[1],\#(members)}"#, at).check()
        }
    }

    @Test("A batch's model and encoding hold for the searches that do not say their own")
    func batch() throws {
        guard
            case .searchBatch(let batch) = try request(
                line(
                    "point.search_batch",
                    #"""
                    {"collection":"c","searches":[{"text":"a"},{"point_id":2,"model":"n","vector_encoding":"array"}],
                     "model":"m","vector_encoding":"base64","min_lsn":4}
                    """#)
            ).call
        else { throw NoRequest() }
        #expect(batch.searches.map(\.query.model) == ["m", "n"])
        #expect(batch.searches.map(\.vectorEncoding) == [.base64, .array])
        #expect(batch.minimumLSN == LSN(4))
    }
}
