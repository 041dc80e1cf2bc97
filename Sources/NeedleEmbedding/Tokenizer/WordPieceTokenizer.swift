// BERT's uncased tokenizer in one pass over the bytes of a text, with the answers of the reference
// implementation (Hugging Face `tokenizers`) for every Unicode text: clean, space out ideographs, decompose
// (NFD), strip accents, lower-case, split at white space and punctuation, then greedy longest match within
// each word.
//
// Invariants: no text costs more than one pass over its bytes plus O(maximumTokens) pieces; a word is never
// buffered beyond 100 scalars; nothing here compares Swift strings.

package import NeedleCore

/// Token ids of one text, special tokens included.
package struct TokenizedText: Hashable, Sendable {
    package var ids: [Int32]
    /// Whether the text had more tokens than the limit.
    package var isTruncated: Bool
}

/// Turns text into word-piece ids. Immutable; safe from any thread.
package struct WordPieceTokenizer: Sendable {
    /// Words of more scalars than this become one unknown token.
    static let maximumWordScalars = 100

    let vocabulary: Vocabulary
    let table = CharacterTable.shared
    let unknown: Int32
    let start: Int32
    let separator: Int32
    /// `[CLS]` and its like are recognised in raw text, as the reference does.
    let specials: [(bytes: [UInt8], id: Int32)]
    /// Tokens of a text at most, the two special ones counted.
    package let maximumTokens: Int

    package var vocabularyCount: Int { vocabulary.count }

    /// - Parameters:
    ///   - vocabulary: the bytes of `vocab.txt`, one piece per line.
    ///   - file: its name, for errors.
    /// - Throws: `corruption` when the vocabulary is not one.
    package init(vocabulary bytes: [UInt8], file: String, maximumTokens: Int) throws(DatabaseError) {
        precondition(maximumTokens >= 2, "room for [CLS] and [SEP]")
        let vocabulary = try Vocabulary(lines: bytes, file: file)
        func required(_ name: StaticString) throws(DatabaseError) -> Int32 {
            if let id = vocabulary.id(of: "\(name)".utf8) { return id }
            throw DatabaseError.corruption(file: file, offset: 0, what: "the vocabulary has no \(name)")
        }
        unknown = try required("[UNK]")
        start = try required("[CLS]")
        separator = try required("[SEP]")
        var specials: [(bytes: [UInt8], id: Int32)] = []
        for name in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] {
            if let id = vocabulary.id(of: name.utf8) { specials.append((Array(name.utf8), id)) }
        }
        self.specials = specials
        self.vocabulary = vocabulary
        self.maximumTokens = maximumTokens
    }

    /// `[CLS]`, the pieces of the text, `[SEP]`. O(bytes of the text); stops where the limit is reached.
    ///
    /// - Parameter prefix: put before the text, as some models want for questions.
    package func tokenize(_ text: String, prefix: String = "") -> TokenizedText {
        var whole = prefix.isEmpty ? text : prefix + text
        return whole.withUTF8 { utf8 in
            var pass = TokenizerPass(tokenizer: self, text: utf8.span, pieceLimit: maximumTokens - 2)
            return pass.run()
        }
    }

    /// Tokens of valid UTF-8, without the two special ones and without a limit. O(bytes).
    package func tokenCount(of text: Span<UInt8>) -> Int {
        var pass = TokenizerPass(tokenizer: self, text: text, pieceLimit: .max - 2)
        return pass.run().ids.count - 2
    }
}
