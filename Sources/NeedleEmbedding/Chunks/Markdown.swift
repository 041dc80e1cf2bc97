// Markdown's blocks, as far as chunks need them: CommonMark 0.31 for headings (ATX and Setext), fenced code, lists, block
// quotes and rules, tables as on GitHub, and YAML front matter, which is left out. What lies in a code block is never a
// heading. Links, emphasis and HTML are text like any other.

import NeedleCore

enum Markdown {
    /// Bytes of a heading that are kept in a path.
    static let headingBytes = 200

    /// Sections with text, in order. A heading without text under it is the text of its own section. O(bytes).
    static func sections(of text: Span<UInt8>) -> [TextSection] {
        var reading = MarkdownReading()
        var lines = TextLines(text, frontMatterEnd(text)..<text.count)
        while let line = lines.next() { reading.take(line, of: text) }
        return reading.finish(of: text)
    }

    /// Behind the front matter, if the text begins with one.
    private static func frontMatterEnd(_ text: Span<UInt8>) -> Int {
        let start = text.count >= 3 && text[0] == 0xEF && text[1] == 0xBB && text[2] == 0xBF ? 3 : 0
        var lines = TextLines(text, start..<text.count)
        guard let first = lines.next(), isFrontMatterRule(first, text, endings: false) else { return start }
        while let line = lines.next() {
            if isFrontMatterRule(line, text, endings: true) { return line.upperBound }
        }
        return start
    }

    private static func isFrontMatterRule(_ line: Range<Int>, _ text: Span<UInt8>, endings: Bool) -> Bool {
        var end = line.upperBound
        while end > line.lowerBound, text[end - 1] == 0x20 || text[end - 1] == 0x09 { end -= 1 }
        guard end - line.lowerBound == 3 else { return false }
        let first = text[line.lowerBound]
        guard first == UInt8(ascii: "-") || (endings && first == UInt8(ascii: ".")) else { return false }
        return text[line.lowerBound + 1] == first && text[line.lowerBound + 2] == first
    }

    /// A heading's text as paths have it.
    static func title(_ range: Range<Int>, of text: Span<UInt8>) -> String {
        var title = ""
        var lines = TextLines(text, range)
        while let line = lines.next() {
            let part = TextBytes.trimmed(line, of: text)
            guard !part.isEmpty else { continue }
            if !title.isEmpty { title += " " }
            title += TextBytes.string(part, of: text)
        }
        guard title.utf8.count > headingBytes else { return title }
        var cut = ""
        for scalar in title.unicodeScalars {
            guard cut.utf8.count + UTF8.width(scalar) <= headingBytes - 3 else { break }
            cut.unicodeScalars.append(scalar)
        }
        return cut + "…"
    }
}

/// The state of one walk over the lines.
struct MarkdownReading {
    private var sections: [TextSection] = []
    /// The headings above, with their levels.
    private var path: [(level: Int, title: String)] = []
    /// Of the section's own heading.
    private var headingRange: Range<Int>?
    private var blocks: [TextBlock] = []
    /// The block that lines are added to, and what it is.
    private var open: (range: Range<Int>, form: Form)?
    private var fence: (byte: UInt8, count: Int)?
    private var isInList = false

    private enum Form {
        /// The only one that a line of `=` or `-` makes a heading.
        case paragraph
        case listItem
        case quote
        case table
        case code
    }

    mutating func take(_ line: Range<Int>, of text: Span<UInt8>) {
        let shape = MarkdownLine(line, text)
        if let fence {
            extend(line)
            if shape.closes(fence.byte, fence.count, text) {
                self.fence = nil
                close(text)
            }
            return
        }
        if shape.isBlank {
            close(text)
            return
        }
        if let opening = shape.fenceOpening(text), shape.indent <= 3 || isInList {
            close(text)
            fence = opening
            open = (line, .code)
            return
        }
        if shape.indent <= 3, takeStructure(shape, line, text) { return }
        takeText(shape, line, text)
    }

    /// Headings and rules.
    private mutating func takeStructure(
        _ shape: MarkdownLine, _ line: Range<Int>, _ text: Span<UInt8>
    ) -> Bool {
        if let heading = shape.atxHeading(text) {
            close(text)
            begin(level: heading.level, title: Markdown.title(heading.title, of: text), line)
            return true
        }
        if let level = shape.setextLevel(text), let (range, form) = open, form == .paragraph {
            open = nil
            begin(
                level: level, title: Markdown.title(range, of: text),
                range.lowerBound..<shape.content.upperBound)
            return true
        }
        guard shape.isRule(text) else { return false }
        close(text)
        return true
    }

    private mutating func takeText(_ shape: MarkdownLine, _ line: Range<Int>, _ text: Span<UInt8>) {
        if shape.isListItem(text) {
            close(text)
            isInList = true
            open = (shape.content, .listItem)
        } else if shape.first(text) == UInt8(ascii: "|"), open == nil || open?.form == .table {
            open = ((open?.range.lowerBound ?? line.lowerBound)..<shape.content.upperBound, .table)
        } else if shape.first(text) == UInt8(ascii: ">"), open?.form != .quote {
            close(text)
            open = (shape.content, .quote)
        } else if open != nil {
            extend(shape.content)
        } else {
            if shape.indent == 0 { isInList = false }
            open = (shape.content, .paragraph)
        }
    }

    private mutating func extend(_ line: Range<Int>) {
        if let (range, form) = open {
            open = (range.lowerBound..<max(range.upperBound, line.upperBound), form)
        }
    }

    private mutating func close(_ text: Span<UInt8>) {
        guard let (range, form) = open else { return }
        open = nil
        let trimmed = TextBytes.trimmed(range, of: text)
        guard !trimmed.isEmpty else { return }
        blocks.append(
            TextBlock(kind: form == .code || form == .table ? .verbatim : .prose, range: trimmed))
    }

    private mutating func begin(level: Int, title: String, _ range: Range<Int>) {
        endSection(nextLevel: level)
        while let last = path.last, last.level >= level { path.removeLast() }
        path.append((level, title))
        headingRange = range
        isInList = false
    }

    private mutating func endSection(nextLevel: Int) {
        // A title with nothing but deeper headings under it is in their paths.
        if blocks.isEmpty, let headingRange, let level = path.last?.level, level >= nextLevel {
            blocks.append(TextBlock(kind: .prose, range: headingRange))
        }
        if !blocks.isEmpty {
            sections.append(TextSection(headings: path.map(\.title).filter { !$0.isEmpty }, blocks: blocks))
        }
        blocks = []
        headingRange = nil
    }
}

extension MarkdownReading {
    /// An open code block ends with the text.
    mutating func finish(of text: Span<UInt8>) -> [TextSection] {
        close(text)
        endSection(nextLevel: 0)
        return sections
    }
}
