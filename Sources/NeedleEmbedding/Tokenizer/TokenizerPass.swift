// The state of one walk over one text. See WordPieceTokenizer for what it computes.

/// Decodes, normalises and splits in one loop; each word is matched against the vocabulary when it ends.
struct TokenizerPass: ~Escapable {
    private let tokenizer: WordPieceTokenizer
    private let text: Span<UInt8>
    private var ids: [Int32] = []
    private var isFull = false
    private let pieceLimit: Int

    // The word being collected: normalised UTF-8, and how many scalars that is.
    private var word: [UInt8] = []
    private var scalarCount = 0
    // Kept marks (combining class above 0) since the last starter: they must be put in canonical order.
    private var marks: [(scalar: UInt32, order: UInt8)] = []

    /// - Parameter pieceLimit: tokens at most, the two special ones not counted.
    @_lifetime(copy text)
    init(tokenizer: WordPieceTokenizer, text: Span<UInt8>, pieceLimit: Int) {
        self.tokenizer = tokenizer
        self.text = text
        self.pieceLimit = pieceLimit
        word.reserveCapacity(min(text.count, 4 * WordPieceTokenizer.maximumWordScalars))
        ids.reserveCapacity(min(pieceLimit, text.count / 3 + 2) + 2)
    }

    mutating func run() -> TokenizedText {
        ids.append(tokenizer.start)
        var offset = 0
        while offset < text.count, !isFull {
            let byte = text[offset]
            if byte < 0x80 {
                offset += takeASCII(byte, at: offset)
            } else {
                let (scalar, length) = decode(at: offset)
                take(scalar)
                offset += length
            }
        }
        endWord()
        ids.append(tokenizer.separator)
        return TokenizedText(ids: ids, isTruncated: isFull)
    }

    /// - Returns: how many bytes were taken.
    private mutating func takeASCII(_ byte: UInt8, at offset: Int) -> Int {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            append(ascii: byte)
        case UInt8(ascii: "A")...UInt8(ascii: "Z"):
            append(ascii: byte | 0x20)
        case UInt8(ascii: " "), 0x09, 0x0A, 0x0D:
            endWord()
        case 0x00..<0x20, 0x7F:
            break
        default:
            if byte == UInt8(ascii: "["), let special = special(at: offset) {
                endWord()
                emit(special.id)
                return special.length
            }
            endWord()
            append(ascii: byte)
            endWord()
        }
        return 1
    }

    private func special(at offset: Int) -> (id: Int32, length: Int)? {
        for special in tokenizer.specials where offset + special.bytes.count <= text.count {
            if special.bytes.indices.allSatisfy({ text[offset + $0] == special.bytes[$0] }) {
                return (special.id, special.bytes.count)
            }
        }
        return nil
    }

    /// The text came from a Swift string, so it is valid UTF-8.
    private func decode(at offset: Int) -> (scalar: UInt32, length: Int) {
        func low(_ distance: Int) -> UInt32 { UInt32(text[offset + distance] & 0x3F) }
        let lead = UInt32(text[offset])
        if lead < 0xE0 { return ((lead & 0x1F) << 6 | low(1), 2) }
        if lead < 0xF0 { return ((lead & 0x0F) << 12 | low(1) << 6 | low(2), 3) }
        return ((lead & 0x07) << 18 | low(1) << 12 | low(2) << 6 | low(3), 4)
    }

    private mutating func take(_ scalar: UInt32) {
        let entry = tokenizer.table.entry(scalar)
        if entry.isIdeograph { endWord() }
        switch entry.action {
        case .keep:
            append(entry.target == 0 ? scalar : entry.target)
        case .drop, .strip:
            break
        case .space:
            endWord()
        case .stripBlocking:
            flushMarks()
        case .expand:
            let list = tokenizer.table.multiple
            let index = Int(entry.target)
            for member in list[(index + 1)...].prefix(Int(list[index])) { append(member) }
        case .hangul:
            appendHangul(scalar)
        }
        if entry.isIdeograph { endWord() }
    }

    /// Unicode standard, section 3.12: a syllable is its leading consonant, vowel and optional trailing
    /// consonant.
    private mutating func appendHangul(_ scalar: UInt32) {
        let index = scalar - 0xAC00
        append(0x1100 + index / 588)
        append(0x1161 + index % 588 / 28)
        if index % 28 != 0 { append(0x11A7 + index % 28) }
    }

    private mutating func append(ascii byte: UInt8) {
        if !marks.isEmpty { flushMarks() }
        if scalarCount < WordPieceTokenizer.maximumWordScalars { word.append(byte) }
        scalarCount += 1
    }

    private mutating func append(_ scalar: UInt32) {
        if tokenizer.table.isPunctuation(scalar) {
            endWord()
            push(scalar)
            endWord()
            return
        }
        let order = tokenizer.table.combiningClass(scalar)
        if order == 0 {
            if !marks.isEmpty { flushMarks() }
            push(scalar)
        } else if scalarCount + marks.count <= WordPieceTokenizer.maximumWordScalars {
            // Stable insertion; the word is unknown anyway once it has more than 100 scalars.
            let place = marks.lastIndex { $0.order <= order }.map { $0 + 1 } ?? 0
            marks.insert((scalar, order), at: place)
        } else {
            scalarCount += 1
        }
    }

    private mutating func flushMarks() {
        for mark in marks { push(mark.scalar) }
        marks.removeAll(keepingCapacity: true)
    }

    private mutating func push(_ scalar: UInt32) {
        defer { scalarCount += 1 }
        guard scalarCount < WordPieceTokenizer.maximumWordScalars else { return }
        let low = { (shift: UInt32) in UInt8(truncatingIfNeeded: scalar >> shift & 0x3F | 0x80) }
        switch scalar {
        case 0..<0x80: word.append(UInt8(scalar))
        case 0x80..<0x800:
            word.append(UInt8(scalar >> 6 | 0xC0))
            word.append(low(0))
        case 0x800..<0x1_0000:
            word.append(UInt8(scalar >> 12 | 0xE0))
            word.append(low(6))
            word.append(low(0))
        default:
            word.append(UInt8(scalar >> 18 | 0xF0))
            word.append(low(12))
            word.append(low(6))
            word.append(low(0))
        }
    }

    private mutating func emit(_ id: Int32) {
        if ids.count > pieceLimit {
            isFull = true
        } else {
            ids.append(id)
        }
    }

    /// Greedy longest match, piece by piece; a word with a gap is unknown as a whole.
    private mutating func endWord() {
        flushMarks()
        guard scalarCount > 0 else { return }
        defer {
            word.removeAll(keepingCapacity: true)
            scalarCount = 0
        }
        guard scalarCount <= WordPieceTokenizer.maximumWordScalars else { return emit(tokenizer.unknown) }
        let wordStart = ids.count
        var start = 0
        while start < word.count {
            var node = start == 0 ? Vocabulary.wordRoot : Vocabulary.continuationRoot
            var match: (id: Int32, end: Int)?
            var end = start
            while end < word.count, let next = tokenizer.vocabulary.step(node, word[end]) {
                node = next
                end += 1
                if let id = tokenizer.vocabulary.id(node) { match = (id, end) }
            }
            guard let match else {
                ids.removeSubrange(wordStart...)
                isFull = false
                return emit(tokenizer.unknown)
            }
            emit(match.id)
            start = match.end
        }
    }
}
