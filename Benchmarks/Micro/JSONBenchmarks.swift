// Micro benchmarks of the JSON reader and writer: nanoseconds of processor time per operation, the best of
// several rounds.

import NeedleCore

enum JSONBenchmarks {
    static func run() {
        var random = Xorshift(state: 0x9E37_79B9_7F4A_7C15)
        let components = (0..<384).map { _ in random.component() }
        let long = components.map { "\($0)" }.joined(separator: ",")
        let spaced = components.map { "\($0)" }.joined(separator: ", ")
        let short = components.map { "\(($0 * 10_000).rounded() / 10_000)" }.joined(separator: ",")
        let floats = components.map { "\(Float($0))" }.joined(separator: ",")
        measureFloats("384 floats, full doubles", long)
        measureFloats("384 floats, full doubles, spaced", spaced)
        measureFloats("384 floats, 4 decimals", short)
        measureFloats("384 floats, shortest float32", floats)
        measureBase64(components.map(Float.init))
        measureRequest("request, full doubles", long)
        measureRequest("request, shortest float32", floats)
        measurePayload()
        measureLookUp()
        measureWriter(components.map(Float.init))
        measureDoubles(components)
    }

    private static func measureFloats(_ name: String, _ numbers: String) {
        let text = Array("[\(numbers)]        ".utf8) + [UInt8](repeating: 0x20, count: 64)
        var output: [Float] = []
        output.reserveCapacity(384)
        report("\(name) (\(text.count - 72) bytes)", iterations: 2000) {
            output.removeAll(keepingCapacity: true)
            var reader = JSONReader(text.span)
            do throws(JSONError) { try reader.readFloatArray(into: &output, limit: 65_536) } catch {
                return 0
            }
            return output.count
        }
    }

    private static func measureBase64(_ values: [Float]) {
        var writer = JSONWriter()
        writer.writeBase64(values.span)
        let text = writer.take()
        var output: [Float] = []
        output.reserveCapacity(384)
        report("base64 of 384 floats, decode (\(text.count - 2) characters)", iterations: 5000) {
            output.removeAll(keepingCapacity: true)
            var reader = JSONReader(text.span)
            do throws(JSONError) { try reader.readBase64Floats(into: &output, limit: 65_536) } catch {
                return 0
            }
            return output.count
        }
        report("base64 of 384 floats, encode", iterations: 5000) {
            writer.reset()
            writer.writeBase64(values.span)
            return writer.bytes.count
        }
        report("allFinite of 384 floats", iterations: 20_000) { FiniteCheck.allFinite(values.span) ? 1 : 0 }
    }

    private static func measureRequest(_ name: String, _ numbers: String) {
        let line = Array(
            """
            {"jsonrpc":"2.0","id":7,"method":"point.search","params":{"collection":"docs",\
            "vector":[\(numbers)],"limit":10,\
            "filter":{"must":[{"key":"kind","match":{"value":"note"}}]},"with_payload":true}}
            """.utf8)
        report("\(name) (\(line.count) bytes)", iterations: 2000) {
            do throws(JSONError) { return try decode(line.span) } catch { return 0 }
        }
        report("\(name), skipped", iterations: 2000) {
            var reader = JSONReader(line.span)
            do throws(JSONError) { try reader.skipValue() } catch { return 0 }
            return reader.offset
        }
    }

    /// What the wire codec does with a search, in small.
    private static func decode(_ line: Span<UInt8>) throws(JSONError) -> Int {
        var reader = JSONReader(line)
        var sum = 0
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "jsonrpc": sum += try reader.readText() == "2.0" ? 1 : 0
            case "id": sum += Int(try reader.readInt64())
            case "method": sum += try reader.readText().utf8Count
            case "params": sum += try decodeSearch(&reader)
            default: throw JSONError(.unknownKey(key.string), at: key.offset)
            }
        }
        try reader.finish()
        return sum
    }

    private static func decodeSearch(_ reader: inout JSONReader) throws(JSONError) -> Int {
        var vector: [Float] = []
        var limit = 0
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "collection": _ = try reader.readString()
            case "vector": try reader.readVector(into: &vector, limit: 65_536)
            case "limit": limit = try reader.readInt(in: 1...10_000)
            case "with_payload": _ = try reader.readBool()
            default: try reader.skipValue()
            }
        }
        return vector.count + limit
    }

    private static let payload = """
        {"title":"Über die Needletail, the fastest bird in level flight","tags":["bird","swift","fast"],\
        "year":2026,"score":0.8371,"nested":{"a":1,"b":[1,2,3],\
        "url":"https://example.org/a/b?c=d"},"published":true,\
        "summary":"The white-throated needletail is a large swift in the genus Hirundapus."}
        """

    private static func measurePayload() {
        let compact = Array(payload.utf8)
        let spaced = Array(payload.replacing(",\"", with: ", \"").replacing("\":", with: "\": ").utf8)
        var output: [UInt8] = []
        for (name, text) in [("compact", compact), ("with white space", spaced)] {
            report("payload of \(text.count) bytes, \(name)", iterations: 20_000) {
                output.removeAll(keepingCapacity: true)
                var reader = JSONReader(text.span)
                do throws(JSONError) { try reader.compactObject(into: &output) } catch { return 0 }
                return output.count
            }
        }
    }

    private static func measureLookUp() {
        let text = Array(payload.utf8)
        report("one key of a payload, names checked", iterations: 20_000) {
            do throws(JSONError) {
                var reader = JSONReader(text.span)
                var members = try reader.beginObject()
                while let key = try reader.nextKey(&members) {
                    if key == "published" { return try reader.readBool() ? 1 : 2 }
                    try reader.skipValue()
                }
            } catch { return 0 }
            return 0
        }
        report("one key of a payload, names known", iterations: 20_000) {
            do throws(JSONError) {
                var reader = JSONReader(text.span)
                var members = try reader.beginKnownObject()
                while let key = try reader.nextKnownKey(&members) {
                    if key == "published" { return try reader.readBool() ? 1 : 2 }
                    reader.skipKnownValue()
                }
            } catch { return 0 }
            return 0
        }
    }

    private static func measureWriter(_ values: [Float]) {
        let payload = Array(payload.utf8)
        var writer = JSONWriter(reservingCapacity: 65_536)
        report("reply with 10 points with payload", iterations: 5000) {
            writer.reset()
            writer.beginObject()
            writer.key("jsonrpc")
            writer.write(literal: "2.0")
            writer.key("id")
            writer.write(7)
            writer.key("result")
            writer.beginObject()
            writer.key("points")
            writer.beginArray()
            for index in 0..<10 {
                writer.beginObject()
                writer.key("id")
                writer.write(1_000_000 + index)
                writer.key("version")
                writer.write(42 + index)
                writer.key("score")
                writer.write(values[index])
                writer.key("payload")
                writer.writeRaw(payload.span)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
            writer.endObject()
            return writer.bytes.count
        }
        report("writing 384 floats", iterations: 1000) {
            writer.reset()
            writer.writeFloats(values.span)
            return writer.bytes.count
        }
    }

    private static func measureDoubles(_ values: [Double]) {
        let long = Array(values.map { "\($0)" }.joined(separator: " ").utf8)
        report("384 doubles of 17 digits", iterations: 500) {
            var reader = JSONReader(long.span)
            var sum = 0.0
            do throws(JSONError) {
                for _ in 0..<384 { sum += try reader.readDouble() }
            } catch { return 0 }
            return Int(sum * 1e9)
        }
    }

    // MARK: Measuring

    private struct Xorshift {
        var state: UInt64

        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }

        /// About what a component of a unit vector of 384 dimensions looks like.
        mutating func component() -> Double {
            let sum = (0..<4).reduce(0.0) { partial, _ in partial + Double(next() >> 11) / Double(1 << 53) }
            return (sum - 2) * 0.088
        }
    }
}
