// Decoding whole request lines, as the server does: the envelope, the method's parameters, and the vector.

import NeedleCore
import NeedleWire

enum WireBenchmarks {
    static func run() {
        var generator = SeededGenerator(seed: 384)
        let vector = (0..<384).map { _ in Float.random(in: -0.2...0.2, using: &generator) }
        measure("search request, 384 floats, full doubles", vector.map { "\(Double($0) * 1.000_000_01)" })
        measure("search request, 384 floats, shortest float32", vector.map { "\($0)" })
        var writer = JSONWriter()
        writer.writeBase64(vector.span)
        measure("search request, 384 floats, base64", text: String(decoding: writer.take(), as: UTF8.self))
    }

    private static func measure(_ name: String, _ numbers: [String]) {
        measure(name, text: "[\(numbers.joined(separator: ","))]")
    }

    private static func measure(_ name: String, text vector: String) {
        let line = Array(
            """
            {"jsonrpc":"2.0","id":7,"method":"point.search","params":{"collection":"docs","vector":\(vector),\
            "limit":10,"with_payload":true}}
            """.utf8)
        let decoder = RequestDecoder(limits: Limits())
        report("\(name) (\(line.count) bytes)", iterations: 2000) {
            guard case .single(.request) = decoder.decode(line.span) else { return 0 }
            return line.count
        }
    }
}
