// The writer and the value tree: structure, escaping, shortest numbers, round trips.

import NeedleCore
import Testing

@Suite("JSON: writer and values")
struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.take(), as: UTF8.self)
    }

    @Test("commas and colons are put by the writer")
    func structure() {
        let written = text { writer in
            writer.beginObject()
            writer.key("a")
            writer.beginArray()
            writer.endArray()
            writer.key(string: "b\"")
            writer.beginObject()
            writer.endObject()
            writer.key(utf8: utf8("ü").span)
            writer.beginArray()
            writer.write(1)
            writer.beginArray()
            writer.write(true)
            writer.writeNull()
            writer.endArray()
            writer.beginObject()
            writer.key("x")
            writer.write(literal: "y")
            writer.endObject()
            writer.writeRaw(utf8("{\"raw\":1}"))
            writer.writeRaw(utf8("2").span)
            writer.endArray()
            writer.key("z")
            writer.write(false)
            writer.endObject()
        }
        #expect(written == #"{"a":[],"b\"":{},"ü":[1,[true,null],{"x":"y"},{"raw":1},2],"z":false}"#)
    }

    @Test("strings are escaped minimally")
    func strings() throws {
        #expect(
            text { $0.write("a\"b\\c/d\u{8}\t\n\u{C}\r\u{0}\u{1F}\u{7F}é😀") }
                == #""a\"b\\c/d\b\t\n\f\r\u0000\u001f"# + "\u{7F}é😀\"")
        #expect(text { $0.write("") } == "\"\"")
        for byte in UInt8(0)..<0x80 {
            let one = String(UnicodeScalar(byte))
            let back = try readJSON(text { $0.write("x\(one)y") }) { (reader) throws(JSONError) in
                try reader.readString()
            }
            #expect(back == "x\(one)y")
        }
    }

    @Test("integers at their limits")
    func integers() {
        #expect(text { $0.write(Int64.min) } == "-9223372036854775808")
        #expect(text { $0.write(Int64.max) } == "9223372036854775807")
        #expect(text { $0.write(UInt64.max) } == "18446744073709551615")
        #expect(text { $0.write(0) } == "0")
        #expect(text { $0.write(-1) } == "-1")
        for power in 0..<19 {
            let value = (0..<power).reduce(UInt64(1)) { partial, _ in partial * 10 }
            #expect(text { $0.write(value) } == "\(value)")
            #expect(text { $0.write(value - 1) } == "\(value - 1)")
        }
    }

    @Test("doubles and floats come back bit for bit")
    func floats() throws {
        var random = TestGenerator(seed: 5)
        let edges: [Float] = [
            0, -0.0, 1, -1, 0.1, 1e20, .leastNonzeroMagnitude, .leastNormalMagnitude,
            .greatestFiniteMagnitude, 16_777_216,
        ]
        var singles = edges
        for _ in 0..<3000 {
            let double = Double(bitPattern: random.next())
            let single = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            if single.isFinite { singles.append(single) }
            guard double.isFinite else { continue }
            let back = try readJSON(text { $0.write(double) }) { (reader) throws(JSONError) in
                try reader.readDouble()
            }
            #expect(back.bitPattern == double.bitPattern)
        }
        for single in singles {
            let written = text { $0.write(single) }
            #expect(written.utf8.count <= 15, "\(written) is not the shortest")
            let back = try readJSON(written) { (reader) throws(JSONError) in try reader.readFloat() }
            #expect(back.bitPattern == single.bitPattern)
        }
        let array = try readJSON(text { $0.writeFloats(singles.span) }) { (reader) throws(JSONError) in
            var values: [Float] = []
            try reader.readFloatArray(into: &values, limit: .max)
            return values
        }
        #expect(array.map(\.bitPattern) == singles.map(\.bitPattern))
    }

    @Test("floats are written as the standard library describes them")
    func shortestFloats() {
        var random = TestGenerator(seed: 6)
        var values: [Float] = [
            0, -0.0, 1, 10, 100, 1e6, 9_999_999, 16_777_216, 16_777_218, 1e7, 1e8, 0.0001, 0.00001,
        ]
        for biased in UInt32(0)...254 {
            for fraction: UInt32 in [0, 1, 2, 0x40_0000, 0x7F_FFFE, 0x7F_FFFF] {
                values.append(Float(bitPattern: biased << 23 | fraction))
            }
        }
        for power in -12...12 {
            values.append(Float((0..<abs(power)).reduce(1.0) { p, _ in power < 0 ? p / 10 : p * 10 }))
        }
        for _ in 0..<20_000 {
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            if value.isFinite { values.append(value) }
            values.append((Float(random.below(2_000_001)) - 1_000_000) / 1_000_000)
            values.append(Float(random.below(1 << 26)) / 8)
        }
        let expected = "[" + values.map(\.description).joined(separator: ",") + "]"
        let written = text { $0.writeFloats(values.span) }
        var wrong: [String] = []
        if written != expected {
            for value in values where text({ $0.write(value) }) != value.description {
                wrong.append("\(text { $0.write(value) }) for \(value)")
            }
        }
        #expect(written == expected, "\(wrong.count) wrong: \(wrong.prefix(5))")
    }

    @Test("the writer is reused, and lines are ended")
    func reuse() {
        var writer = JSONWriter(reservingCapacity: 100)
        writer.write(1)
        writer.endLine()
        writer.write(2)
        writer.endLine()
        #expect(writer.bytes == utf8("1\n2\n"))
        writer.reset()
        writer.beginArray()
        #expect(writer.depth == 1)
        writer.endArray()
        #expect(writer.take() == utf8("[]"))
        #expect(writer.bytes.isEmpty)
        var appending = JSONWriter(appendingTo: utf8("x="))
        appending.write("y")
        #expect(appending.take() == utf8("x=\"y\""))
    }

    #if os(Linux)
        @Test("non-finite numbers are a programmer error")
        func nonFinite() async {
            await #expect(processExitsWith: .failure) {
                var writer = JSONWriter()
                writer.write(Double.infinity)
            }
            await #expect(processExitsWith: .failure) {
                var writer = JSONWriter()
                writer.writeFloats([1, .nan].span)
            }
        }
    #endif

    @Test("random values come back", arguments: 0..<4)
    func randomValues(seed: Int) throws {
        var random = TestGenerator(seed: UInt64(seed) + 40)
        for _ in 0..<250 {
            let value = random.value(depth: 5)
            let bytes = value.utf8
            let back = try JSONValue(parsing: bytes.span)
            #expect(back == value)
            #expect(back.utf8 == bytes)
        }
    }

    @Test("values compare by bytes and keep the order of members")
    func equality() throws {
        #expect(JSONValue.string("é") != JSONValue.string("e\u{301}"))
        #expect(try JSONValue(parsing: #"{"a":1,"b":2}"#) != JSONValue(parsing: #"{"b":2,"a":1}"#))
        #expect(try JSONValue(parsing: "1") != JSONValue(parsing: "1.0"))
        #expect(try JSONValue(parsing: #"{"a":[1,2.5,"x",true,null]}"#) == ["a": [1, 2.5, "x", true, .null]])
    }

    @Test("values give access to their parts")
    func access() throws {
        let value = try JSONValue(
            parsing: #"{"a":[1,-2,18446744073709551615,2.5],"s":"t","b":true,"é":1,"n":null}"#)
        #expect(value["a"]?[0]?.integerValue == 1)
        #expect(value["a"]?[1]?.unsignedValue == nil)
        #expect(value["a"]?[1]?.integerValue == -2)
        #expect(value["a"]?[2]?.unsignedValue == .max)
        #expect(value["a"]?[2]?.integerValue == nil)
        #expect(value["a"]?[2]?.doubleValue == 0x1p64)
        #expect(value["a"]?[3]?.doubleValue == 2.5)
        #expect(value["a"]?[4] == nil)
        #expect(value["a"]?.arrayValue?.count == 4)
        #expect(value["s"]?.stringValue == "t")
        #expect(value["b"]?.boolValue == true)
        #expect(value["e\u{301}"] == nil, "names are compared by bytes")
        #expect(value["n"] == .null)
        #expect(value["missing"] == nil)
        #expect(value.objectValue?.map(\.name) == ["a", "s", "b", "é", "n"])
    }

    @Test("a text that is not wholly one value is refused")
    func wholeText() {
        #expect(throws: JSONError.self) { try JSONValue(parsing: "1 2") }
        #expect(throws: JSONError.self) { try JSONValue(parsing: "") }
        #expect(throws: JSONError.self) { try JSONValue(parsing: #"{"a":1,"a":1}"#) }
        #expect(throws: JSONError.self) { try JSONValue(parsing: "[[1]]", maximumDepth: 1) }
    }
}
