/// Finds the words of a text: the segments between Unicode word boundaries (UAX #29, section 4.1) that hold a letter,
/// a digit or an ideograph.
///
/// Without a dictionary, as the standard has it: ideographs, Hiragana and letters of Thai, Lao, Khmer and Burmese are
/// words one by one. Text of nothing but ASCII takes a shorter way with the same outcome. O(bytes).
package enum WordSegmenter {
    /// Appends the byte ranges of the words, in order.
    static func appendWords(of text: Span<UInt8>, to words: inout [Range<Int>]) {
        if isASCII(text) {
            appendASCIIWords(of: text, to: &words)
        } else {
            appendAnyWords(of: text, to: &words)
        }
    }

    static func isASCII(_ text: Span<UInt8>) -> Bool {
        var union: UInt8 = 0
        for index in text.indices { union |= text[index] }
        return union < 0x80
    }

    // MARK: ASCII

    private static func appendASCIIWords(of text: Span<UInt8>, to words: inout [Range<Int>]) {
        var position = 0
        let end = text.count
        while position < end {
            guard ASCIIKind(text[position]).isPartOfWord else {
                position += 1
                continue
            }
            let start = position
            var holdsLetterOrDigit = false
            while position < end {
                let kind = ASCIIKind(text[position])
                if kind.isPartOfWord {
                    holdsLetterOrDigit = holdsLetterOrDigit || kind != .underscore
                } else if position == start || position + 1 == end
                    || !kind.joins(ASCIIKind(text[position - 1]), ASCIIKind(text[position + 1]))
                {
                    break
                }
                position += 1
            }
            if holdsLetterOrDigit { words.append(start..<position) }
        }
    }

    private enum ASCIIKind {
        case letter, digit, underscore, betweenLetters, betweenDigits, betweenEither, other

        @inline(__always)
        init(_ byte: UInt8) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): self = .letter
            case UInt8(ascii: "0")...UInt8(ascii: "9"): self = .digit
            case UInt8(ascii: "_"): self = .underscore
            case UInt8(ascii: ":"): self = .betweenLetters
            case UInt8(ascii: ","), UInt8(ascii: ";"): self = .betweenDigits
            case UInt8(ascii: "."), UInt8(ascii: "'"): self = .betweenEither
            default: self = .other
            }
        }

        @inline(__always)
        var isPartOfWord: Bool { self == .letter || self == .digit || self == .underscore }

        /// Whether this, between those two, belongs to their word (rules WB6, WB7, WB11, WB12).
        func joins(_ left: ASCIIKind, _ right: ASCIIKind) -> Bool {
            switch self {
            case .betweenLetters: left == .letter && right == .letter
            case .betweenDigits: left == .digit && right == .digit
            case .betweenEither: left == right && (left == .letter || left == .digit)
            default: false
            }
        }
    }

    // MARK: Any text

    /// A scalar with the marks, format characters and joiners that follow it (rule WB4).
    private struct Unit {
        let kind: WordBreak.Class
        let start: Int
        let isWord: Bool
        let isPictographic: Bool
        /// Of more than one scalar.
        var isExtended = false
        var endsInJoiner: Bool
    }

    private static func appendAnyWords(of text: Span<UInt8>, to words: inout [Range<Int>]) {
        let units = units(of: text)
        var start = 0
        var isWord = false
        var regionalIndicators = 0
        for index in units.indices {
            if index > 0, isBoundary(units, before: index, regionalIndicators: regionalIndicators) {
                if isWord { words.append(units[start].start..<units[index].start) }
                start = index
                isWord = false
            }
            isWord = isWord || units[index].isWord
            regionalIndicators = units[index].kind == .regionalIndicator ? regionalIndicators + 1 : 0
        }
        if isWord { words.append(units[start].start..<text.count) }
    }

    /// The boundaries between words as offsets of bytes, both ends included: what the standard's test data states.
    package static func boundaries(of text: Span<UInt8>) -> [Int] {
        let units = units(of: text)
        var result = text.isEmpty ? [] : [0]
        var regionalIndicators = 0
        for index in units.indices {
            if index > 0, isBoundary(units, before: index, regionalIndicators: regionalIndicators) {
                result.append(units[index].start)
            }
            regionalIndicators = units[index].kind == .regionalIndicator ? regionalIndicators + 1 : 0
        }
        return text.isEmpty ? [] : result + [text.count]
    }

    private static func units(of text: Span<UInt8>) -> [Unit] {
        var units: [Unit] = []
        units.reserveCapacity(text.count)
        var reader = ScalarReader(text, in: text.indices)
        var start = 0
        while let scalar = reader.next() {
            let value = WordBreak(of: scalar)
            let kind = value.kind
            if kind == .extend || kind == .format || kind == .zwj, let last = units.indices.last,
                !isLineBreak(units[last].kind)
            {
                units[last].isExtended = true
                units[last].endsInJoiner = kind == .zwj
            } else {
                units.append(
                    Unit(
                        kind: kind, start: start, isWord: value.isWord, isPictographic: value.isPictographic,
                        endsInJoiner: kind == .zwj))
            }
            start = reader.offset
        }
        return units
    }

    private static func isLineBreak(_ kind: WordBreak.Class) -> Bool {
        kind == .cr || kind == .lf || kind == .newline
    }

    /// - Parameter regionalIndicators: how many of them end right before the unit.
    private static func isBoundary(_ units: [Unit], before index: Int, regionalIndicators: Int) -> Bool {
        let (left, right) = (units[index - 1], units[index])
        if left.kind == .cr, right.kind == .lf { return false }  // WB3
        if isLineBreak(left.kind) || isLineBreak(right.kind) { return true }  // WB3a, WB3b
        if left.endsInJoiner, right.isPictographic { return false }  // WB3c
        if left.kind == .space, right.kind == .space, !left.isExtended { return false }  // WB3d
        let before = index >= 2 ? units[index - 2].kind : .other
        let after = index + 1 < units.count ? units[index + 1].kind : .other
        if joinsLetters(before, left.kind, right.kind, after) { return false }
        if joinsDigits(before, left.kind, right.kind, after) { return false }
        switch (left.kind, right.kind) {
        case (.katakana, .katakana): return false  // WB13
        case (.letter, .extendNumLet), (.hebrewLetter, .extendNumLet), (.numeric, .extendNumLet),
            (.katakana, .extendNumLet), (.extendNumLet, .extendNumLet):
            return false  // WB13a
        case (.extendNumLet, .letter), (.extendNumLet, .hebrewLetter), (.extendNumLet, .numeric),
            (.extendNumLet, .katakana):
            return false  // WB13b
        case (.regionalIndicator, .regionalIndicator): return regionalIndicators % 2 == 0  // WB15, WB16
        default: return true
        }
    }

    /// WB5 to WB7c: within words of letters, and over a sign between letters.
    private static func joinsLetters(
        _ before: WordBreak.Class, _ left: WordBreak.Class, _ right: WordBreak.Class,
        _ after: WordBreak.Class
    ) -> Bool {
        if isLetter(left), isLetter(right) { return true }
        if isLetter(left), isBetweenLetters(right), isLetter(after) { return true }
        if isLetter(before), isBetweenLetters(left), isLetter(right) { return true }
        if left == .hebrewLetter, right == .singleQuote { return true }
        if left == .hebrewLetter, right == .doubleQuote, after == .hebrewLetter { return true }
        return before == .hebrewLetter && left == .doubleQuote && right == .hebrewLetter
    }

    /// WB8 to WB12: within numbers, between numbers and letters, and over a sign between digits.
    private static func joinsDigits(
        _ before: WordBreak.Class, _ left: WordBreak.Class, _ right: WordBreak.Class,
        _ after: WordBreak.Class
    ) -> Bool {
        if left == .numeric, right == .numeric || isLetter(right) { return true }
        if isLetter(left), right == .numeric { return true }
        if before == .numeric, isBetweenDigits(left), right == .numeric { return true }
        return left == .numeric && isBetweenDigits(right) && after == .numeric
    }

    private static func isLetter(_ kind: WordBreak.Class) -> Bool { kind == .letter || kind == .hebrewLetter }

    private static func isBetweenLetters(_ kind: WordBreak.Class) -> Bool {
        kind == .midLetter || kind == .midNumLet || kind == .singleQuote
    }

    private static func isBetweenDigits(_ kind: WordBreak.Class) -> Bool {
        kind == .midNum || kind == .midNumLet || kind == .singleQuote
    }
}
