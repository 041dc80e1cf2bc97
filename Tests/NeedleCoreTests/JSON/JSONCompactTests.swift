// Capturing payload text: white space goes, everything else stays to the byte.

import NeedleCore
import Testing

@Suite("JSON: compact text")
struct JSONCompactTests {
    private func compact(_ text: String) throws(JSONError) -> String {
        let bytes = try readJSON(text) { (reader) throws(JSONError) in
            var output: [UInt8] = utf8("<")
            try reader.compactValue(into: &output)
            return output
        }
        #expect(bytes.first == UInt8(ascii: "<"), "what was there before stays")
        return String(decoding: bytes.dropFirst(), as: UTF8.self)
    }

    @Test(
        "white space between tokens goes, in strings it stays",
        arguments: [
            ("1", "1"), (" 1 ", "1"), ("\"a b\"", "\"a b\""), ("{ }", "{}"), ("[ ]", "[]"),
            ("\t{\r\n}\n", "{}"),
            (#"{"a":1}"#, #"{"a":1}"#), (#" { "a" : 1 , "b" : [ 1 , 2 , { } ] } "#, #"{"a":1,"b":[1,2,{}]}"#),
            (#"{"a b" : " c  d " }"#, #"{"a b":" c  d "}"#), ("[1,\n2,\n  3]", "[1,2,3]"),
            ("[[ [\t] ] ]", "[[[]]]"),
            (#"[ "\u00e9\/é\ud83d\ude00\"" ]"#, #"["\u00e9\/é\ud83d\ude00\""]"#),
            (
                "[1.0, 1.50, 1e3, 1E+3, -0, -0.0, 0.10, 12345678901234567890123]",
                "[1.0,1.50,1e3,1E+3,-0,-0.0,0.10,12345678901234567890123]"
            ),
            ("[ true , false , null ]", "[true,false,null]"),
        ])
    func spaces(text: String, expected: String) throws {
        #expect(try compact(text) == expected)
    }

    @Test("compact text is its own compact text, and means the same")
    func idempotent() throws {
        var random = TestGenerator(seed: 21)
        for _ in 0..<300 {
            let value = random.value(depth: 4)
            let text = String(decoding: value.utf8, as: UTF8.self)
            #expect(try compact(text) == text)
            #expect(try compact(spaced(text, &random)) == text)
        }
    }

    /// The text with white space put between its tokens.
    private func spaced(_ text: String, _ random: inout TestGenerator) -> String {
        var result: [UInt8] = []
        var inString = false
        var escaped = false
        for byte in text.utf8 {
            let isStructural = !inString && utf8("{}[],:").contains(byte)
            if isStructural { result += [[], utf8(" "), utf8("\n\t ")][random.below(3)] }
            result.append(byte)
            if isStructural { result += [[], utf8("\r\n"), utf8("  ")][random.below(3)] }
            if inString {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
            } else if byte == UInt8(ascii: "\"") {
                inString = true
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    @Test("numbers that overflow a double are refused, however they are written")
    func overflow() throws {
        let zeros = String(repeating: "0", count: 320)
        for text in [
            "1e309", "[1,-1e309]", "1\(zeros)", "0.1e310", "123\(zeros)e-10", "1e999999999999999999999",
        ] {
            #expect(compactFailure(of: utf8(text))?.kind == .overflowsDouble, "\(text)")
        }
        for text in [
            "1e308", "0e999", "0.0\(zeros)1e600", "1\(zeros)e-100", "1e-999999999999999999999",
            "17976931348623157\(String(repeating: "0", count: 292))",
        ] {
            #expect(try compact(text) == text)
        }
    }

    @Test("a payload must be an object")
    func objects() {
        for (text, kind) in [
            ("1", JSONKind.number), ("[{}]", .array), ("\"{}\"", .string), ("null", .null), ("true", .bool),
        ] {
            let error = jsonFailure(of: utf8(text)) { (reader) throws(JSONError) in
                var output: [UInt8] = []
                try reader.compactObject(into: &output)
            }
            #expect(error == JSONError(.wrongType(expected: "an object", got: kind), at: 0))
        }
    }

    @Test("the value ends where it ends")
    func boundaries() throws {
        let bytes = utf8(#"{"payload": {"a": 1} , "next": 2}"#)
        var reader = JSONReader(bytes.span)
        var members = try reader.beginObject()
        _ = try reader.nextKey(&members)
        var payload: [UInt8] = []
        try reader.compactObject(into: &payload)
        #expect(payload == utf8(#"{"a":1}"#))
        let isNext = try reader.nextKey(&members)?.equals("next")
        #expect(isNext == true)
        #expect(members.count == 2)
    }

    @Test("stepping over known text ends where checking it ends")
    func knownValues() throws {
        var random = TestGenerator(seed: 22)
        for _ in 0..<400 {
            let text = random.value(depth: 4).utf8 + utf8([",", "]", "}", "", " "][random.below(5)])
            var checking = JSONReader(text.span)
            try checking.skipValue()
            var stepping = JSONReader(text.span)
            stepping.skipKnownValue()
            let (checked, stepped) = (checking.offset, stepping.offset)
            #expect(checked == stepped, "\(String(decoding: text, as: UTF8.self))")
        }
    }

    @Test("stepping over text that is not known to be good stays within it")
    func knownValuesOfAnything() {
        var random = TestGenerator(seed: 23)
        let alphabet = utf8("{}[]\"\\,:1e \n") + [0x80, 0xFF, 0]
        for length in 0..<200 {
            let text = (0..<length).map { _ in alphabet[random.below(alphabet.count)] }
            var reader = JSONReader(text.span)
            reader.skipKnownValue()
            let end = reader.offset
            #expect(end <= length)
        }
    }
}
