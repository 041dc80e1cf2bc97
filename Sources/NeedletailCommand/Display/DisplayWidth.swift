// How many columns a text takes on a terminal, and making foreign text safe to print there.

/// Terminal columns.
package enum DisplayWidth {
    /// Columns of a text: wide characters (CJK, emoji) take two, combining marks none.
    package static func of(_ text: some StringProtocol) -> Int {
        text.reduce(0) { $0 + of($1) }
    }

    /// Columns of one character.
    package static func of(_ character: Character) -> Int {
        if let ascii = character.asciiValue { return ascii < 0x20 || ascii == 0x7F ? 0 : 1 }
        var width = 0
        for scalar in character.unicodeScalars {
            // U+FE0F asks for the emoji form, which is wide.
            if isWide(scalar) || scalar.value == 0xFE0F { return 2 }
            if !isInvisible(scalar) { width = 1 }
        }
        return width
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: true
        default: false
        }
    }

    /// East Asian Width W and F (Unicode Standard Annex 11), by block, and emoji shown as pictures.
    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
            0xA000...0xA4CF,
            0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6,
            0x17000...0x18CFF, 0x1B000...0x1B2FF, 0x20000...0x3FFFD:
            true
        default: scalar.value >= 0x231A && scalar.properties.isEmojiPresentation
        }
    }

    /// Cuts a text to a number of columns, with an ellipsis where something was cut.
    package static func cut(_ text: String, to columns: Int) -> String {
        guard of(text) > columns else { return text }
        guard columns > 0 else { return "" }
        var kept = ""
        var width = 0
        for character in text {
            let next = of(character)
            guard width + next <= columns - 1 else { break }
            kept.append(character)
            width += next
        }
        return kept + "…"
    }

    /// Fills a text up to a number of columns.
    package static func pad(_ text: String, to columns: Int, right: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, columns - of(text)))
        return right ? space + text : text + space
    }

    /// A text from outside, on one line: white space becomes single blanks, and whatever could drive the
    /// terminal (control characters, direction overrides) becomes `�`.
    package static func safe(_ text: String) -> String {
        var output = String.UnicodeScalarView()
        var isBlank = false
        for scalar in text.unicodeScalars {
            if scalar.properties.isWhitespace {
                if !isBlank { output.append(" ") }
                isBlank = true
                continue
            }
            isBlank = false
            switch scalar.value {
            case 0..<0x20, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069: output.append("\u{FFFD}")
            default: output.append(scalar)
            }
        }
        return String(output)
    }
}
