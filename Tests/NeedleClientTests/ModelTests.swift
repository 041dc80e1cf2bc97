import NIOCore
import NeedleClient
import Testing

@Suite("Values of the public interface")
struct ModelTests {
    @Test("Ids: literals, order, and bytes instead of canonical equivalence")
    func ids() {
        let ids: [PointID] = ["b", 10, "a", 9, "", "10"]
        #expect(ids.sorted() == [9, 10, "", "10", "a", "b"])
        #expect(PointID("\u{E9}") != PointID("e\u{301}"), "composed and decomposed é are two ids")
        #expect(PointID("1") != PointID(1))
        #expect((PointID(7).integer, PointID(7).string, PointID("x").string) == (7, nil, "x"))
    }

    @Test("JSON values: exact integers, byte-wise strings, order of members")
    func json() throws {
        let text =
            #"{"b":18446744073709551615,"a":-9223372036854775808,"f":0.1,"s":"\u00e9\n","l":[true,null,{}]}"#
        let value = try JSONValue(parsing: text)
        #expect(value["b"] == .unsigned(.max) && value["a"] == .integer(.min) && value["f"] == .double(0.1))
        #expect(
            value.description
                == #"{"b":18446744073709551615,"a":-9223372036854775808,"f":0.1,"s":"é\n","l":[true,null,{}]}"#
        )
        #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
        var object: JSONObject = ["x": 1, "y": 2, "x": 3]
        #expect(object.description == #"{"x":3,"y":2}"#)
        object["x"] = nil
        object["z"] = ["deep": []]
        #expect(object.description == #"{"y":2,"z":{"deep":[]}}"#)
        #expect(throws: NeedletailError.self) { try JSONValue(parsing: "{} x") }
    }

    @Test("Payloads keep their text, and pass through Codable")
    func payload() throws {
        struct Package: Codable, Equatable {
            var name: String
            var size: Int
        }
        let exact = try Payload(json: #" { "z" : 1.10 , "a" : "x" } "#)
        #expect(exact.json == #"{"z":1.10,"a":"x"}"#)
        #expect(exact["a"] == "x" && exact["b"] == nil)
        let package = Package(name: "gimp", size: 3)
        #expect(try Payload(encoding: package).decode(Package.self) == package)
        let literal: Payload = ["name": "gimp", "tags": ["a", 1, true, nil]]
        #expect(literal.json == #"{"name":"gimp","tags":["a",1,true,null]}"#)
        #expect(throws: NeedletailError.self) { try Payload(json: "[1]") }
        #expect(throws: NeedletailError.self) { try Payload(json: #"{"a":1,"a":2}"#) }
        #expect(throws: (any Error).self) { try Payload(encoding: [1, 2]) }
    }

    @Test("Filters say what the protocol says")
    func filters() throws {
        let filter = Filter(
            must: [.match("a", 1), .range("b", greaterThan: 1, atMost: 2.5)],
            should: [.match("c", any: ["x", "y"])],
            mustNot: [.match("d", except: [true]), .isEmpty("e"), .isNull("f")],
            minimumShould: .init(conditions: [.hasID([1, "x"])], minimumCount: 1))
        #expect(
            filter.json.description
                == #"{"must":[{"key":"a","match":{"value":1}},{"key":"b","range":{"gt":1,"lte":2.5}}],"#
                + #""should":[{"key":"c","match":{"any":["x","y"]}}],"#
                + #""must_not":[{"key":"d","match":{"except":[true]}},"#
                + #"{"is_empty":"e"},{"is_null":"f"}],"#
                + #""min_should":{"conditions":[{"has_id":[1,"x"]}],"min_count":1}}"#
        )
        #expect(
            (.match("a", 1) && !.match("b", 2) as Filter).json.description
                == #"{"must":[{"must":[{"key":"a","match":{"value":1}}]},"#
                + #"{"must_not":[{"must":[{"key":"b","match":{"value":2}}]}]}]}"#)
        #expect(Filter().json.isEmpty)
        #expect(try Filter(json: #"{"should":[]}"#).json.description == #"{"should":[]}"#)
        let condition = try Filter(json: #"{"key":"a","geo_radius":{"radius_m":5}}"#)
        #expect(condition.json.description == #"{"must":[{"key":"a","geo_radius":{"radius_m":5}}]}"#)
        #expect(throws: NeedletailError.self) { try Filter(json: "[]") }
    }

    @Test(
        "Addresses people write",
        arguments: [
            ("needletail://example.org:7711", "example.org:7711"), ("example.org", "example.org:7700"),
            ("127.0.0.1:80", "127.0.0.1:80"), ("[::1]:9", "[::1]:9"), ("[::1]", "[::1]:7700"),
            ("NEEDLETAIL://h/", "h:7700"),
        ])
    func addresses(text: String, expected: String) throws {
        #expect(try ServerAddress(text).description == expected)
    }

    @Test(
        "What is no address",
        arguments: [
            "", "http://x", "h:0", "h:65536", "h:x", "h:", "::1", "[::1", "[::1]x", "a b", "u@h", "h/x",
            "://", ":7",
        ])
    func notAddresses(text: String) {
        let error = #expect(throws: NeedletailError.self) { try ServerAddress(text) }
        #expect(error?.kind == .invalidArgument)
    }

    @Test("Lines are cut wherever the network cuts the bytes", arguments: 1...9)
    func lines(step: Int) throws {
        let text = "first\r\n\nsecond é\nrest"
        var splitter = LineSplitter(maximumLineBytes: 100)
        var found: [String] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: step) {
            var piece = ByteBuffer(bytes: bytes[start..<min(start + step, bytes.count)])
            splitter.append(&piece)
            while let line = try splitter.next() { found.append(String(decoding: line, as: UTF8.self)) }
        }
        #expect(found == ["first", "", "second é"])
        var flood = ByteBuffer(repeating: UInt8(ascii: "x"), count: 101)
        splitter.append(&flood)
        #expect(throws: NeedletailError.self) { try splitter.next() }
    }

    @Test("Greetings, also incomplete ones, and errors from servers of another age")
    func messages() throws {
        func message(_ text: String) throws -> ServerMessage { try ServerMessage(parsing: Array(text.utf8)) }
        guard case .greeting(let greeting) = try message(#"{"method":"server.hello"}"#) else {
            Issue.record("no greeting")
            return
        }
        #expect(greeting == ServerGreeting())
        guard
            case .failure(let id?, let error) = try message(
                #"{"id":3,"error":{"code":-32099,"message":"m","data":{"kind":"tired","retryable":true,"#
                    + #""retry_after_ms":250,"expected":3}}}"#
            )
        else {
            Issue.record("no failure")
            return
        }
        #expect(id == 3 && error.kind == .init(rawValue: "tired") && error.isRetryable)
        #expect(error.retryAfter == .milliseconds(250) && error.expected == "3")
        guard case .other = try message(#"{"method":"server.novelty","params":[1]}"#) else {
            Issue.record("unknown notifications are ignored")
            return
        }
        for text in [
            "", "{}", "[]", "7", #"{"id":1}"#, #"{"id":1.5,"result":{}}"#, #"{"id":1,"result":{}"#, "\u{FF}",
        ] {
            #expect(throws: NeedletailError.self, "\(text)") { try message(text) }
        }
    }

    @Test("Operation keys are 32 digits, never two alike")
    func operationKeys() {
        var random = SystemRandomNumberGenerator()
        let keys = Set((0..<1000).map { _ in random.operationKey() })
        #expect(keys.count == 1000 && keys.allSatisfy { $0.utf8.count == 32 })
    }
}
