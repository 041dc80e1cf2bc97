// Where sentences end: after the rules of Unicode (UAX #29, sentence boundaries: a full stop before a lower-case letter
// ends nothing), and what they leave to tailoring: abbreviations and initials.
//
// A boundary too many costs little here, and so does one too few: sentences are put together again. Lines of one
// paragraph may be broken anywhere, so the end of a line says nothing.

/// Finds sentences in a paragraph.
enum SentenceBreaks {
    /// The sentences of a range, without the white space around them. Nothing else of the range is left out. O(bytes).
    static func sentences(of text: Span<UInt8>, _ range: Range<Int>) -> [Range<Int>] {
        var sentences: [Range<Int>] = []
        var start = TextBytes.trimmed(range, of: text).lowerBound
        var offset = start
        while offset < range.upperBound {
            guard let end = Terminator.end(at: offset, text, range) else {
                offset += TextBytes.length(text, offset)
                continue
            }
            offset = end.offset
            var next = offset
            while next < range.upperBound {
                let space = TextBytes.spaceLength(text, next)
                if space == 0 { break }
                next += space
            }
            guard next < range.upperBound else { break }
            if end.isIdeographic || (next > offset && breaks(end, before: next, from: start, text, range)) {
                sentences.append(start..<offset)
                start = next
            }
            offset = next
        }
        let last = TextBytes.trimmed(start..<range.upperBound, of: text)
        if !last.isEmpty { sentences.append(last) }
        return sentences
    }

    /// What ends a sentence, with the quotes and brackets that close after it.
    private struct Terminator {
        /// Behind it.
        var offset: Int
        /// A single full stop, which also marks abbreviations, at this place.
        var fullStop: Int?
        var hasClosing = false
        /// Of a script that has no spaces between sentences.
        var isIdeographic = false

        static func end(at start: Int, _ text: Span<UInt8>, _ range: Range<Int>) -> Terminator? {
            guard isMark(text, start) else { return nil }
            var end = Terminator(offset: start, fullStop: text[start] == UInt8(ascii: ".") ? start : nil)
            while end.offset < range.upperBound, isMark(text, end.offset) {
                if end.offset > start { end.fullStop = nil }
                let scalar = TextBytes.scalar(text, end.offset).value
                end.isIdeographic = [0x3002, 0xFF01, 0xFF1F, 0xFF61].contains(scalar)
                end.offset += TextBytes.length(text, end.offset)
            }
            while end.offset < range.upperBound, isClosing(text, end.offset) {
                end.hasClosing = true
                end.offset += TextBytes.length(text, end.offset)
            }
            return end
        }

        private static func isMark(_ text: Span<UInt8>, _ offset: Int) -> Bool {
            let byte = text[offset]
            if byte < 0x80 {
                return byte == UInt8(ascii: ".") || byte == UInt8(ascii: "!") || byte == UInt8(ascii: "?")
            }
            switch TextBytes.scalar(text, offset).value {
            case 0x061F, 0x06D4, 0x0964, 0x0965, 0x1362, 0x2026, 0x203C, 0x203D, 0x2047...0x2049, 0x3002,
                0xFF01,
                0xFF1F, 0xFF61:
                return true
            default: return false
            }
        }

        private static func isClosing(_ text: Span<UInt8>, _ offset: Int) -> Bool {
            switch TextBytes.scalar(text, offset) {
            case "\"", "'", ")", "]", "}", "»", "\u{2019}", "\u{201D}", "\u{300D}", "\u{300F}", "\u{FF09}",
                "*", "_", "`":
                true
            default: false
            }
        }
    }

    private static func breaks(
        _ end: Terminator, before next: Int, from start: Int, _ text: Span<UInt8>, _ range: Range<Int>
    ) -> Bool {
        var letter = next
        while letter < range.upperBound, isOpening(TextBytes.scalar(text, letter)) {
            letter += TextBytes.length(text, letter)
        }
        guard letter < range.upperBound else { return true }
        let scalar = TextBytes.scalar(text, letter)
        guard let fullStop = end.fullStop else {
            // “Really?” he asked.
            return !(end.hasClosing && scalar.properties.isLowercase)
        }
        if scalar.properties.isLowercase { return false }
        if end.hasClosing { return true }
        return !isAbbreviation(before: fullStop, from: start, isNumberNext: isDigit(scalar), text)
    }

    private static func isOpening(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\"", "'", "(", "[", "{", "«", "\u{2018}", "\u{201C}", "\u{201E}", "\u{300C}", "*", "_", "`":
            true
        default: false
        }
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    /// Whether the word that ends in this full stop is shortened, or an initial.
    private static func isAbbreviation(
        before fullStop: Int, from start: Int, isNumberNext: Bool, _ text: Span<UInt8>
    ) -> Bool {
        var first = fullStop
        var word = ""
        while first > start, fullStop - first < 8, text[first - 1] < 0x80 {
            let byte = text[first - 1]
            let isLetter = (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
            guard isLetter || byte == UInt8(ascii: ".") else { break }
            first -= 1
        }
        // Of a longer word this is only the end.
        if first > start, fullStop - first == 8 { return false }
        for offset in first..<fullStop { word.unicodeScalars.append(Unicode.Scalar(text[offset] | 0x20)) }
        if word.utf8.count == 1 { return text[first] & 0x20 == 0 }
        return titles.contains(word) || (isNumberNext && numbered.contains(word))
    }

    /// A name, or the rest of the sentence, comes after these. A full stop in a word became another byte with the letters:
    /// 0x2E | 0x20 = 0x2E.
    private static let titles: Set<String> = [
        "mr", "mrs", "ms", "mx", "dr", "prof", "st", "gen", "sen", "rep", "rev", "hon", "capt", "col", "lt",
        "sgt", "mt",
        "e.g", "i.e", "cf", "vs", "viz", "approx", "ca", "resp", "z.b", "d.h", "u.a", "bzw", "hr", "fr",
    ]

    /// These when a number comes after them.
    private static let numbered: Set<String> = [
        "no", "nos", "nr", "fig", "figs", "eq", "sec", "ch", "vol", "p", "pp", "art", "para", "tab", "ed",
        "sect", "s",
        "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
    ]
}
