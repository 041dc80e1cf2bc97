// A payload keeps the text that was sent, because key order and the digits of numbers are promised by the
// protocol and no decoded form would keep both.

import NeedleCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a point carries beside its vectors: any JSON object, kept as text.
///
/// Build one from a literal, from any `Encodable` value or from JSON text; read it member by member or decode
/// it into your own type:
///
/// ```swift
/// var payload: Payload = ["name": "gimp", "size": 21_000]
/// payload = try Payload(encoding: package)
/// let name = payload["name"]?.stringValue
/// let back = try payload.decode(Package.self)
/// ```
///
/// Member order and the digits of numbers survive a round trip through the server. Immutable bytes: copies
/// are cheap and safe to share between threads. Equality compares the text.
public struct Payload: Hashable, Sendable {
    /// The compact JSON text, UTF-8.
    let bytes: [UInt8]

    /// The empty payload, `{}`.
    public init() {
        bytes = Array("{}".utf8)
    }

    /// A payload with these members.
    ///
    /// - Precondition: all numbers are finite.
    public init(_ object: JSONObject) {
        var writer = JSONWriter()
        writer.write(object)
        bytes = writer.take()
    }

    /// A payload from JSON text, kept to the digit.
    ///
    /// - Throws: ``NeedletailError`` of kind `invalidArgument` unless the text is one JSON object without
    ///   duplicate keys.
    public init(json: String) throws(NeedletailError) {
        let text = Array(json.utf8)
        var reader = JSONReader(text.span)
        var compact: [UInt8] = []
        do {
            try reader.compactObject(into: &compact)
            try reader.finish()
        } catch {
            throw NeedletailError(.invalidArgument, "payload: \(error.message)", at: "byte \(error.offset)")
        }
        bytes = compact
    }

    /// A payload from any value that encodes as a JSON object.
    ///
    /// - Throws: what the value's `encode(to:)` throws, or ``NeedletailError`` when the result is no object.
    public init(encoding value: some Encodable) throws {
        let data = try JSONEncoder().encode(value)
        try self.init(json: String(decoding: data, as: UTF8.self))
    }

    /// - Precondition: a compact JSON object, as the strict reader or `JSONWriter` makes it.
    package init(compactJSON bytes: [UInt8]) {
        precondition(bytes.first == UInt8(ascii: "{") && bytes.last == UInt8(ascii: "}"))
        self.bytes = bytes
    }

    /// The payload as compact JSON text, as it was sent.
    public var json: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether there are no members.
    public var isEmpty: Bool { bytes.count == 2 }

    /// All members, in order. Parses the text: O(its length).
    public var object: JSONObject {
        guard case .object(let object) = try? parseWhole(bytes.span) else { return JSONObject() }
        return object
    }

    /// One member at the top level. Parses the text: O(its length); read ``object`` once to look at several.
    public subscript(key: String) -> JSONValue? { object[key] }

    /// Decodes the payload into your own type.
    ///
    /// - Throws: `DecodingError` when it does not fit.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}

extension Payload: ExpressibleByDictionaryLiteral {
    /// A payload with these members.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(JSONObject(elements.map { JSONObject.Member($0.0, $0.1) }))
    }
}

extension Payload: CustomStringConvertible {
    /// The compact JSON text.
    public var description: String { json }
}
