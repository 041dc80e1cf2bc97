/// A point's identity: an unsigned 64-bit integer or a string of 1 to 512 UTF-8 bytes.
///
/// `1` and `"1"` are different points. Order: integers ascending, then strings by bytes. Strings are kept and
/// compared as bytes, because Swift's `String` equality is canonical equivalence and would merge two ids that
/// a client spelled differently. Values are immutable and safe to share between threads.
package enum PointID: Hashable, Sendable {
    case integer(UInt64)
    case string([UInt8])

    /// The most bytes a string id may have.
    package static let maximumStringBytes = 512

    /// A string id from text.
    ///
    /// - Precondition: 1 to 512 UTF-8 bytes. Input from outside is checked by the decoder.
    package init(_ text: String) {
        let bytes = Array(text.utf8)
        precondition(
            !bytes.isEmpty && bytes.count <= Self.maximumStringBytes, "a string id has 1 to 512 bytes")
        self = .string(bytes)
    }

    package init(_ integer: UInt64) {
        self = .integer(integer)
    }
}

extension PointID: Comparable {
    package static func < (left: PointID, right: PointID) -> Bool {
        switch (left, right) {
        case (.integer(let a), .integer(let b)): a < b
        case (.integer, .string): true
        case (.string, .integer): false
        case (.string(let a), .string(let b)): a.lexicographicallyPrecedes(b)
        }
    }
}

extension PointID: CustomStringConvertible {
    /// The id as it is written in JSON, near enough for messages: `17` or `"a"`.
    package var description: String {
        switch self {
        case .integer(let value): String(value)
        case .string(let bytes): "\"\(String(decoding: bytes, as: UTF8.self))\""
        }
    }
}
