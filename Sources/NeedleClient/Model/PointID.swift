// A point's identity as users of the client see it. Strings are kept as bytes: Swift's `String` equality is
// canonical equivalence and would merge two ids that were spelled differently.

/// The identity of a point: an integer 0 … 2⁶⁴−1, or a string of 1 to 512 UTF-8 bytes.
///
/// `1` and `"1"` are different points. Ids are ordered: integers ascending, then strings by their bytes.
/// Literals work:
///
/// ```swift
/// let ids: [PointID] = [1, 2, "readme.md#3"]
/// ```
///
/// Strings are compared byte by byte, so a composed and a decomposed "é" are two ids. The value is immutable
/// and safe to share between threads.
public struct PointID: Hashable, Sendable {
    enum Storage: Hashable, Sendable {
        case integer(UInt64)
        case string([UInt8])
    }

    let storage: Storage

    /// An integer id.
    public init(_ integer: UInt64) {
        storage = .integer(integer)
    }

    /// A string id of 1 to 512 UTF-8 bytes. Other lengths are refused by the server (`invalid_params`).
    public init(_ string: String) {
        storage = .string(Array(string.utf8))
    }

    init(utf8: [UInt8]) {
        storage = .string(utf8)
    }

    /// The id as an integer, or `nil` when it is a string.
    public var integer: UInt64? {
        if case .integer(let value) = storage { value } else { nil }
    }

    /// The id as a string, or `nil` when it is an integer.
    public var string: String? {
        if case .string(let bytes) = storage { String(decoding: bytes, as: UTF8.self) } else { nil }
    }
}

extension PointID: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    /// An integer id from a literal.
    public init(integerLiteral value: UInt64) {
        self.init(value)
    }

    /// A string id from a literal.
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

extension PointID: Comparable {
    /// Integers ascending, then strings by bytes: the order of `scroll` and of equal scores.
    public static func < (left: PointID, right: PointID) -> Bool {
        switch (left.storage, right.storage) {
        case (.integer(let a), .integer(let b)): a < b
        case (.integer, .string): true
        case (.string, .integer): false
        case (.string(let a), .string(let b)): a.lexicographicallyPrecedes(b)
        }
    }
}

extension PointID: CustomStringConvertible {
    /// The bare id, for people: `17` or `readme.md`.
    public var description: String {
        switch storage {
        case .integer(let value): String(value)
        case .string(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }
}

extension PointID: Codable {
    /// Decodes a JSON integer or string.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let integer = try? container.decode(UInt64.self) {
            self.init(integer)
        } else {
            self.init(try container.decode(String.self))
        }
    }

    /// Encodes a JSON integer or string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch storage {
        case .integer(let value): try container.encode(value)
        case .string(let bytes): try container.encode(String(decoding: bytes, as: UTF8.self))
        }
    }
}
