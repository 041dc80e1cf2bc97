// Whole texts on their way to becoming points: `document.upsert` and its kin.

/// How a document's text is taken apart.
package enum DocumentFormat: String, Hashable, Sendable, CaseIterable {
    case plain
    /// By headings; code blocks are kept whole where they fit.
    case markdown
}

/// Sizes of chunks, in the model's tokens.
package struct ChunkSizes: Hashable, Sendable {
    /// Of what is embedded, headings put before it included; what the model reads when `nil`.
    package var maximum: Int?
    /// Of the end of a chunk that the next one repeats, at most; an eighth of the maximum when `nil`.
    package var overlap: Int?

    /// The least that a client may ask for; the most is what the model reads.
    package static let leastMaximum = 16

    package init(maximum: Int? = nil, overlap: Int? = nil) {
        self.maximum = maximum
        self.overlap = overlap
    }
}

/// One document of a `document.upsert`.
package struct DocumentWrite: Hashable, Sendable {
    package var id: String
    package var text: String
    package var format: DocumentFormat
    /// Repeated in every chunk.
    package var payload: Payload

    /// Bytes of an id: with `#` and the number of a chunk it is a point's id.
    package static let idBytes = 1...500

    package init(id: String, text: String, format: DocumentFormat = .plain, payload: Payload = .empty) {
        self.id = id
        self.text = text
        self.format = format
        self.payload = payload
    }
}

/// A part of a text that is embedded by itself.
package struct TextChunk: Hashable, Sendable {
    /// UTF-8 bytes of the text, from the first byte of a scalar to the last one of another; never empty.
    package var range: Range<Int>
    /// The headings it stands under, outermost first.
    package var headings: [String]
    /// What is embedded: the text of the range, after its headings where they fit.
    package var passage: String

    package init(range: Range<Int>, headings: [String], passage: String) {
        self.range = range
        self.headings = headings
        self.passage = passage
    }

    /// What is put before a text, so that it makes sense alone.
    package static func title(of headings: some Sequence<String>) -> String {
        let path = headings.joined(separator: " > ")
        return path.isEmpty ? "" : path + "\n"
    }
}
