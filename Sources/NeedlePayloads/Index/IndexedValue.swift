package import NeedleCore

// Values as indexes keep them. A keyword index holds every scalar as bytes that say its type; the others hold those
// that fit into 64 bits exactly. What an index cannot hold makes its row a *foreign* one, which is looked at itself, so
// that an index never changes an answer.

extension MatchValue {
    /// The scalar, or `nil` for null, arrays and objects.
    package init?(_ value: JSONValue) {
        switch value {
        case .bool(let flag): self = .bool(flag)
        case .string(let text): self = .string(Array(text.utf8))
        case .number:
            guard let number = value.exactNumber else { return nil }
            self = .number(number)
        default: return nil
        }
    }

    /// Bytes that no other value has.
    var indexKey: [UInt8] {
        switch self {
        case .bool(let flag): return [1, flag ? 1 : 0]
        case .string(let bytes): return [3] + bytes
        case .number(let number):
            let (kind, word): (UInt8, UInt64) =
                switch number {
                case .negative(let value): (0, UInt64(bitPattern: value))
                case .unsigned(let value): (1, value)
                case .double(let value): (2, value.bitPattern)
                }
            return [2, kind] + (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
    }

    /// - Returns: `nil` when the bytes are no key.
    init?(indexKey bytes: UnsafeRawBufferPointer) {
        switch bytes.first {
        case 1: self = .bool(bytes.last == 1)
        case 3: self = .string(Array(bytes.dropFirst()))
        case 2:
            guard bytes.count == 10 else { return nil }
            let word = bytes.dropFirst(2).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            switch bytes[1] {
            case 0: self = .number(ExactNumber(Int64(bitPattern: word)))
            case 1: self = .number(.unsigned(word))
            default:
                let value = Double(bitPattern: word)
                guard value.isFinite else { return nil }
                self = .number(ExactNumber(value))
            }
        default: return nil
        }
    }

    /// The value as payloads have it.
    var jsonValue: JSONValue {
        switch self {
        case .bool(let flag): .bool(flag)
        case .string(let bytes): .string(String(decoding: bytes, as: UTF8.self))
        case .number(.unsigned(let value)):
            .number(Int64(exactly: value).map { .signed($0) } ?? .unsigned(value))
        case .number(.negative(let value)): .number(.signed(value))
        case .number(.double(let value)): .number(.double(value))
        }
    }
}

extension MatchValue: Comparable {
    /// Booleans, then numbers by value, then strings by bytes.
    package static func < (left: MatchValue, right: MatchValue) -> Bool {
        switch (left, right) {
        case (.bool(let a), .bool(let b)): !a && b
        case (.number(let a), .number(let b)): a < b
        case (.string(let a), .string(let b)): a.lexicographicallyPrecedes(b)
        default: left.rank < right.rank
        }
    }

    private var rank: Int {
        switch self {
        case .bool: 0
        case .number: 1
        case .string: 2
        }
    }
}

/// How an index of numbers or moments keeps them: as 64-bit integers in their order.
struct NumberKeys {
    let type: FieldIndexType

    /// - Returns: `nil` for a value that the index does not hold.
    func key(of value: JSONValue) -> Int64? {
        switch (type, value) {
        case (.integer, .number):
            switch value.exactNumber {
            case .unsigned(let value): return Int64(exactly: value)
            case .negative(let value): return value
            default: return nil
            }
        case (.float, .number):
            guard let number = value.exactNumber, let double = Self.exactly(number) else { return nil }
            let bits = Int64(bitPattern: double.bitPattern)
            return bits < 0 ? bits ^ .max : bits
        case (.datetime, .string(let text)):
            return DateTime(text)?.microseconds
        default: return nil
        }
    }

    private static func exactly(_ number: ExactNumber) -> Double? {
        switch number {
        case .unsigned(let value): Double(exactly: value)
        case .negative(let value): Double(exactly: value)
        case .double(let value): value
        }
    }

    /// The number behind a key; `nil` for one that was not made here.
    func number(of key: Int64) -> ExactNumber? {
        guard type == .float else { return ExactNumber(key) }
        let value = Double(bitPattern: UInt64(bitPattern: key < 0 ? key ^ .max : key))
        return value.isFinite ? ExactNumber(value) : nil
    }
}
