// Base64: what is canonical, and vectors in it, in place and with escapes.

import NeedleCore
import Testing

@Suite("JSON: base64")
struct Base64Tests {
    private func encoded(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        Base64.encode(bytes.span.bytes, into: &text)
        return String(decoding: text, as: UTF8.self)
    }

    private func decoded(_ text: String) -> [UInt8]? {
        let bytes = utf8(text)
        return Base64.decode(bytes.span)
    }

    private func vector(_ text: String, limit: Int = 100_000) -> Result<[Float], JSONError> {
        Result { () throws(JSONError) in
            try readJSON(text) { (reader) throws(JSONError) in
                var values: [Float] = [9]
                try reader.readBase64Floats(into: &values, limit: limit)
                return values
            }
        }
    }

    @Test("the vectors of RFC 4648, section 10")
    func published() {
        let pairs = [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
        ]
        for (plain, text) in pairs {
            #expect(encoded(utf8(plain)) == text)
            #expect(decoded(text) == utf8(plain))
        }
    }

    @Test("only canonical text is decoded")
    func strict() {
        let refused = [
            "Zg", "Zg=", "Zg===", "Z", "=", "==", "===", "====", "Z===", "Zm8", "Zm9", "Zh==", "Zm9=",
            "Zg==Zg==", "Zm8=Zm9v", "Zg=a", "Z=g=",
            " Zg==", "Zg== ", "Zm 9v", "Zm\n9v", "Zm9-", "Zm9_", "Zm9v\u{0}", "Zm9é", "Zm9*", "=m9v",
            "Zg==\n", "Zm9vZg=", "!!!!",
        ]
        for text in refused { #expect(decoded(text) == nil, "\(text.debugDescription)") }
    }

    private func bytes(_ text: String) -> Result<[UInt8], JSONError> {
        Result { () throws(JSONError) in
            try readJSON(text) { (reader) throws(JSONError) in try reader.readBase64Bytes() }
        }
    }

    @Test("bytes in a line: every length, escapes, and what is refused")
    func bytesInPlace() throws {
        var random = TestGenerator(seed: 5)
        for length in Array(0...70) + [767, 768, 3071, 3072, 3073, 3084, 6144, 10_001] {
            let plain = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let text = encoded(plain)
            #expect(try bytes("\"\(text)\"").get() == plain)
            #expect(try bytes("\"\(text.replacing("/", with: "\\/"))\"").get() == plain)
        }
        for refused in [
            "\"Zg\"", "\"Zm9\"", "\"Zg==Zg==\"", "\"Zm9v!\"", "\"====\"", "\"Zm 9v\"", "\"Zh==\"",
        ] {
            guard case .failure(let error) = bytes(refused) else {
                Issue.record("accepted: \(refused)")
                continue
            }
            #expect(error.kind == .invalidBase64)
        }
        guard case .failure(let error) = bytes("7") else { throw JSONError(.invalidBase64, at: 0) }
        #expect(error.kind == .wrongType(expected: "a base64 string", got: .number))
        guard case .failure(let open) = bytes("\"Zm9v") else { throw JSONError(.invalidBase64, at: 0) }
        #expect(open.isSyntax)
    }

    @Test("random bytes of every length come back")
    func roundTrips() {
        var random = TestGenerator(seed: 3)
        for length in Array(0...70) + [3071, 3072, 3073, 6144, 10_001] {
            let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let text = encoded(bytes)
            #expect(text.utf8.count == (length + 2) / 3 * 4)
            #expect(decoded(text) == bytes)
        }
    }

    @Test("vectors of every length come back bit for bit, in place and with escapes")
    func vectors() {
        var random = TestGenerator(seed: 4)
        for count in Array(0...26) + [384, 767, 768, 769, 771, 1536, 2000] {
            let values = (0..<count).map { _ in
                let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
                return value.isFinite ? value : -0.0
            }
            var writer = JSONWriter()
            writer.writeBase64(values.span)
            let text = String(decoding: writer.take(), as: UTF8.self)
            let expected = ([9] + values).map(\.bitPattern)
            #expect((try? vector(text).get())?.map(\.bitPattern) == expected)
            #expect((try? vector("  \(text)  ").get())?.map(\.bitPattern) == expected)
            let slashes = text.replacing("/", with: "\\/")
            #expect((try? vector(slashes).get())?.map(\.bitPattern) == expected)
            let unicode = text.replacing("A", with: "\\u0041").replacing("=", with: "\\u003d")
            #expect((try? vector(unicode).get())?.map(\.bitPattern) == expected)
            #expect(
                vector(text, limit: count - 1)
                    == .failure(JSONError(.tooManyElements(limit: count - 1), at: 0)) || count == 0)
        }
    }

    @Test("a bad character anywhere is refused, in place")
    func badCharacters() {
        var writer = JSONWriter()
        let values: [Float] = (0..<40).map { Float($0) }
        writer.writeBase64(values.span)
        let text = writer.take()
        for index in 1..<text.count - 1 {
            for bad in utf8("*- =_") {
                var changed = text
                changed[index] = bad
                // The one padding character of this text replaced by itself changes nothing.
                guard changed != text else { continue }
                let result = vector(String(decoding: changed, as: UTF8.self))
                #expect(result == .failure(JSONError(.invalidBase64, at: 0)), "\(index)")
            }
            var control = text
            control[index] = 0x0A
            #expect(vector(String(decoding: control, as: UTF8.self)).syntaxOffset == index)
            #expect(vector(String(decoding: text[..<index], as: UTF8.self)).syntaxOffset == index)
        }
    }

    @Test("lengths that are no whole floats, and values that are no finite ones")
    func refusedVectors() {
        let invalid = Result<[Float], JSONError>.failure(JSONError(.invalidBase64, at: 0))
        for text in [
            "Zg==", "Zm8=", "Zm9v", "Zm9vYmE=", "AAAAAAA=", "AACAPw", "AACAPw=", "AACAPw==AACAPw==",
            "AACAPx==",
        ] {
            #expect(vector("\"\(text)\"") == invalid, "\(text)")
        }
        #expect(vector("\"AACAPw==\"") == .success([9, 1]))
        #expect(vector("\"\"") == .success([9]))
        for bad in [Float.infinity, -.infinity, .nan, .signalingNaN] {
            let values: [Float] = [1, 2, 3, bad, 5, bad]
            var writer = JSONWriter()
            writer.writeBase64(values.span)
            let text = String(decoding: writer.take(), as: UTF8.self)
            #expect(vector(text) == .failure(JSONError(.notAFloat(index: 3), at: 0)))
        }
        #expect(
            vector("[1]") == .failure(JSONError(.wrongType(expected: "a base64 string", got: .array), at: 0)))
    }

    @Test("the finite check sees every place and every pattern")
    func finite() {
        for count in [1, 3, 4, 15, 16, 17, 64, 384] {
            let good = [Float](repeating: -.greatestFiniteMagnitude, count: count)
            let allGood = FiniteCheck.allFinite(good.span)
            #expect(allGood)
            for index in 0..<count {
                for bad in [Float.infinity, -.infinity, .nan, -.nan] {
                    var values = good
                    values[index] = bad
                    let found = FiniteCheck.firstNonFinite(in: values.span)
                    #expect(found == index)
                }
            }
        }
        let edges: [Float] = [
            0, -0.0, .leastNonzeroMagnitude, -.leastNormalMagnitude, .greatestFiniteMagnitude,
        ]
        let edgesAreFinite = FiniteCheck.allFinite(edges.span)
        #expect(edgesAreFinite)
        let none = FiniteCheck.firstNonFinite(in: edges.span)
        #expect(none == nil)
    }
}
