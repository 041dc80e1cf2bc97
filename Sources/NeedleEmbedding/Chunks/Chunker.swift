// From a text to chunks: sections (of Markdown, by headings), in them blocks, in those sentences, and then as many
// sentences together as the model reads at once.
//
// Invariants:
// - Chunks come in the order of the text; their ranges begin and end at scalars, without white space at the ends.
// - Nothing but white space and the marks of Markdown's structure (heading lines, rules, front matter) lies between
//   two chunks.
// - Where a chunk ends depends on the text around it, not on how far from the beginning it is: after an insertion the
//   chunks soon are those from before, so that only those near it have to be embedded again.

package import NeedleCore

/// Counts a model's tokens. Texts that meet at white space have the sum of their tokens.
package protocol TokenCounter: Sendable {
    /// - Precondition: valid UTF-8.
    func tokenCount(of text: Span<UInt8>) -> Int
}

extension WordPieceTokenizer: TokenCounter {}

/// Cuts texts. Immutable; safe from any thread.
package struct Chunker: Sendable {
    let counter: any TokenCounter
    /// Tokens of a passage and of what two chunks have in common, at most.
    let maximum: Int
    let overlap: Int
    let limit: Int

    /// Headings take at most this share of a passage.
    private static let headingShare = 4

    /// - Parameters:
    ///   - passageTokens: what the model reads of a passage.
    ///   - limit: chunks at most.
    /// - Throws: `invalid_params` at `chunk`.
    package init(
        counter: any TokenCounter, sizes: ChunkSizes, passageTokens: Int, limit: Int
    ) throws(DatabaseError) {
        let maximum = sizes.maximum ?? passageTokens
        guard maximum >= min(ChunkSizes.leastMaximum, passageTokens), maximum <= passageTokens else {
            throw DatabaseError(
                .invalidParams, "the model reads \(passageTokens) tokens of a text at most",
                at: "chunk.max_tokens", expected: "\(ChunkSizes.leastMaximum) … \(passageTokens)",
                got: "\(maximum)")
        }
        let overlap = sizes.overlap ?? maximum / 8
        guard (0...maximum / 2).contains(overlap) else {
            throw DatabaseError(
                .invalidParams, "half of a chunk at most may repeat the one before",
                at: "chunk.overlap_tokens",
                expected: "0 … \(maximum / 2)", got: "\(overlap)")
        }
        self.counter = counter
        self.maximum = maximum
        self.overlap = overlap
        self.limit = limit
    }

    /// O(bytes).
    ///
    /// - Throws: `limit_exceeded`, `cancelled`, `deadline`.
    package func chunks(
        of text: String, format: DocumentFormat, context: OperationContext
    ) throws(DatabaseError) -> [TextChunk] {
        let bytes = Array(text.utf8)
        let sections =
            switch format {
            case .plain: [TextSection(headings: [], blocks: PlainText.blocks(of: bytes.span))]
            case .markdown: Markdown.sections(of: bytes.span)
            }
        var chunks: [TextChunk] = []
        for section in sections {
            let (heading, headingTokens) = heading(of: section)
            let room = maximum - headingTokens
            let pieces = try pieces(of: section, bytes, room: room, context)
            let packing = ChunkPacking(pieces: pieces, room: room, overlap: overlap)
            for range in packing.ranges(of: bytes.span) {
                guard chunks.count < limit else { throw tooMany() }
                chunks.append(
                    TextChunk(
                        range: range, headings: section.headings,
                        passage: heading + String(decoding: bytes[range], as: UTF8.self)))
            }
        }
        return chunks
    }

    /// What is put before the text, so that a chunk makes sense alone: the innermost headings that fit.
    private func heading(of section: TextSection) -> (text: String, tokens: Int) {
        for first in section.headings.indices {
            let text = TextChunk.title(of: section.headings[first...])
            let tokens = counter.tokenCount(of: Array(text.utf8).span)
            if tokens <= maximum / Self.headingShare { return (text, tokens) }
        }
        return ("", 0)
    }

    /// The parts of a section that are not taken apart any more.
    private func pieces(
        of section: TextSection, _ bytes: [UInt8], room: Int, _ context: OperationContext
    ) throws(DatabaseError) -> [TextPiece] {
        var cutter = PieceCutter(counter: counter, room: room)
        for block in section.blocks {
            try context.check()
            cutter.cut(block, of: bytes.span)
            // More than the chunks could take, however they are packed.
            guard cutter.tokens / max(1, room) <= limit else { throw tooMany() }
        }
        return cutter.pieces
    }

    private func tooMany() -> DatabaseError {
        DatabaseError(
            .limitExceeded, "the text has more than \(limit) chunks", at: "text",
            expected: "at most \(limit) chunks in all; several documents, or larger chunks")
    }
}

/// A part of a text under one path of headings.
struct TextSection: Hashable {
    var headings: [String]
    var blocks: [TextBlock]
}

/// Lines that belong together: a paragraph, an item of a list, a code block.
struct TextBlock: Hashable {
    enum Kind: Hashable {
        /// Sentences; its lines may be broken anywhere.
        case prose
        /// Code, tables: whole if it fits, else line by line.
        case verbatim
    }

    var kind: Kind
    /// Bytes, without white space at the ends; not empty.
    var range: Range<Int>
}
