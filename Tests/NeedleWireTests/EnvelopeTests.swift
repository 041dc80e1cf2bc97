import NeedleCore
import NeedleWire
import Testing

/// A line that is answered with an error: the error's kind, place and id.
struct Broken: Sendable, CustomTestStringConvertible {
    var line: String
    var kind: ErrorKind
    var at: String?
    var id: RequestID?
    var needsReply: Bool

    init(_ line: String, _ kind: ErrorKind, _ at: String?, id: RequestID? = nil, needsReply: Bool = true) {
        self.line = line
        self.kind = kind
        self.at = at
        self.id = id
        self.needsReply = needsReply
    }

    var testDescription: String { line }
}

@Suite("Envelope")
struct EnvelopeTests {
    @Test("White space is nothing", arguments: ["", " ", "\t \r"])
    func nothing(line: String) {
        guard case .nothing = decode(line) else {
            Issue.record("\(line.debugDescription) is something")
            return
        }
    }

    static let accepted: [(String, RequestID?)] = [
        (#"{"jsonrpc":"2.0","id":7,"method":"server.ping","params":{}}"#, .integer(7)),
        (#"{"method":"server.ping"}"#, nil),
        (#"{"method":"server.ping","id":-9223372036854775808}"#, .integer(.min)),
        (#"{"method":"server.ping","id":9223372036854775807}"#, .integer(.max)),
        (#"{"params":{},"id":"","method":"server.ping"}"#, .string([])),
        (#"{"params":null,"id":"\u0061é","method":"server.ping"}"#, RequestID("aé")),
        (#" { "id" : 1 , "method" : "server.ping" , "params" : { } } "#, .integer(1)),
        (#"{"jsonrpc":null,"id":1,"method":"server.ping"}"#, .integer(1)),
        (#"{"jsonrpc":"2\u002e0","\u0069d":1,"method":"server\u002eping"}"#, .integer(1)),
        (
            #"{"id":"\#(String(repeating: "x", count: 64))","method":"server.ping"}"#,
            RequestID(String(repeating: "x", count: 64))
        ),
    ]

    @Test("Requests are read in any order of keys", arguments: accepted)
    func good(line: String, id: RequestID?) throws {
        let request = try request(line)
        #expect(request.id == id)
        guard case .ping = request.call else {
            Issue.record("\(request.call)")
            return
        }
    }

    static let notJSON: [Broken] = [
        Broken("{", .parseError, "byte 1"),
        Broken("nul", .parseError, "byte 3"),
        Broken(#"{"id":1,"method":"server.ping"} x"#, .parseError, "byte 32"),
        Broken(#"{"id":1,"method":"server.ping","params":{"a":01}}"#, .parseError, "byte 46"),
        Broken(#"{"id":1,"method":"server.ping","params":{"a":NaN}}"#, .parseError, "byte 45"),
        Broken(#"{"id":1,"method":"x\ud800"}"#, .parseError, "byte 19"),
        Broken(#"{"id":1,"id":2,"method":7,"extra":[1,}"#, .parseError, "byte 37"),
        Broken(#"[{"method":"server.ping"},]"#, .parseError, "byte 26"),
        // What is refused earlier does not hide that the line is not JSON.
        Broken(#"{"id":null,"method":"nope","params":[tru]}"#, .parseError, "byte 40"),
        Broken(#"{"id":1,"method":"point.get","params":{"ids":"x","#, .parseError, "byte 49"),
        Broken(#"{"params":{"a":"\x"},"method":"server.ping"}"#, .parseError, "byte 17"),
    ]

    @Test("What is not JSON is a parse_error at its byte, whatever else is wrong", arguments: notJSON)
    func syntax(broken: Broken) throws { try check(broken) }

    @Test("Bad UTF-8 is a parse_error")
    func utf8() throws {
        for bad: [UInt8] in [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82],
        ] {
            let line = Array(#"{"id":1,"method":""#.utf8) + bad + Array(#""}"#.utf8)
            guard case .single(.failure(let failure)) = RequestDecoder(limits: Limits()).decode(line) else {
                Issue.record("\(bad) was accepted")
                continue
            }
            #expect(failure.error.kind == .parseError)
            #expect(failure.id == nil)
        }
    }

    @Test("64 levels are read, 65 are a parse_error")
    func depth() throws {
        func nested(_ levels: Int) -> String {
            // Envelope, params, points, point; the payload is the first of the inner ones.
            let inner = levels - 4
            let payload =
                String(repeating: #"{"a":"#, count: inner) + "1" + String(repeating: "}", count: inner)
            return line(
                "point.upsert", #"{"collection":"c","points":[{"id":1,"vector":[1],"payload":\#(payload)}]}"#)
        }
        _ = try request(nested(64))
        #expect(refusal(of: nested(65))?.error.kind == .parseError)
        #expect(refusal(of: nested(65))?.id == nil)
        #expect(refusal(of: String(repeating: "[", count: 100_000))?.error.kind == .parseError)
    }

    static let wrong: [Broken] = [
        Broken("5", .invalidRequest, "byte 0"),
        Broken(#" "x""#, .invalidRequest, "byte 1"),
        Broken("[]", .invalidRequest, "byte 0"),
        Broken("{}", .invalidRequest, "method"),
        Broken(#"{"id":1}"#, .invalidRequest, "method"),
        Broken(#"{"id":1,"method":null}"#, .invalidRequest, "method"),
        Broken(#"{"jsonrpc":"2.0","id":1,"result":{}}"#, .invalidRequest, "method"),
        Broken(#"{"id":null,"method":"server.ping"}"#, .invalidRequest, "id"),
        Broken(#"{"id":1.0,"method":"server.ping"}"#, .invalidRequest, "id"),
        Broken(#"{"id":1e2,"method":"server.ping"}"#, .invalidRequest, "id"),
        Broken(#"{"id":9223372036854775808,"method":"server.ping"}"#, .invalidRequest, "id"),
        Broken(#"{"id":true,"method":"server.ping"}"#, .invalidRequest, "id"),
        Broken(#"{"id":[{}],"method":"server.ping"}"#, .invalidRequest, "id"),
        Broken(
            #"{"id":"\#(String(repeating: "é", count: 33))","method":"server.ping"}"#, .invalidRequest, "id"),
        Broken(
            #"{"jsonrpc":"1.0","id":1,"method":"server.ping"}"#, .invalidRequest, "jsonrpc", id: .integer(1)),
        Broken(
            #"{"jsonrpc":2.0,"id":1,"method":"server.ping"}"#, .invalidRequest, "jsonrpc", id: .integer(1)),
        Broken(#"{"id":1,"method":5}"#, .invalidRequest, "method", id: .integer(1)),
        Broken(#"{"method":["a"],"id":1}"#, .invalidRequest, "method", id: .integer(1)),
        Broken(#"{"id":1,"method":"server.ping","extra":1}"#, .invalidRequest, "extra", id: .integer(1)),
        Broken(
            #"{"extra":{"a":[1]},"method":"server.ping","id":"x"}"#, .invalidRequest, "extra",
            id: RequestID("x")),
        Broken(#"{"id":1,"id":2,"method":"server.ping"}"#, .invalidRequest, "id", id: .integer(1)),
        Broken(
            #"{"params":{},"params":{},"method":"server.ping","id":3}"#, .invalidRequest, "params",
            id: .integer(3)),
        Broken(
            #"{"method":"server.ping","method":"server.info","id":3}"#, .invalidRequest, "method",
            id: .integer(3)),
        // Without an id a wrong envelope is no notification, so it is answered.
        Broken(#"{"method":"server.ping","extra":1}"#, .invalidRequest, "extra"),
        // The envelope comes before the method, the method before its params.
        Broken(#"{"id":1,"method":"nope","extra":1,"params":[]}"#, .invalidRequest, "extra", id: .integer(1)),
        Broken(#"{"id":1,"method":"nope","params":[]}"#, .unknownMethod, "method", id: .integer(1)),
        Broken(
            #"{"params":{"a":{"b":1}},"method":"nope","id":1}"#, .unknownMethod, "method", id: .integer(1)),
        Broken(#"{"method":"","id":1}"#, .unknownMethod, "method", id: .integer(1)),
        Broken(#"{"id":1,"method":"server.ping","params":[]}"#, .invalidParams, "params", id: .integer(1)),
        Broken(#"{"id":1,"method":"server.ping","params":5}"#, .invalidParams, "params", id: .integer(1)),
        Broken(#"{"params":["x"],"method":"server.ping","id":1}"#, .invalidParams, "params", id: .integer(1)),
        Broken(#"{"id":1,"method":"server.ping","params":{"x":1}}"#, .invalidParams, "x", id: .integer(1)),
        Broken(#"{"method":"server.ping","params":{"x":1},"id":1}"#, .invalidParams, "x", id: .integer(1)),
        Broken(#"{"params":{"x":1},"method":"server.ping","id":1}"#, .invalidParams, "x", id: .integer(1)),
        Broken(#"{"id":1,"method":"point.count"}"#, .invalidParams, "collection", id: .integer(1)),
        Broken(#"{"method":"nope"}"#, .unknownMethod, "method", needsReply: false),
        Broken(#"{"method":"server.ping","params":[]}"#, .invalidParams, "params", needsReply: false),
        Broken(#"{"method":"server.ping","params":{"x":1}}"#, .invalidParams, "x", needsReply: false),
    ]

    @Test("Wrong envelopes", arguments: wrong)
    func envelope(broken: Broken) throws { try check(broken) }

    @Test(
        "Methods of later issues are unknown",
        arguments: [
            "collection.rename", "point.set_text", "document.list", "reembed.pause",
            "alias.get",
            "job.start", "rpc.discover", "Server.ping", "server.ping ",
        ])
    func later(method: String) throws {
        try check(Broken(line(method, #"{"collection":"c"}"#), .unknownMethod, "method", id: .integer(7)))
    }

    private func check(_ broken: Broken) throws {
        let failure = try #require(refusal(of: broken.line), "accepted")
        #expect(failure.error.kind == broken.kind, "\(failure.error)")
        #expect(failure.error.at == broken.at, "\(failure.error)")
        #expect(failure.id == broken.id)
        #expect(failure.needsReply == broken.needsReply)
    }

    @Test("A batch keeps order; each member fails for itself")
    func batch() throws {
        let outcome = decode(
            #"[{"id":1,"method":"server.ping"}, 5, {"id":2,"method":"nope"} ,{"method":"server.info"}]"#)
        guard case .batch(let members) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(members.count == 4)
        guard case .request(let first) = members[0], case .failure(let second) = members[1],
            case .failure(let third) = members[2], case .request(let fourth) = members[3]
        else {
            Issue.record("\(members)")
            return
        }
        #expect(first.id == .integer(1))
        #expect(second.id == nil && second.error.kind == .invalidRequest && second.error.at == "byte 34")
        #expect(second.needsReply)
        #expect(third.id == .integer(2) && third.error.kind == .unknownMethod)
        #expect(fourth.id == nil)
    }

    @Test("A batch has at most in_flight members")
    func longBatch() throws {
        func batch(_ count: Int) -> String {
            "[" + Array(repeating: #"{"id":1,"method":"server.ping"}"#, count: count).joined(separator: ",")
                + "]"
        }
        guard case .batch(let members) = decode(batch(4)) else {
            Issue.record("four are allowed")
            return
        }
        #expect(members.count == 4)
        let failure = try #require(refusal(of: batch(5)))
        #expect(failure.error.kind == .limitExceeded)
        #expect(failure.id == nil && failure.needsReply)
        #expect(refusal(of: batch(5) + "x")?.error.kind == .parseError)
    }

    @Test("deadline_ms may stand in the params of any method")
    func deadline() throws {
        for method in Method.allCases {
            let params = SampleParams.minimal(method)
            let with = params == "{}" ? #"{"deadline_ms":250}"# : #"{"deadline_ms":250,"# + params.dropFirst()
            #expect(try request(line(method.rawValue, params)).deadlineMS == nil)
            #expect(try request(line(method.rawValue, with)).deadlineMS == 250)
            let negative = with.replacing("250", with: "-1")
            try Refused(method.rawValue, negative, "deadline_ms").check()
            #expect(try request(line(method.rawValue, with.replacing("250", with: "null"))).deadlineMS == nil)
        }
    }

    @Test("Every method refuses unknown and repeated keys with their place")
    func unknownKeys() throws {
        for method in Method.allCases {
            let params = SampleParams.minimal(method)
            let tail = params == "{}" ? "}" : "," + params.dropFirst()
            try Refused(method.rawValue, #"{"no_such":null"# + tail, "no_such").check()
            try Refused(method.rawValue, #"{"deadline_ms":1,"deadline_ms":1"# + tail, "deadline_ms").check()
            #expect(try request(line(method.rawValue, params)).call.method == method)
        }
    }
}

/// The shortest good params of each method.
enum SampleParams {
    static func minimal(_ method: Method) -> String {
        switch method {
        case .ping, .info, .health, .listCollections, .listSnapshots, .listJobs, .listAliases, .beginImport:
            "{}"
        case .cancel: #"{"id":1}"#
        case .login: #"{"api_key":"k"}"#
        case .createCollection: #"{"name":"c","vectors":{"size":4}}"#
        case .getCollection, .deleteCollection, .optimizeCollection, .countPoints, .scrollPoints:
            #"{"collection":"c"}"#
        case .updateCollection: #"{"collection":"c","quality_baseline":"now"}"#
        case .createIndex: #"{"collection":"c","key":"k","type":"keyword"}"#
        case .deleteIndex, .facetPoints: #"{"collection":"c","key":"k"}"#
        case .listIndexes: #"{"collection":"c"}"#
        case .upsertPoints: #"{"collection":"c","points":[]}"#
        case .getPoints, .deletePoints: #"{"collection":"c","ids":[1]}"#
        case .setPayload, .replacePayload: #"{"collection":"c","ids":[1],"payload":{}}"#
        case .deletePayload: #"{"collection":"c","ids":[1],"keys":[]}"#
        case .setVectors: #"{"collection":"c","points":[]}"#
        case .searchPoints: #"{"collection":"c","vector":[1,0]}"#
        case .recommendPoints: #"{"collection":"c","positive":[1]}"#
        case .searchGroups: #"{"collection":"c","vector":[1,0],"group_by":"k"}"#
        case .searchBatch: #"{"collection":"c","searches":[{"vector":[1,0]}]}"#
        case .embedTexts: #"{"texts":["a"]}"#
        case .startReembedding: #"{"collection":"c","model":"m"}"#
        case .reembeddingStatus, .cutOver, .rollBack, .createSnapshot: #"{"collection":"c"}"#
        case .upsertDocuments: #"{"collection":"c","documents":[]}"#
        case .getDocument: #"{"collection":"c","document_id":"a"}"#
        case .deleteDocuments: #"{"collection":"c","document_ids":[]}"#
        case .deleteSnapshot, .verifySnapshot: #"{"snapshot":"s"}"#
        case .restoreSnapshot: #"{"snapshot":"s","as":"d"}"#
        case .getJob, .cancelJob: #"{"job":"j"}"#
        case .setAliases: #"{"aliases":{"a":"c"}}"#
        case .deleteAliases: #"{"aliases":["a"]}"#
        case .readSnapshot: #"{"snapshot":"s"}"#
        case .writeImport: #"{"import":"i","offset":0,"data":""}"#
        case .commitImport, .abortImport: #"{"import":"i"}"#
        }
    }
}
