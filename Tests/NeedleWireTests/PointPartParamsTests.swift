import NeedleCore
import NeedleWire
import Testing

@Suite("Params of methods that change parts of points")
struct PointPartParamsTests {
    @Test("Payloads: a change and a choice")
    func payloads() throws {
        guard
            case .changePayload(let set) = try request(
                line(
                    "point.set_payload",
                    #"{"collection":"c","payload":{ "b" : 1.50, "a":[ ] },"ids":["x",1],"filter":null}"#)
            ).call,
            case .set(let payload) = set.change, case .ids(let ids) = set.choice,
            case .changePayload(let replace) = try request(
                line(
                    "point.replace_payload",
                    #"{"collection":"c","payload":{},"filter":{"must":[{"is_null":"a"}]},"op_key":"k"}"#)
            ).call,
            case .replace(.empty) = replace.change, case .filter = replace.choice,
            case .changePayload(let delete) = try request(
                line("point.delete_payload", #"{"collection":"c","keys":["a","\u00e9"],"all":true}"#)
            ).call,
            case .deleteKeys(["a", "é"]) = delete.change, case .all = delete.choice
        else { throw NoRequest() }
        #expect(payload == Payload(compactJSON: Array(#"{"b":1.50,"a":[]}"#.utf8)))
        #expect(ids == [PointID("x"), .integer(1)] && replace.opKey == "k")
    }

    @Test("Vectors of one space and of several")
    func vectors() throws {
        guard
            case .setVectors(let call) = try request(
                line(
                    "point.set_vectors",
                    #"{"collection":"c","points":[{"id":1,"vector":[1,2]},"#
                        + #"{"id":"a","vectors":{"t":[0.5],"u":null}}]}"#)
            ).call,
            call.points.count == 2, case .single([1, 2]) = call.points[0].vectors,
            case .named(let named) = call.points[1].vectors
        else { throw NoRequest() }
        #expect(named == [NamedVector(space: "t", vector: [0.5])])
    }

    @Test(
        "What is wrong, and where",
        arguments: [
            ("point.set_payload", #"{"collection":"c","payload":{}}"#, "params"),
            ("point.set_payload", #"{"collection":"c","all":true}"#, "payload"),
            ("point.set_payload", #"{"collection":"c","payload":[],"all":true}"#, "payload"),
            ("point.set_payload", #"{"collection":"c","payload":{"a":1,"a":2},"all":true}"#, "payload.a"),
            ("point.set_payload", #"{"collection":"c","payload":{"a":1e999},"all":true}"#, "payload.a"),
            ("point.set_payload", #"{"collection":"c","payload":{},"keys":["a"],"all":true}"#, "keys"),
            ("point.replace_payload", #"{"collection":"c","payload":{},"all":true,"ids":[1]}"#, "ids"),
            ("point.replace_payload", #"{"collection":"c","payload":{},"filter":{}}"#, "filter"),
            (
                "point.replace_payload",
                #"{"collection":"c","payload":{},"filter":{"must":[{"should":[]}]}}"#,
                "filter"
            ),
            ("point.delete_payload", #"{"collection":"c","all":true}"#, "keys"),
            ("point.delete_payload", #"{"collection":"c","all":false,"keys":[]}"#, "all"),
            ("point.delete_payload", #"{"collection":"c","keys":["a",1],"all":true}"#, "keys[1]"),
            ("point.delete_payload", #"{"collection":"c","payload":{},"keys":[],"all":true}"#, "payload"),
            ("point.set_vectors", #"{"collection":"c"}"#, "points"),
            ("point.set_vectors", #"{"collection":"c","points":[{"id":1}]}"#, "points[0]"),
            ("point.set_vectors", #"{"collection":"c","points":[{"vector":[1]}]}"#, "points[0].id"),
            (
                "point.set_vectors", #"{"collection":"c","points":[{"id":1,"vectors":{}}]}"#,
                "points[0].vectors"
            ),
            (
                "point.set_vectors", #"{"collection":"c","points":[{"id":1,"vector":[1],"payload":{}}]}"#,
                "points[0].payload"
            ),
            (
                "point.set_vectors", #"{"collection":"c","points":[{"id":1,"vector":[1],"vectors":{}}]}"#,
                "points[0].vectors"
            ),
        ])
    func refusals(method: String, params: String, at place: String) throws {
        try Refused(method, params, place).check()
    }
}
