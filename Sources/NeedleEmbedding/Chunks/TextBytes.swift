/// What the chunker asks of UTF-8, which is valid because it was a string.
enum TextBytes {
    /// Bytes of the scalar that begins here.
    @inline(__always)
    static func length(_ text: Span<UInt8>, _ offset: Int) -> Int {
        switch text[offset] {
        case 0..<0x80: 1
        case 0x80..<0xE0: 2
        case 0xE0..<0xF0: 3
        default: 4
        }
    }

    static func scalar(_ text: Span<UInt8>, _ offset: Int) -> Unicode.Scalar {
        func low(_ distance: Int) -> UInt32 { UInt32(text[offset + distance] & 0x3F) }
        let lead = UInt32(text[offset])
        let value =
            switch length(text, offset) {
            case 1: lead
            case 2: (lead & 0x1F) << 6 | low(1)
            case 3: (lead & 0x0F) << 12 | low(1) << 6 | low(2)
            default: (lead & 0x07) << 18 | low(1) << 12 | low(2) << 6 | low(3)
            }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    /// Bytes of the white space character that begins here; 0 if it is something else.
    @inline(__always)
    static func spaceLength(_ text: Span<UInt8>, _ offset: Int) -> Int {
        let byte = text[offset]
        if byte < 0x80 { return byte == 0x20 || (0x09...0x0D).contains(byte) ? 1 : 0 }
        guard byte == 0xC2 || byte == 0xE1 || byte == 0xE2 || byte == 0xE3 || byte == 0xEF else { return 0 }
        switch scalar(text, offset).value {
        case 0x85, 0xA0: return 2
        // The last is the byte order mark, which is no text.
        case 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF: return 3
        default: return 0
        }
    }

    /// The range without white space at its ends.
    static func trimmed(_ range: Range<Int>, of text: Span<UInt8>) -> Range<Int> {
        var start = range.lowerBound
        while start < range.upperBound {
            let space = spaceLength(text, start)
            if space == 0 { break }
            start += space
        }
        var end = range.upperBound
        while end > start {
            var last = end - 1
            while last > start, text[last] & 0xC0 == 0x80 { last -= 1 }
            if spaceLength(text, last) == 0 { break }
            end = last
        }
        return start..<end
    }

    static func string(_ range: Range<Int>, of text: Span<UInt8>) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        for offset in range { bytes.append(text[offset]) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The lines of a part of a text, without their ends: LF, CRLF or CR.
struct TextLines: ~Escapable {
    private let text: Span<UInt8>
    private var offset: Int
    private let end: Int

    @_lifetime(copy text)
    init(_ text: Span<UInt8>, _ range: Range<Int>) {
        self.text = text
        offset = range.lowerBound
        end = range.upperBound
    }

    @_lifetime(self: copy self)
    mutating func next() -> Range<Int>? {
        guard offset < end else { return nil }
        let start = offset
        while offset < end, text[offset] != 0x0A, text[offset] != 0x0D { offset += 1 }
        let line = start..<offset
        if offset < end {
            offset += text[offset] == 0x0D && offset + 1 < end && text[offset + 1] == 0x0A ? 2 : 1
        }
        return line
    }
}

/// A text without structure: blank lines are between its paragraphs.
enum PlainText {
    static func blocks(of text: Span<UInt8>) -> [TextBlock] {
        var blocks: [TextBlock] = []
        var paragraph: Range<Int>?
        var lines = TextLines(text, 0..<text.count)
        while let line = lines.next() {
            let trimmed = TextBytes.trimmed(line, of: text)
            if !trimmed.isEmpty {
                paragraph = (paragraph?.lowerBound ?? trimmed.lowerBound)..<trimmed.upperBound
            } else if let range = paragraph {
                blocks.append(TextBlock(kind: .prose, range: range))
                paragraph = nil
            }
        }
        if let range = paragraph { blocks.append(TextBlock(kind: .prose, range: range)) }
        return blocks
    }
}
