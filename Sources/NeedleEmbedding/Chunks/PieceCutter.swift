import NeedleCore

/// Takes blocks apart: into sentences, or lines of what is no prose; what is larger than a chunk into lines, words, and at
/// last runs of a few scalars.
struct PieceCutter {
    let counter: any TokenCounter
    /// Tokens of a chunk.
    let room: Int
    private(set) var pieces: [TextPiece] = []
    /// Of all pieces.
    private(set) var tokens = 0

    /// Scalars of a run: a script without spaces has about a token a scalar.
    private static let runScalars = 8

    init(counter: any TokenCounter, room: Int) {
        self.counter = counter
        self.room = room
    }

    mutating func cut(_ block: TextBlock, of text: Span<UInt8>) {
        let before = pieces.count
        switch block.kind {
        case .prose:
            for sentence in SentenceBreaks.sentences(of: text, block.range) { addWhole(sentence, of: text) }
        case .verbatim:
            addWhole(block.range, of: text)
        }
        if before < pieces.count { pieces[before].beginsBlock = true }
    }

    /// A sentence or a block; if it is too long, its lines.
    private mutating func addWhole(_ range: Range<Int>, of text: Span<UInt8>) {
        if add(range, of: text) { return }
        var lines = TextLines(text, range)
        while let line = lines.next() {
            let trimmed = TextBytes.trimmed(line, of: text)
            if !trimmed.isEmpty, !add(trimmed, of: text) { addWords(trimmed, of: text) }
        }
    }

    private mutating func addWords(_ range: Range<Int>, of text: Span<UInt8>) {
        var start = range.lowerBound
        while start < range.upperBound {
            var end = start
            while end < range.upperBound {
                let space = TextBytes.spaceLength(text, end)
                if space > 0 { break }
                end += TextBytes.length(text, end)
            }
            if end > start, !add(start..<end, of: text) { addRuns(start..<end, of: text) }
            start = end
            while start < range.upperBound {
                let space = TextBytes.spaceLength(text, start)
                if space == 0 { break }
                start += space
            }
        }
    }

    private mutating func addRuns(_ range: Range<Int>, of text: Span<UInt8>) {
        var start = range.lowerBound
        while start < range.upperBound {
            var end = start
            for _ in 0..<Self.runScalars where end < range.upperBound { end += TextBytes.length(text, end) }
            let count = counter.tokenCount(of: text.extracting(start..<end))
            append(start..<end, tokens: count)
            start = end
        }
    }

    /// - Returns: whether it fits into a chunk and was added.
    private mutating func add(_ range: Range<Int>, of text: Span<UInt8>) -> Bool {
        let count = counter.tokenCount(of: text.extracting(range))
        guard count <= room else { return false }
        append(range, tokens: count)
        return true
    }

    private mutating func append(_ range: Range<Int>, tokens count: Int) {
        pieces.append(TextPiece(range: range, tokens: count, beginsBlock: false))
        tokens += count
    }
}
