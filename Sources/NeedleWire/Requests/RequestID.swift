/// What a request is called on its connection: a string of 0 to 64 bytes or a signed 64-bit integer.
///
/// Strings are kept as bytes and echoed with exactly those characters; `1` and `"1"` are different ids.
package enum RequestID: Hashable, Sendable {
    case integer(Int64)
    /// UTF-8, with JSON's escapes resolved.
    case string([UInt8])

    /// The most bytes a string id may have.
    package static let maximumStringBytes = 64

    package init(_ integer: Int64) {
        self = .integer(integer)
    }

    /// - Precondition: at most 64 UTF-8 bytes. Input from outside is checked by the decoder.
    package init(_ text: String) {
        let bytes = Array(text.utf8)
        precondition(bytes.count <= Self.maximumStringBytes, "a request id has at most 64 bytes")
        self = .string(bytes)
    }
}

extension RequestID: CustomStringConvertible {
    package var description: String {
        switch self {
        case .integer(let value): String(value)
        case .string(let bytes): "\"\(String(decoding: bytes, as: UTF8.self))\""
        }
    }
}
