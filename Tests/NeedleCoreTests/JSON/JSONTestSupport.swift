// What the tests of the JSON room share: running a reader over a text, exact decimals, random documents.

import NeedleCore

/// Bytes of a text, or of a string literal.
func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }

/// The error with which `body` refuses the text, or nil if it accepts it to the end.
func jsonFailure(
    of text: [UInt8], maximumDepth: Int = 64, _ body: (inout JSONReader) throws(JSONError) -> Void
) -> JSONError? {
    var reader = JSONReader(text.span, maximumDepth: maximumDepth)
    do throws(JSONError) {
        try body(&reader)
        try reader.finish()
        return nil
    } catch {
        return error
    }
}

/// What `body` reads from the text, which must be used up by it.
func readJSON<Value>(
    _ text: String, _ body: (inout JSONReader) throws(JSONError) -> Value
) throws(JSONError) -> Value {
    let bytes = utf8(text)
    var reader = JSONReader(bytes.span)
    let value = try body(&reader)
    try reader.finish()
    return value
}

func skipFailure(of text: [UInt8], maximumDepth: Int = 64) -> JSONError? {
    jsonFailure(of: text, maximumDepth: maximumDepth) { (reader) throws(JSONError) in try reader.skipValue() }
}

func compactFailure(of text: [UInt8]) -> JSONError? {
    jsonFailure(of: text) { (reader) throws(JSONError) in
        var output: [UInt8] = []
        try reader.compactValue(into: &output)
    }
}

func treeFailure(of text: [UInt8]) -> JSONError? {
    jsonFailure(of: text) { (reader) throws(JSONError) in _ = try JSONValue(reading: &reader) }
}

/// `significand` × 2^`exponent` as an exact decimal literal.
func exactDecimal(_ significand: UInt64, exponent: Int) -> String {
    // 2^-k = 5^k / 10^k, so only multiplications of a big integer in limbs of nine digits are needed.
    var limbs = [
        significand % 1_000_000_000, significand / 1_000_000_000 % 1_000_000_000,
        significand / 1_000_000_000_000_000_000,
    ]
    func multiply(by factor: UInt64) {
        var carry: UInt64 = 0
        for index in limbs.indices {
            let product = limbs[index] * factor + carry
            limbs[index] = product % 1_000_000_000
            carry = product / 1_000_000_000
        }
        if carry > 0 { limbs.append(carry) }
    }
    for _ in 0..<abs(exponent) { multiply(by: exponent < 0 ? 5 : 2) }
    while limbs.count > 1, limbs.last == 0 { limbs.removeLast() }
    var text = "\(limbs[limbs.count - 1])"
    for limb in limbs.dropLast().reversed() {
        let digits = "\(limb)"
        text += String(repeating: "0", count: 9 - digits.count) + digits
    }
    return exponent < 0 ? text + "e\(exponent)" : text
}

/// A small deterministic generator (xorshift64*), so that this room's tests need no other room.
struct TestGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed | 1 }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    mutating func string() -> String {
        let alphabet: [Character] = [
            "a", "b", "Z", "0", " ", "\"", "\\", "/", "\n", "\t", "\u{1}", "\u{1F}", "é", "e\u{301}", "ß",
            "漢", "😀", "\u{7F}",
            "\u{FFFF}", "\u{10FFFF}",
        ]
        return String((0..<below(12)).map { _ in alphabet[below(alphabet.count)] })
    }

    mutating func value(depth: Int) -> JSONValue {
        switch below(depth > 0 ? 8 : 6) {
        case 0: return .null
        case 1: return .bool(below(2) == 0)
        case 2: return .number(.signed(Int64(bitPattern: next()) >> Int64(below(64))))
        case 3:
            let double = Double(bitPattern: next())
            return .number(.double(double.isFinite ? double : 0.5))
        case 4: return .string(string())
        case 5: return .number(.unsigned(next() | 1 << 63))
        case 6: return .array((0..<below(5)).map { _ in value(depth: depth - 1) })
        default:
            return .object(
                (0..<below(5)).map { JSONValue.Member("\($0)\(string())", value(depth: depth - 1)) })
        }
    }
}

extension Result where Failure == JSONError {
    /// Where the text stops being JSON, if it does.
    var syntaxOffset: Int? {
        guard case .failure(let error) = self, error.isSyntax else { return nil }
        return error.offset
    }
}
