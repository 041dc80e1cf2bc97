// The reader's own interface: walking, typed reads, positions, duplicates, paths.

import NeedleCore
import Testing

@Suite("JSON: reader")
struct JSONReaderTests {
    private struct Envelope: Equatable {
        var id: Int64?
        var method: String?
        var limit: Int?
        var vector: [Float] = []
        var tags: [String] = []
        var problem: JSONError?
        var path: String?
    }

    /// Decodes as the wire codec does: a semantic error in `params` is noted, then the rest is still
    /// checked.
    private func decode(_ text: String) throws(JSONError) -> Envelope {
        let bytes = utf8(text)
        var reader = JSONReader(bytes.span)
        var envelope = Envelope()
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "id": envelope.id = try reader.readInt64()
            case "method": envelope.method = try reader.readString()
            case "params":
                let start = reader.position
                do throws(JSONError) {
                    try decodeParams(&reader, &envelope)
                } catch  where !error.isSyntax {
                    envelope.problem = error
                    envelope.path = reader.path(from: start, to: error.offset)
                    reader.rewind(to: start)
                    try reader.skipValue()
                }
            default: throw JSONError(.unknownKey(key.string), at: key.offset)
            }
        }
        try reader.finish()
        return envelope
    }

    private func decodeParams(_ reader: inout JSONReader, _ envelope: inout Envelope) throws(JSONError) {
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "limit": envelope.limit = try reader.readInt(in: 1...100)
            case "v": try reader.readVector(into: &envelope.vector, limit: 4)
            case "tags":
                var elements = try reader.beginArray()
                while try reader.nextElement(&elements) { envelope.tags.append(try reader.readString()) }
            case "payload":
                var payload: [UInt8] = []
                try reader.compactObject(into: &payload)
            default: throw JSONError(.unknownKey(key.string), at: key.offset)
            }
        }
    }

    @Test("an envelope is decoded in whatever order its keys come")
    func order() throws {
        let expected = Envelope(id: 7, method: "m", limit: 3, vector: [1, 2.5], tags: ["a", "b"])
        let params = #"{"limit":3,"v":[1,2.5],"tags":["a","b"]}"#
        #expect(try decode(#"{"id":7,"method":"m","params":\#(params)}"#) == expected)
        #expect(try decode(#" { "params" : \#(params) , "method" : "m" , "id" : 7 } "#) == expected)
        #expect(try decode(#"{"p\u0061rams":\#(params),"\u006dethod":"\u006d","id":7}"#) == expected)
    }

    @Test(
        "semantic errors name their place and let the rest be read",
        arguments: [
            (#"{"limit":"x"}"#, "limit", JSONError.Kind.wrongType(expected: "an integer", got: .string)),
            (#"{"limit":101}"#, "limit", .outOfRange(expected: "an integer in 1 ... 100")),
            (#"{"limit":1.0}"#, "limit", .notAnInteger),
            (#"{"v":[1,2,null]}"#, "v[2]", .wrongType(expected: "a number", got: .null)),
            (#"{"v":[1,2e39]}"#, "v[1]", .notAFloat(index: 1)),
            (#"{"v":[1,2,3,4,5]}"#, "v", .tooManyElements(limit: 4)),
            (#"{"v":"AACAPw"}"#, "v", .invalidBase64),
            (#"{"v":{}}"#, "v", .wrongType(expected: "an array of numbers or a base64 string", got: .object)),
            (#"{"tags":["a",["b"]]}"#, "tags[1]", .wrongType(expected: "a string", got: .array)),
            (#"{"tags":[] , "tags":[]}"#, "tags", .duplicateKey("tags")),
            (#"{"x y":1}"#, "\"x y\"", .unknownKey("x y")),
            (#"{"payload":[]}"#, "payload", .wrongType(expected: "an object", got: .array)),
            (#"{"payload":{"a":1,"b":[{},{"c":{"d":1,"d":2}}]}}"#, "payload.b[1].c.d", .duplicateKey("d")),
            (#"{"payload":{"a":[1, 2, 1e999]}}"#, "payload.a[2]", .overflowsDouble),
            (#"[]"#, "", .wrongType(expected: "an object", got: .array)),
        ])
    func semanticErrors(params: String, path: String, kind: JSONError.Kind) throws {
        let envelope = try decode(#"{"method":"m","params":\#(params),"id":9}"#)
        #expect(envelope.problem?.kind == kind)
        #expect(envelope.path == path)
        #expect(envelope.id == 9, "what follows the refused params is read")
        #expect(envelope.problem?.message.isEmpty == false)
    }

    @Test("a syntax error anywhere wins over a semantic one")
    func syntaxWins() {
        let text = #"{"params":{"limit":"x","v":[1,2}},"id":9}"#
        do throws(JSONError) {
            _ = try decode(text)
            Issue.record("accepted")
        } catch {
            #expect(error.isSyntax)
            #expect(error.offset == 31)
        }
    }

    @Test("a semantic error leaves the reader in front of the value")
    func staysInFront() throws {
        let bytes = utf8(#"  [1.5, "x"] "#)
        var reader = JSONReader(bytes.span)
        do throws(JSONError) {
            _ = try reader.readString()
            Issue.record("an array was read as a string")
        } catch {
            #expect(error == JSONError(.wrongType(expected: "a string", got: .array), at: 2))
        }
        var elements = try reader.beginArray()
        let answer1 = try reader.nextElement(&elements)
        #expect(answer1)
        do throws(JSONError) { _ = try reader.readInt64() } catch {
            #expect(error == JSONError(.notAnInteger, at: 3))
        }
        let place = reader.offset
        #expect(place == 3)
        let answer2 = try reader.readDouble()
        #expect(answer2 == 1.5)
        let answer3 = try reader.nextElement(&elements)
        #expect(answer3)
        #expect(elements.index == 1)
        do throws(JSONError) { _ = try reader.readBool() } catch { #expect(error.offset == 8) }
        let isX = try reader.readText() == "x"
        #expect(isX)
        let answer5 = try reader.nextElement(&elements)
        #expect(answer5 == false)
        let answer6 = reader.isAtEnd()
        #expect(answer6)
    }

    @Test("names are compared by bytes, with escapes resolved")
    func names() throws {
        let bytes = utf8(#"["key","k\u0065y","k","","é","e\u0301","\u00e9"]"#)
        var reader = JSONReader(bytes.span)
        var elements = try reader.beginArray()
        var answers: [[Bool]] = []
        while try reader.nextElement(&elements) {
            let text = try reader.readText()
            answers.append([text == "key", text == "k", text == "", text == "é"])
        }
        #expect(
            answers == [
                [true, false, false, false], [true, false, false, false], [false, true, false, false],
                [false, false, true, false], [false, false, false, true], [false, false, false, false],
                [false, false, false, true],
            ])
    }

    @Test("texts give their bytes, string, length and place")
    func text() throws {
        let bytes = utf8(#" "a\n\ud83d\ude00é" "#)
        var reader = JSONReader(bytes.span)
        let text = try reader.readText()
        #expect(text.string == "a\n😀é")
        #expect(text.utf8 == utf8("a\n😀é"))
        #expect(text.utf8Count == 8)
        #expect(text.offset == 1)
    }

    @Test(
        "duplicates are found below, at and above the borders of the name table",
        arguments: [1, 2, 15, 16, 17, 18, 31, 32, 33, 200])
    func duplicates(count: Int) {
        let members = (0..<count).map { "\"n\($0)\":\($0)" }
        #expect(treeFailure(of: utf8("{\(members.joined(separator: ","))}")) == nil)
        for repeated in Set([0, count / 2, count - 1]) {
            for name in ["n\(repeated)", "\\u006e\(repeated)"] {
                let text = "{\(members.joined(separator: ",")), \"\(name)\":1}"
                let expected = JSONError(
                    .duplicateKey("n\(repeated)"), at: members.joined(separator: ",").utf8.count + 3)
                #expect(treeFailure(of: utf8(text)) == expected)
                #expect(compactFailure(of: utf8(text)) == expected)
            }
        }
    }

    @Test("names that differ only in composition, case or escapes of other characters are different")
    func notDuplicates() {
        #expect(treeFailure(of: utf8(#"{"é":1,"e\u0301":2,"É":3,"e":4,"":5,"\u0000":6,"\\u0000":7}"#)) == nil)
        #expect(treeFailure(of: utf8(#"{"":1,"":2}"#))?.kind == .duplicateKey(""))
        #expect(treeFailure(of: utf8(#"{"\\/":1,"\u005c\/":2}"#))?.kind == .duplicateKey("\\/"))
    }

    @Test("paths of every value and name of a document")
    func paths() {
        let text = #"{"a":[10,{"b":"c"},[]],"x.y":{"é":true},"long":{"k":[[1],[2,[3]]]}}"#
        let places: [(String, String)] = [
            ("{\"a\"", ""), ("\"a\"", "a"), ("[10", "a"), ("10", "a[0]"), ("{\"b\"", "a[1]"),
            ("\"b\"", "a[1].b"), ("\"c\"", "a[1].b"),
            ("[]]", "a[2]"), ("\"x.y\"", "\"x.y\""), ("{\"é\"", "\"x.y\""), ("true", "\"x.y\".é"),
            ("[[1]", "long.k"), ("[1]", "long.k[0]"),
            ("2,", "long.k[1][0]"), ("3]", "long.k[1][1][0]"),
        ]
        let bytes = utf8(text)
        let reader = JSONReader(bytes.span)
        for (place, path) in places {
            let needle = utf8(place)
            guard let at = bytes.indices.first(where: { bytes[$0...].starts(with: needle) }) else {
                Issue.record("\(place) is not in the document")
                continue
            }
            let answer7 = reader.path(from: reader.position, to: at)
            #expect(answer7 == path, "\(place)")
        }
    }

    @Test("long names are cut in paths and messages, at a character")
    func longNames() {
        let name = String(repeating: "é", count: 5000)
        let error = treeFailure(of: utf8("{\"\(name)\":1,\"\(name)\":2}"))
        #expect(error?.kind == .duplicateKey(String(repeating: "é", count: 32) + "…"))
    }

    @Test("objects whose names are known to be distinct are walked alike, without looking for duplicates")
    func knownNames() throws {
        let bytes = utf8(#" { "a" : 1 , "b" : {} , "a" : 2 } "#)
        var reader = JSONReader(bytes.span)
        var members = try reader.beginKnownObject()
        var names: [String] = []
        while let key = try reader.nextKnownKey(&members) {
            names.append(key.string)
            try reader.skipValue()
        }
        try reader.finish()
        #expect(names == ["a", "b", "a"])
        for broken in ["{,\"a\":1}", "{\"a\":1,}", "{\"a\":1 \"b\":1}", "{\"a\" 1}", "{1:1}", "{"] {
            let error = jsonFailure(of: utf8(broken)) { (reader) throws(JSONError) in
                var members = try reader.beginKnownObject()
                while (try reader.nextKnownKey(&members)) != nil { try reader.skipValue() }
            }
            #expect(error?.isSyntax == true, "\(broken)")
        }
    }

    @Test("null counts as absent where the caller asks")
    func nulls() throws {
        let bytes = utf8("[null,1]")
        var reader = JSONReader(bytes.span)
        var elements = try reader.beginArray()
        _ = try reader.nextElement(&elements)
        let answer8 = try reader.readNullIfPresent()
        #expect(answer8)
        _ = try reader.nextElement(&elements)
        let answer9 = try reader.readNullIfPresent()
        #expect(answer9 == false)
        let answer10 = try reader.peekIsInteger()
        #expect(answer10)
        let answer11 = try reader.peekKind()
        #expect(answer11 == .number)
        try reader.skipValue()
        let answer12 = try reader.nextElement(&elements)
        #expect(answer12 == false)
        try reader.finish()
    }
}
