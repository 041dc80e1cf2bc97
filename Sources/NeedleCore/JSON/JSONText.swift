// A string of the JSON text, validated but not copied: names of members, method names, short enumerations.
//
// Invariant: the bytes between the quotes were checked (UTF-8, escapes, no control characters), so decoding
// cannot fail. Comparison is by bytes, never by Swift's canonical equivalence.

/// The contents of one JSON string where they lie in the text. Copying it is free; it cannot outlive the
/// text.
///
/// Strings without escapes are compared in place; those with escapes are decoded when they are used.
package struct JSONText: ~Escapable {
    @usableFromInline let bytes: JSONBytes
    /// First byte after the opening quote, and the closing quote.
    @usableFromInline let start: Int
    @usableFromInline let end: Int
    @usableFromInline let hasEscapes: Bool

    @_lifetime(copy bytes)
    init(_ bytes: JSONBytes, start: Int, end: Int, hasEscapes: Bool) {
        self.bytes = bytes
        self.start = start
        self.end = end
        self.hasEscapes = hasEscapes
    }

    /// Offset of the opening quote: where an error about this string points.
    package var offset: Int { start - 1 }

    /// The decoded contents.
    package var utf8: [UInt8] {
        var decoded: [UInt8] = []
        append(to: &decoded)
        return decoded
    }

    /// The decoded contents as a Swift string. Do not compare ids or payload text this way.
    package var string: String {
        hasEscapes
            ? String(decoding: utf8, as: UTF8.self)
            : String(decoding: bytes.buffer(start, end), as: UTF8.self)
    }

    /// Number of decoded bytes.
    package var utf8Count: Int { hasEscapes ? utf8.count : end - start }

    /// Appends the decoded contents.
    package func append(to output: inout [UInt8]) {
        if hasEscapes {
            bytes.appendUnescaped(start, end, to: &output)
        } else {
            output.append(contentsOf: bytes.buffer(start, end))
        }
    }

    /// Whether the decoded contents are these bytes.
    package func isName(_ name: [UInt8]) -> Bool {
        if hasEscapes { return utf8 == name }
        return end - start == name.count && bytes.buffer(start, end).elementsEqual(name)
    }

    /// The name as error messages show it: cut after 64 bytes, at a character.
    var shown: String {
        let whole = utf8
        guard whole.count > 64 else { return String(decoding: whole, as: UTF8.self) }
        var cut = 64
        while cut > 0, whole[cut] & 0xC0 == 0x80 { cut -= 1 }
        return String(decoding: whole[..<cut], as: UTF8.self) + "…"
    }

    @inlinable
    package func equals(_ literal: StaticString) -> Bool {
        if hasEscapes { return equalsDecoded(literal) }
        guard end - start == literal.utf8CodeUnitCount else { return false }
        return bytes.equal(start, literal.utf8Start, length: end - start)
    }

    @usableFromInline
    func equalsDecoded(_ literal: StaticString) -> Bool {
        literal.withUTF8Buffer { utf8.elementsEqual($0) }
    }

    @inlinable
    package static func == (text: JSONText, literal: StaticString) -> Bool {
        text.equals(literal)
    }

    /// Makes `switch text { case "method": … }` work.
    @inlinable
    package static func ~= (literal: StaticString, text: JSONText) -> Bool {
        text.equals(literal)
    }
}

extension JSONBytes {
    /// Whether the `length` bytes at `start` are those at `other`.
    @inlinable @inline(__always)
    func equal(_ start: Int, _ other: UnsafePointer<UInt8>, length: Int) -> Bool {
        let own = buffer(start, start + length)
        for index in 0..<length where own[index] != other[index] { return false }
        return true
    }
}
