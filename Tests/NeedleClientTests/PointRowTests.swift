import NeedleClient
import Testing

@Suite("Rows of JSON Lines as points")
struct PointRowTests {
    private func point(_ line: String, _ mapping: RowMapping? = nil) throws(NeedletailError) -> Point {
        try Point(jsonLine: Array(line.utf8), mapping: mapping)
    }

    @Test("Rows in the protocol's own form")
    func protocolForm() throws {
        let plain = try point(
            #"{"id":18446744073709551615,"vector":[1,2.5],"payload":{ "b" : 1.50, "a":[ ] }}"#)
        #expect(plain.id == PointID(UInt64.max))
        #expect(plain.vector == [1, 2.5])
        #expect(plain.payload.json == #"{"b":1.50,"a":[]}"#, "order and digits stay")
        let named = try point(
            #"{"id":"é","vectors":{"title":[1],"body":"AACAPw=="},"if_version":3,"expires_at":-5}"#)
        #expect(named.id == "é")
        #expect(named.vectors == ["title": [1], "body": [1]])
        #expect((named.ifVersion, named.expiresAt) == (3, -5))
        let text = try point(#"{"id":1,"text":"hi","vector":null,"payload":null}"#)
        #expect(text.text == "hi" && text.vector == nil && text.payload.isEmpty)
    }

    @Test("Flat rows: chosen keys, and the rest as payload in its order")
    func mapped() throws {
        let line =
            #"{"size":1.0,"id":7,"text":"a text","tags":["x", "y"],"#
            + #""big":12345678901234567890123,"name":"\u0067imp"}"#
        let byText = try point(line, RowMapping(textKey: "text"))
        #expect(byText.id == 7 && byText.text == "a text")
        #expect(
            byText.payload.json
                == #"{"size":1.0,"tags":["x","y"],"big":12345678901234567890123,"name":"\u0067imp"}"#)
        let byVector = try point(
            #"{"isbn":"0-1","embedding":[0.5],"t":1}"#, RowMapping(idKey: "isbn", vectorKey: "embedding"))
        #expect(byVector.id == "0-1" && byVector.vector == [0.5])
        #expect(byVector.payload.json == #"{"t":1}"#)
        let odd = try point(#"{"id":1,"t":"x","a\"b\u00e9":{}}"#, RowMapping(textKey: "t"))
        #expect(odd.payload["a\"bé"] == .object([:]))
    }

    @Test(
        "What is wrong with a row is said with its place",
        arguments: [
            ("", nil, "not JSON", "byte 0"), ("[1]", nil, "expected an object", "byte 0"),
            (#"{"id":1,"vector":[1]"#, nil, "not JSON", "byte 20"),
            (#"{"id":1.5,"vector":[1]}"#, nil, "id: expected an integer", "byte 6"),
            (#"{"id":-1,"vector":[1]}"#, nil, "id: expected an integer", "byte 6"),
            (#"{"id":"","vector":[1]}"#, nil, "id: expected an integer", "byte 6"),
            (#"{"id":true,"vector":[1]}"#, nil, "id: expected an integer", "byte 6"),
            (#"{"vector":[1]}"#, nil, "no \"id\"", nil), (#"{"id":1}"#, nil, "nothing to be found by", nil),
            (#"{"id":1,"vector":[1,"x"]}"#, nil, "expected", "byte 20"),
            (#"{"id":1,"vector":[1e99]}"#, nil, "float32", "byte 18"),
            (#"{"id":1,"vektor":[1]}"#, nil, "unknown key \"vektor\"", "byte 8"),
            (#"{"id":1,"id":2,"vector":[1]}"#, nil, "twice", "byte 8"),
            (#"{"id":1,"vector":[1],"payload":[]}"#, nil, "expected an object", "byte 31"),
            (#"{"id":1,"text":5}"#, RowMapping(textKey: "text"), "expected a string", "byte 15"),
            (#"{"id":1,"text":null}"#, RowMapping(textKey: "text"), "expected text", nil),
            (#"{"key":1,"text":"x"}"#, RowMapping(textKey: "text"), "no \"id\"", nil),
            (#"{"id":1,"name":"x"}"#, RowMapping(), "--text-key or --vector-key", nil),
        ] as [(String, RowMapping?, String, String?)])
    func refused(line: String, mapping: RowMapping?, message: String, at: String?) {
        let error = #expect(throws: NeedletailError.self) { _ = try point(line, mapping) }
        #expect(error?.kind == .invalidArgument)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.at == at)
    }
}
