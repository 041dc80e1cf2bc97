/// What one line of Markdown may be, looked at alone. Offsets are those of the text.
struct MarkdownLine {
    /// Columns of white space at the beginning; a tab goes to the next multiple of four.
    let indent: Int
    /// Without white space at the ends.
    let content: Range<Int>

    init(_ line: Range<Int>, _ text: Span<UInt8>) {
        var columns = 0
        var start = line.lowerBound
        while start < line.upperBound, text[start] == 0x20 || text[start] == 0x09 {
            columns += text[start] == 0x09 ? 4 - columns % 4 : 1
            start += 1
        }
        indent = columns
        content = TextBytes.trimmed(line, of: text)
    }

    var isBlank: Bool { content.isEmpty }

    func first(_ text: Span<UInt8>) -> UInt8 { text[content.lowerBound] }

    /// How many times the first byte stands at the beginning.
    private func run(_ text: Span<UInt8>) -> Int {
        var end = content.lowerBound
        while end < content.upperBound, text[end] == text[content.lowerBound] { end += 1 }
        return end - content.lowerBound
    }

    /// Three or more backticks or tildes. Backticks are no fence if others follow: that is code within a line.
    func fenceOpening(_ text: Span<UInt8>) -> (byte: UInt8, count: Int)? {
        let byte = first(text)
        guard byte == UInt8(ascii: "`") || byte == UInt8(ascii: "~") else { return nil }
        let count = run(text)
        guard count >= 3 else { return nil }
        if byte == UInt8(ascii: "`") {
            for offset in (content.lowerBound + count)..<content.upperBound where text[offset] == byte {
                return nil
            }
        }
        return (byte, count)
    }

    func closes(_ byte: UInt8, _ count: Int, _ text: Span<UInt8>) -> Bool {
        guard !isBlank, first(text) == byte else { return false }
        let run = run(text)
        return run >= count && run == content.count
    }

    /// One to six `#` and a space, or nothing else.
    func atxHeading(_ text: Span<UInt8>) -> (level: Int, title: Range<Int>)? {
        guard first(text) == UInt8(ascii: "#") else { return nil }
        let level = run(text)
        let start = content.lowerBound + level
        guard level <= 6, start == content.upperBound || text[start] == 0x20 || text[start] == 0x09 else {
            return nil
        }
        let title = TextBytes.trimmed(start..<content.upperBound, of: text)
        // Hashes that close the heading stand after a space.
        var end = title.upperBound
        while end > title.lowerBound, text[end - 1] == UInt8(ascii: "#") { end -= 1 }
        let isClosed = end == title.lowerBound || text[end - 1] == 0x20 || text[end - 1] == 0x09
        return (level, isClosed ? TextBytes.trimmed(title.lowerBound..<end, of: text) : title)
    }

    /// Nothing but `=` or `-`.
    func setextLevel(_ text: Span<UInt8>) -> Int? {
        guard run(text) == content.count else { return nil }
        switch first(text) {
        case UInt8(ascii: "="): return 1
        case UInt8(ascii: "-"): return 2
        default: return nil
        }
    }

    /// Three or more of one of `*`, `-` and `_`, with spaces between them or not.
    func isRule(_ text: Span<UInt8>) -> Bool {
        let byte = first(text)
        guard byte == UInt8(ascii: "*") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") else {
            return false
        }
        var count = 0
        for offset in content where text[offset] != 0x20 && text[offset] != 0x09 {
            guard text[offset] == byte else { return false }
            count += 1
        }
        return count >= 3
    }

    /// `-`, `+`, `*`, or up to nine digits and `.` or `)`; then a space.
    func isListItem(_ text: Span<UInt8>) -> Bool {
        var end = content.lowerBound
        switch first(text) {
        case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "*"): end += 1
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            while end < content.upperBound, end - content.lowerBound < 10,
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[end])
            { end += 1 }
            guard end < content.upperBound, end - content.lowerBound <= 9,
                text[end] == UInt8(ascii: ".") || text[end] == UInt8(ascii: ")")
            else { return false }
            end += 1
        default: return false
        }
        return end == content.upperBound || text[end] == 0x20 || text[end] == 0x09
    }
}
