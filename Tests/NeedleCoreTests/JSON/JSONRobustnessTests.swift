// Damaged and hostile texts: no input may trap, run away or be accepted by one walk and refused by another.

import NeedleCore
import Testing

@Suite("JSON: robustness")
struct JSONRobustnessTests {
    static let document = utf8(
        """
        {"jsonrpc":"2.0","id":7,"method":"point.upsert","params":{"collection":"docs",\
        "points":[{"id":1,"vector":[0.25,-0.034567890123456789, 1e-3,17],"payload":\
        {"a":"é\\u00e9\\ud83d\\ude00","b":[true,false,null,{}],"n":-12.5e+3}},{"id":"x",\
        "vector":"AACAPwAAAEAAAEBA"}],"deadline_ms":18446744073709551615}}
        """)

    /// Walks a text in every way there is; the verdicts on the syntax must agree.
    private func walk(_ text: [UInt8]) {
        let skipped = skipFailure(of: text)
        let compacted = compactFailure(of: text)
        let tree = treeFailure(of: text)
        // A walk that refuses duplicates may stop before it comes to a syntax error, but never the other
        // way round.
        #expect(compacted != nil || skipped == nil)
        #expect(skipped != nil || compacted?.isSyntax != true)
        #expect((compacted == nil) == (tree == nil))
        if let skipped {
            #expect(skipped.isSyntax)
            #expect(skipped.offset <= text.count)
            if compacted?.isSyntax == true { #expect(compacted?.offset == skipped.offset) }
        }
        _ = jsonFailure(of: text) { (reader) throws(JSONError) in try decodeRequest(&reader) }
    }

    /// A codec in small, which uses the typed reads.
    private func decodeRequest(_ reader: inout JSONReader) throws(JSONError) {
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "params", "payload": try decodeRequest(&reader)
            case "points":
                var elements = try reader.beginArray()
                while try reader.nextElement(&elements) { try decodeRequest(&reader) }
            case "vector":
                var vector: [Float] = []
                try reader.readVector(into: &vector, limit: 100)
            case "id": _ = try reader.readNumber()
            case "deadline_ms": _ = try reader.readUInt64()
            default: try reader.skipValue()
            }
        }
    }

    @Test("the document itself is fine")
    func intact() { #expect(skipFailure(of: Self.document) == nil && treeFailure(of: Self.document) == nil) }

    @Test("a text cut at any byte is refused at its end")
    func truncations() {
        for length in 0..<Self.document.count {
            let cut = Array(Self.document[..<length])
            let error = skipFailure(of: cut)
            #expect(error?.isSyntax == true)
            // The error is at the end, or at the escape that is cut short.
            #expect((error?.offset ?? 0) > length - 13)
            walk(cut)
        }
    }

    @Test(
        "no single changed byte traps or divides the walks",
        arguments: [0x00, 0x01, 0x20, 0x22, 0x5C, 0x80, 0xFF] as [UInt8])
    func flips(pattern: UInt8) {
        var text = Self.document
        for index in text.indices {
            let original = text[index]
            for changed in [original ^ pattern, pattern] where changed != original {
                text[index] = changed
                walk(text)
            }
            text[index] = original
        }
    }

    @Test("random mutations and splices", arguments: 0..<4)
    func mutations(seed: Int) {
        var random = TestGenerator(seed: UInt64(seed) &+ 99)
        let interesting = utf8("{}[],:\"\\0123456789.eE+-truefalsn \n\u{1}") + [0x80, 0xC3, 0xED, 0xF0, 0xFF]
        for _ in 0..<600 {
            var text = Self.document
            for _ in 0...random.below(4) {
                let at = random.below(text.count)
                switch random.below(4) {
                case 0: text[at] = interesting[random.below(interesting.count)]
                case 1: text.remove(at: at)
                case 2: text.insert(interesting[random.below(interesting.count)], at: at)
                default:
                    let from = random.below(text.count)
                    let piece = Array(text[from..<min(text.count, from + random.below(24))])
                    text.insert(contentsOf: piece, at: at)
                }
            }
            walk(text)
        }
    }

    @Test("an empty text, and a text that is all one byte")
    func degenerate() {
        walk([])
        for byte in UInt8.min...UInt8.max {
            walk([byte])
            walk([UInt8](repeating: byte, count: 70))
        }
    }

    @Test("very long tokens stay linear")
    func longTokens() throws {
        let digits = String(repeating: "9", count: 300_000)
        #expect(compactFailure(of: utf8(digits))?.kind == .overflowsDouble)
        #expect(compactFailure(of: utf8("0." + digits)) == nil)
        let zeros = String(repeating: "0", count: 300_000)
        let one = try readJSON("0.\(zeros)1e300001") { (reader) throws(JSONError) in try reader.readDouble() }
        #expect(one == 1)
        let hundred = try readJSON("1\(zeros)e-299998") { (reader) throws(JSONError) in try reader.readFloat()
        }
        #expect(hundred == 100)
        let escapes = String(repeating: "\\n", count: 100_000)
        let long = try readJSON("\"\(escapes)\"") { (reader) throws(JSONError) in try reader.readBytes() }
        #expect(long.count == 100_000)
    }

    @Test("an object of very many names is not quadratic")
    func manyNames() {
        let members = (0..<40_000).map { "\"k\($0)\":0" }
        #expect(compactFailure(of: utf8("{" + members.joined(separator: ",") + "}")) == nil)
        let repeated = members + ["\"k\\u0037\":0"]  // k7
        let error = compactFailure(of: utf8("{" + repeated.joined(separator: ",") + "}"))
        #expect(error?.kind == .duplicateKey("k7"))
    }
}
