import NeedleCore
import NeedleWire
import Testing

@Suite("Params of hybrid and diverse searches")
struct HybridParamsTests {
    private func query(_ members: String, method: String = "point.search") throws -> SearchQuery {
        switch try request(line(method, #"{"collection":"c",\#(members)}"#)).call {
        case .searchPoints(let call), .recommendPoints(let call): return call.search.query
        default: throw NoRequest()
        }
    }

    private func path(_ key: String) throws -> FieldPath { try FieldPath(parsing: key) }

    @Test("A text beside a vector is where words come from; alone it is embedded too")
    func targets() throws {
        let beside = try query(#""vector":[1],"text":"a","fusion":{"method":"rrf"},"keys":["n","a.b","n"]"#)
        guard case .vector([1]) = beside.target else { throw NoRequest() }
        #expect(try beside.hybrid == HybridSearch(text: "a", keys: [path("n"), path("a.b")]))
        let alone = try query(#""fusion":{"method":"rrf","k":0},"text":"a""#)
        guard case .text("a") = alone.target else { throw NoRequest() }
        #expect(alone.hybrid == HybridSearch(text: "a", fusion: .reciprocal(k: 0)))
        let point = try query(
            #""point_id":3,"fusion":{"vector":0.7,"text":0.3,"method":"weighted","k":null},"text":"a""#)
        guard case .point(.integer(3)) = point.target else { throw NoRequest() }
        #expect(point.hybrid?.fusion == .weighted(vector: 0.7, text: 0.3))
        let liked = try query(
            #""positive":[1],"text":"a","fusion":{"method":"rrf"}"#, method: "point.recommend")
        guard case .examples(positive: [.integer(1)], negative: []) = liked.target else { throw NoRequest() }
        #expect(liked.hybrid?.text == "a")
        let plain = try query(#""text":"a","fusion":null,"keys":null,"mmr":null"#)
        #expect(plain.hybrid == nil && plain.diversity == nil)
    }

    @Test("Diversity and its defaults")
    func diversity() throws {
        #expect(try query(#""vector":[1],"mmr":{}"#).diversity == Diversity())
        #expect(
            try query(#""vector":[1],"mmr":{"lambda":0,"candidates":7}"#).diversity
                == Diversity(lambda: 0, candidates: 7))
    }

    @Test(
        "Refused with their place",
        arguments: [
            (#""vector":[1],"keys":["a"]"#, "keys"),
            (#""vector":[1],"text":"a","keys":["a"]"#, "keys"),
            (#""vector":[1],"fusion":{"method":"rrf"}"#, "fusion"),
            (#""vector":[1],"text":null,"fusion":{"method":"rrf"}"#, "fusion"),
            (#""vector":[1],"point_id":1,"text":"a","fusion":{"method":"rrf"}"#, "point_id"),
            (#""text":"a","vector":[1]"#, "vector"),
            (#""text":"a","fusion":{}"#, "fusion.method"),
            (#""text":"a","fusion":{"method":"max"}"#, "fusion.method"),
            (#""text":"a","fusion":{"method":"rrf","k":-1}"#, "fusion.k"),
            (#""text":"a","fusion":{"method":"rrf","k":1.5}"#, "fusion.k"),
            (#""text":"a","fusion":{"method":"rrf","text":1}"#, "fusion.text"),
            (#""text":"a","fusion":{"method":"weighted"}"#, "fusion.vector"),
            (#""text":"a","fusion":{"method":"weighted","vector":1}"#, "fusion.text"),
            (#""text":"a","fusion":{"method":"weighted","vector":-1,"text":1}"#, "fusion.vector"),
            (#""text":"a","fusion":{"method":"weighted","vector":0,"text":0}"#, "fusion.text"),
            (#""text":"a","fusion":{"method":"weighted","vector":1,"text":1,"k":1}"#, "fusion.k"),
            (#""text":"a","fusion":{"method":"rrf","K":1}"#, "fusion.K"),
            (#""text":"a","fusion":{"method":"rrf"},"keys":[]"#, "keys"),
            (#""text":"a","fusion":{"method":"rrf"},"keys":["a",".b"]"#, "keys[1]"),
            (#""vector":[1],"mmr":{"lambda":1.1}"#, "mmr.lambda"),
            (#""vector":[1],"mmr":{"lambda":-0.1}"#, "mmr.lambda"),
            (#""vector":[1],"mmr":{"candidates":0}"#, "mmr.candidates"),
            (#""vector":[1],"mmr":{"candidates":10001}"#, "mmr.candidates"),
            (#""vector":[1],"mmr":{"diversity":1}"#, "mmr.diversity"),
            (#""vector":[1],"mmr":0.5"#, "mmr"),
        ])
    func refused(members: String, at: String) throws {
        try Refused("point.search", #"{"collection":"c",\#(members)}"#, at).check()
    }

    @Test("The words of a text are bounded, those of an embedded one are not")
    func longText() throws {
        let long = String(repeating: "a", count: Search.wordBytes + 1)
        try Refused(
            "point.search", #"{"collection":"c","fusion":{"method":"rrf"},"text":"\#(long)"}"#, "text"
        )
        .check()
        #expect(try query(#""text":"\#(long)""#).hybrid == nil)
        let most = String(long.dropLast())
        #expect(try query(#""text":"\#(most)","fusion":{"method":"rrf"}"#).hybrid?.text == most)
    }

    @Test("Too many keys are named")
    func manyKeys() throws {
        let keys = (0...Search.keyLimit).map { #""k\#($0)""# }.joined(separator: ",")
        let params = #"{"collection":"c","text":"a","fusion":{"method":"rrf"},"keys":[\#(keys)]}"#
        try Refused("point.search", params, "keys", .limitExceeded).check()
    }

    @Test("A recommendation takes a text beside fusion only")
    func recommendation() throws {
        try Refused("point.recommend", #"{"collection":"c","positive":[1],"text":"a"}"#, "text").check()
        let both = #"{"collection":"c","positive":[1],"vector":[1],"fusion":{"method":"rrf"},"text":"a"}"#
        try Refused("point.recommend", both, "vector").check()
    }
}
