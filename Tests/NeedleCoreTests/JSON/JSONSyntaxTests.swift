// Which texts are JSON: the ideas of the public JSONTestSuite as tables, each run through all three ways of
// walking a value (skip, compact, tree), which must agree.

import NeedleCore
import Testing

@Suite("JSON: syntax")
struct JSONSyntaxTests {
    static let accepted: [String] = [
        "[]", "[[]]", "[[] ]", "{}", "{ }", "[ ]", " [] ", "\t[\n]\r\n", "[1]", "[1,2]", "[ 1 , 2 ]",
        "[null,1,\"1\",{}]",
        "null", "true", "false", "0", "-0", "1", "\"\"", "\"a\"", "[true,false,null]", "[\"\"]",
        "[\"a\", [\"b\"]]",
        #"{"":0}"#, #"{"a":{"b":{"c":[]}}}"#, #"{"a":1,"b":2}"#, "{\n\"a\"\t:\r1 ,\"b\" : 2}",
        #"{"\u0061b":0}"#,
        "123", "0.1", "-0.1", "10", "1.5e3", "1E3", "1e+3", "1e-3", "0e0", "-0e-0", "0e+1", "1.0",
        "123.456789",
        "20e1", "123e65", "123.456e78", "-123456789012345678901234567890", "1e-999",
        "0.00000000000000000000000000001",
        #""\"\\\/\b\f\n\r\t""#, #""\u0000""#, #""\u0012""#, #""\uD801\udc37""#,
        #""\ud83d\ude39\ud83d\udc8d""#, #""\uFFFF""#,
        #""\uDBFF\uDFFF""#, #""\u00e9é""#, "\"\u{7F}\"", "\"\u{80}\"",
        "\"\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\"",
        "\"\u{2028}\u{2029}\"", "\"asd \u{FEFF}\"", "\"/\"", "\"a/*b*/c\"", #""\\u0000""#, "\"12345678\"",
        "\"1234567é\"",
        "\"1234567890123456789012345678901234567890\"", #""1234567\n""#, #""12345678\n""#,
    ]

    static let refused: [(String, Int)] = [
        ("", 0), (" ", 1), ("[", 1), ("]", 0), ("{", 1), ("}", 0), ("[1", 2), ("[1,", 3), ("[1,]", 3),
        ("[,1]", 1), ("[1,,2]", 3),
        ("[1 2]", 3), ("[1}", 2), ("{]", 1), ("[1:2]", 2), ("[\"a\":1]", 4), ("[]]", 2), ("[] []", 3),
        ("1 2", 2), ("[]x", 2),
        ("{\"a\"}", 4), ("{\"a\":}", 5), ("{\"a\":1,}", 7), ("{\"a\":1 \"b\":2}", 7), ("{\"a\" 1}", 5),
        ("{a:1}", 1),
        ("{1:1}", 1), ("{'a':1}", 1), ("{\"a\":1,,\"b\":2}", 7), ("{,\"a\":1}", 1), ("{\"a\":1", 6),
        ("{\"a\":", 5), ("{\"a\"", 4),
        ("{null:1}", 1), ("{\"a\":1]", 6), ("{\"a\":1:2}", 6), ("{\"a\",1}", 4), ("{\"a\"::1}", 5),
        ("nul", 3), ("nulL", 3), ("tru", 3), ("truE", 3), ("True", 0), ("fals", 4), ("nullx", 4), ("NULL", 0),
        ("truefalse", 4),
        ("NaN", 0), ("Infinity", 0), ("-Infinity", 1), ("-NaN", 1), ("undefined", 0), ("//", 0), ("/**/1", 0),
        ("1//", 1), ("#", 0),
        ("-", 1), ("+1", 0), ("01", 1), ("-01", 2), ("00", 1), ("1.", 2), (".1", 0), ("-.1", 1), ("1.e1", 2),
        ("1e", 2), ("1e+", 3),
        ("1e-", 3), ("1E", 2), ("1eE2", 2), ("1.2.3", 3), ("1e1.2", 3), ("0x1", 1), ("1a", 1), ("1-1", 1),
        ("--1", 1), ("1+2", 1),
        ("0.", 2), ("0e", 2), ("0.e1", 2), ("1 000", 2), ("1_000", 1), ("[1.]", 3), ("[-]", 2), ("1,", 1),
        ("１", 0),
        ("\"", 1), ("\"a", 2), ("'a'", 0), ("\"\\", 2), ("\"\\\"", 3), ("\"\\a\"", 2), ("\"\\x41\"", 2),
        ("\"\\u\"", 3),
        ("\"\\u12\"", 5), ("\"\\u123g\"", 6), ("\"\\U0041\"", 2), ("\"\\'\"", 2), ("\"\\é\"", 2),
        ("\"a\u{0}b\"", 2), ("\"\u{1F}\"", 1),
        ("\"a\nb\"", 2), ("\"\t\"", 1), ("\"\\\u{0}\"", 2), ("\"\\ud800\"", 1), ("\"\\udc00\"", 1),
        ("\"\\ud800\\n\"", 1),
        ("\"\\ud800\\u0041\"", 1), ("\"\\ud800\\ud800\"", 1), ("\"\\udc00\\ud800\"", 1), ("\"\\ud800x\"", 1),
        ("\"\\ud800\\\"", 1),
        ("\"\\ud800\\u\"", 9), ("\u{FEFF}1", 0), ("1\u{FEFF}", 1), ("[\u{0B}1]", 1), ("[\u{0C}1]", 1),
        ("[\u{A0}1]", 1), ("[\u{2060}]", 1),
        ("\u{0}", 0), ("1\u{0}", 1), ("[1\u{0}]", 2), ("[\u{0}", 1), ("a", 0), ("\"a\"b", 3), ("é", 0),
        ("*", 0), ("<null>", 0), ("[<null>]", 1),
        ("\\u0022a\"", 0), ("[\"a\",\n4\n,1,", 11), ("{\"a\":\"b\"}#", 9), ("{\"a\":\"b\"}}", 9),
        ("[\"x\", truth]", 9), ("\"12345678", 9),
    ]

    static let malformedUTF8: [([UInt8], Int)] = [
        ([0x80], 1), ([0xBF], 1), ([0xC0, 0x80], 1), ([0xC0, 0xAF], 1), ([0xC1, 0xBF], 1), ([0xC2], 2),
        ([0xC2, 0x41], 2),
        ([0xC2, 0xC2], 2), ([0xE0, 0x80, 0x80], 2), ([0xE0, 0x9F, 0xBF], 2), ([0xE0, 0xA0], 3),
        ([0xE1, 0x80], 3), ([0xE1, 0x41, 0x80], 2),
        ([0xE1, 0x80, 0x41], 3), ([0xED, 0xA0, 0x80], 2), ([0xED, 0xBF, 0xBF], 2),
        ([0xF0, 0x80, 0x80, 0x80], 2), ([0xF0, 0x8F, 0xBF, 0xBF], 2),
        ([0xF0, 0x90, 0x80], 4), ([0xF1, 0x80, 0x80, 0xC0], 4), ([0xF4, 0x90, 0x80, 0x80], 2),
        ([0xF5, 0x80, 0x80, 0x80], 1), ([0xF8], 1),
        ([0xFC], 1), ([0xFE], 1), ([0xFF], 1), ([0xEF, 0xBF], 3), ([0xE9], 2),
        ([0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0xFF], 9),
    ]

    @Test("valid texts are accepted")
    func accepts() {
        for text in Self.accepted {
            #expect(skipFailure(of: utf8(text)) == nil, "\(text.debugDescription)")
            #expect(compactFailure(of: utf8(text)) == nil, "\(text.debugDescription)")
            #expect(treeFailure(of: utf8(text)) == nil, "\(text.debugDescription)")
        }
    }

    @Test("invalid texts are refused where they go wrong")
    func refuses() {
        for (text, offset) in Self.refused {
            for error in [
                skipFailure(of: utf8(text)), compactFailure(of: utf8(text)), treeFailure(of: utf8(text)),
            ] {
                #expect(error?.isSyntax == true, "\(text.debugDescription)")
                #expect(error?.offset == offset, "\(text.debugDescription)")
            }
        }
    }

    @Test("malformed UTF-8 is refused in strings and names")
    func refusesUTF8() {
        for (sequence, offset) in Self.malformedUTF8 {
            let quote = UInt8(ascii: "\"")
            let asString = [quote] + sequence + [quote]
            let asName = utf8("{\"") + sequence + utf8("\":1}")
            for error in [skipFailure(of: asString), compactFailure(of: asString), treeFailure(of: asString)]
            {
                #expect(error?.isSyntax == true, "\(sequence)")
                #expect(error?.offset == offset, "\(sequence)")
            }
            #expect(skipFailure(of: asName)?.offset == offset + 1, "\(sequence)")
        }
    }

    @Test("UTF-16 and UTF-32 are not JSON here")
    func refusesOtherEncodings() {
        #expect(skipFailure(of: [0x5B, 0x00, 0x5D, 0x00])?.offset == 1)
        #expect(skipFailure(of: [0x00, 0x5B, 0x00, 0x5D])?.offset == 0)
        #expect(skipFailure(of: [0xFF, 0xFE, 0x5B, 0x00])?.offset == 0)
        #expect(skipFailure(of: [0xEF, 0xBB, 0xBF, 0x5B, 0x5D])?.offset == 0)
    }

    @Test("every scalar value survives as itself and as an escape")
    func everyScalar() throws {
        // One scalar in 61, and all the borders.
        let borders: [UInt32] = [
            0x20, 0x21, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF,
        ]
        for code in Array(stride(from: UInt32(0x20), through: 0x10FFFF, by: 61)) + borders {
            guard let scalar = Unicode.Scalar(code), scalar != "\"", scalar != "\\" else { continue }
            let expected = Array(String(Character(scalar)).utf8)
            let units = String(Character(scalar)).utf16.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }.joined()
            let plain = try readJSON("\"\(Character(scalar))\"") { (reader) throws(JSONError) in
                try reader.readBytes()
            }
            let escaped = try readJSON("\"\(units)\"") { (reader) throws(JSONError) in try reader.readBytes()
            }
            #expect(plain == expected)
            #expect(escaped == expected)
        }
    }

    @Test("nesting is limited, however deep the text goes", arguments: ["[", "{\"a\":", "[[[[{\"a\":"])
    func nesting(unit: String) {
        let bombs = utf8(String(repeating: unit, count: 100_000))
        for error in [skipFailure(of: bombs), compactFailure(of: bombs), treeFailure(of: bombs)] {
            #expect(error?.kind == .tooDeep(limit: 64))
            #expect(error?.isSyntax == true)
        }
    }

    @Test("exactly the allowed number of levels is accepted", arguments: [1, 2, 63, 64, 72, 127, 128])
    func depthLimit(limit: Int) {
        let fits = utf8(String(repeating: "[", count: limit) + String(repeating: "]", count: limit))
        let exceeds = utf8("[") + fits + utf8("]")
        #expect(skipFailure(of: fits, maximumDepth: limit) == nil)
        #expect(skipFailure(of: exceeds, maximumDepth: limit) == JSONError(.tooDeep(limit: limit), at: limit))
        let objects = utf8(
            String(repeating: "{\"a\":", count: limit) + "1" + String(repeating: "}", count: limit))
        #expect(skipFailure(of: objects, maximumDepth: limit) == nil)
        // Closed containers do not count.
        let wide = utf8("[" + Array(repeating: "[]", count: 200).joined(separator: ",") + "]")
        #expect(limit < 2 || skipFailure(of: wide, maximumDepth: limit) == nil)
    }
}
