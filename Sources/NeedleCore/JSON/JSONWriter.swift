// Writing JSON text into a byte array that is reused from reply to reply.
//
// The writer puts the commas and colons; it trusts its caller to open and close containers in pairs
// (asserted in debug builds). Strings are escaped minimally: quote, backslash and control characters.
// Non-finite numbers have no JSON form and are a programmer error.

/// Appends JSON text to `bytes`.
///
/// ```swift
/// var writer = JSONWriter()
/// writer.beginObject()
/// writer.key("id"); writer.write(7)
/// writer.key("payload"); writer.writeRaw(payload.span)
/// writer.endObject()
/// ```
package struct JSONWriter: Sendable {
    /// The text so far.
    package private(set) var bytes: [UInt8] = []
    /// Whether the next value or key is preceded by another one in its container.
    private var needsComma = false
    /// Number of containers that are open.
    package private(set) var depth = 0

    package init(reservingCapacity capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    /// Takes over an array to append to, such as one whose storage is reused.
    package init(appendingTo bytes: consuming [UInt8]) {
        self.bytes = bytes
    }

    /// Empties the text and keeps its storage.
    package mutating func reset() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
        depth = 0
    }

    /// The text, whose storage leaves the writer; the writer is empty then.
    package mutating func take() -> [UInt8] {
        assert(depth == 0)
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        reset()
        return taken
    }

    /// Ends a line of the protocol: a newline, after which another text may begin.
    package mutating func endLine() {
        assert(depth == 0)
        bytes.append(UInt8(ascii: "\n"))
        needsComma = false
    }

    // MARK: Structure

    package mutating func beginObject() { open(UInt8(ascii: "{")) }
    package mutating func endObject() { close(UInt8(ascii: "}")) }
    package mutating func beginArray() { open(UInt8(ascii: "[")) }
    package mutating func endArray() { close(UInt8(ascii: "]")) }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
        depth += 1
    }

    private mutating func close(_ bracket: UInt8) {
        assert(depth > 0)
        depth -= 1
        bytes.append(bracket)
        needsComma = true
    }

    @inline(__always)
    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    /// A member's name that needs no escaping; its value must follow.
    package mutating func key(_ name: StaticString) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A member's name; its value must follow.
    package mutating func key(string name: String) {
        write(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A member's name in UTF-8; its value must follow.
    package mutating func key(utf8 name: Span<UInt8>) {
        write(utf8: name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    // MARK: Scalars

    package mutating func writeNull() { append("null") }
    package mutating func write(_ value: Bool) { append(value ? "true" : "false") }

    /// A string that needs no escaping.
    package mutating func write(literal value: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        value.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
    }

    package mutating func write(_ value: String) {
        separate()
        var value = value
        value.withUTF8 { appendQuoted($0) }
    }

    /// A string given as its UTF-8 bytes, which must be valid.
    package mutating func write(utf8 value: Span<UInt8>) {
        separate()
        value.withUnsafeBufferPointer { appendQuoted($0) }
    }

    package mutating func write(_ value: Int) { write(Int64(value)) }

    package mutating func write(_ value: Int64) {
        separate()
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        appendDecimal(value.magnitude)
    }

    package mutating func write(_ value: UInt64) {
        separate()
        appendDecimal(value)
    }

    /// The shortest decimal that reads back as this double, which must be finite.
    package mutating func write(_ value: Double) {
        precondition(value.isFinite, "JSON has no NaN and no infinity")
        separate()
        var text = value.description
        text.withUTF8 { bytes.append(contentsOf: $0) }
    }

    /// The shortest decimal that reads back as this float32, which must be finite.
    package mutating func write(_ value: Float) {
        precondition(value.isFinite, "JSON has no NaN and no infinity")
        separate()
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: ShortestFloat.longest) { text in
            let count = ShortestFloat.write(value, to: text, at: 0)
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[..<count]))
        }
    }

    package mutating func write(_ value: JSONNumber) {
        switch value {
        case .signed(let integer): write(integer)
        case .unsigned(let integer): write(integer)
        case .double(let double): write(double)
        }
    }

    // MARK: Larger pieces

    /// One value that is JSON text already, such as a stored payload.
    package mutating func writeRaw(_ text: Span<UInt8>) {
        separate()
        text.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
    }

    /// One value that is JSON text already, such as a stored payload.
    package mutating func writeRaw(_ text: [UInt8]) {
        separate()
        bytes.append(contentsOf: text)
    }

    /// An array of finite numbers, each the shortest that reads back as its float32.
    package mutating func writeFloats(_ values: Span<Float>) {
        precondition(FiniteCheck.allFinite(values), "JSON has no NaN and no infinity")
        beginArray()
        for start in stride(from: 0, to: values.count, by: JSONWriter.floatChunk) {
            appendFloats(
                values.extracting(start..<min(start + JSONWriter.floatChunk, values.count)), first: start == 0
            )
        }
        endArray()
    }

    private static let floatChunk = 128

    /// Writes the floats to a piece of the stack, which is then appended in one copy.
    private mutating func appendFloats(_ values: Span<Float>, first: Bool) {
        let capacity = JSONWriter.floatChunk * (ShortestFloat.longest + 1)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { text in
            var place = 0
            for index in values.indices {
                if index > 0 || !first {
                    text[place] = UInt8(ascii: ",")
                    place += 1
                }
                place = ShortestFloat.write(values[index], to: text, at: place)
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[..<place]))
        }
    }

    /// A string: the base64 of the values' little-endian bytes.
    package mutating func writeBase64(_ values: Span<Float>) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        Base64.encode(values, into: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// A string: the base64 of bytes.
    package mutating func writeBase64(bytes content: RawSpan) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        Base64.encode(content, into: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    // MARK: Bytes

    private mutating func append(_ literal: StaticString) {
        separate()
        literal.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    private mutating func appendDecimal(_ value: UInt64) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = value
            var start = 20
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest != 0
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    private mutating func appendQuoted(_ text: UnsafeBufferPointer<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        var run = 0
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[run..<index]))
            appendEscape(byte)
            run = index + 1
        }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[run...]))
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        default:
            let low = byte & 15
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(UInt8(ascii: "0") + byte >> 4)
            bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + (low - 10))
        }
    }
}
