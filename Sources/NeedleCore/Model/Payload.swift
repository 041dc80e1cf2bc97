/// A point's payload: a JSON object as text, kept as the client sent it less insignificant white space.
///
/// Key order, the meaning of escapes and numbers to the digit survive, which no decoded form would promise. The
/// bytes are valid, compact JSON by construction: only the strict reader makes them from outside input.
package struct Payload: Hashable, Sendable {
    package let json: [UInt8]

    package static let empty = Payload(compactJSON: Array("{}".utf8))

    /// - Precondition: a compact JSON object without duplicate keys, as `JSONReader` captures it.
    package init(compactJSON json: [UInt8]) {
        precondition(json.count >= 2 && json.first == UInt8(ascii: "{") && json.last == UInt8(ascii: "}"))
        self.json = json
    }

    package var isEmpty: Bool { json.count == 2 }
}
