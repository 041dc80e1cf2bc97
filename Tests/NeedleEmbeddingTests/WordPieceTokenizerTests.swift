import NeedleCore
import NeedleEmbedding
import Testing

@Suite struct WordPieceTokenizerTests {
    let tokenizer: WordPieceTokenizer

    init() throws {
        tokenizer = try WordPieceTokenizer(
            vocabulary: Fixtures.bytes("\(Fixtures.tiny)/vocab.txt"), file: "vocab.txt", maximumTokens: 48)
    }

    private func ids(_ text: String) -> [Int32] { tokenizer.tokenize(text).ids }

    @Test func agreesWithTheReferenceOnEveryFixture() throws {
        let cases = try Fixtures.tinyCases()
        #expect(cases.count > 40)
        for expected in cases {
            let tokenized = tokenizer.tokenize(expected.text)
            #expect(tokenized.ids == expected.ids, "\(expected.text.debugDescription)")
            #expect(tokenized.isTruncated == expected.isTruncated, "\(expected.text.debugDescription)")
        }
    }

    @Test func canonicallyEquivalentTextsAreTheSame() {
        for (composed, decomposed) in [
            ("caf\u{E9}", "cafe\u{301}"), ("\u{C5}", "A\u{30A}"), ("\u{D55C}", "\u{1112}\u{1161}\u{11AB}"),
            ("\u{1ED9}", "o\u{302}\u{323}"), ("\u{30AC}", "\u{30AB}\u{3099}"),
        ] {
            #expect(ids(composed) == ids(decomposed))
            #expect(ids(composed).count > 2)
        }
    }

    @Test func keptMarksAreSortedByCombiningClass() {
        // 224 before 216 as written; canonical order is the other way round, and an accent of class 0 stops
        // it.
        #expect(ids("a\u{302E}\u{1D165}") == ids("a\u{1D165}\u{302E}"))
        #expect(ids("a\u{302E}\u{5B4}\u{1D165}") == ids("a\u{1D165}\u{302E}"))
        #expect(ids("a\u{302E}\u{34F}\u{1D165}") != ids("a\u{1D165}\u{302E}"))
    }

    @Test func wordsBeyondTheLimitAreUnknown() {
        let unknown: Int32 = 1
        #expect(ids(String(repeating: "a", count: 40)).count == 42)
        #expect(ids(String(repeating: "a", count: 101)) == [2, unknown, 3])
        #expect(ids(String(repeating: "\u{4E2D}", count: 3)).count == 5)
        #expect(ids(String(repeating: "\u{E9}", count: 101)) == [2, unknown, 3])
    }

    @Test func cutsExactlyAtTheLimit() {
        let fits = tokenizer.tokenize(String(repeating: "the ", count: 46))
        #expect(fits.ids.count == 48)
        #expect(!fits.isTruncated)
        let tooLong = tokenizer.tokenize(String(repeating: "the ", count: 47))
        #expect(tooLong.ids == fits.ids)
        #expect(tooLong.isTruncated)
        // A word that crosses the limit and then turns out to be unknown counts as one token, not as its
        // pieces.
        let crossing = tokenizer.tokenize(String(repeating: "the ", count: 44) + "aaaaaaq")
        #expect(crossing.ids.suffix(2) == [1, 3])
        #expect(!crossing.isTruncated)
    }

    @Test func prefixIsPartOfTheText() {
        #expect(tokenizer.tokenize("world", prefix: "hello ").ids == ids("hello world"))
        #expect(tokenizer.tokenize("\u{301}", prefix: "e").ids == ids("e"))
    }

    @Test func anyScalarsGiveAWellFormedAnswer() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<2_000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...30, using: &generator) {
                let code = UInt32.random(in: 0...0x10_FFFF, using: &generator)
                if let scalar = Unicode.Scalar(code) { text.unicodeScalars.append(scalar) }
            }
            let result = tokenizer.tokenize(text)
            #expect(result.ids.first == 2)
            #expect(result.ids.last == 3)
            #expect(result.ids.count <= 48)
            #expect(result.ids.allSatisfy { (0..<Int32(tokenizer.vocabularyCount)).contains($0) })
        }
    }

    @Test(.timeLimit(.minutes(1))) func enormousTextsStopEarly() {
        let words = String(repeating: "swift needle ", count: 5 << 20)
        #expect(words.utf8.count > 64 << 20)
        #expect(tokenizer.tokenize(words).isTruncated)
        #expect(tokenizer.tokenize(words).ids.count == 48)
        // One word, or nothing but marks: read to the end, but never kept.
        #expect(ids(String(repeating: "x", count: 1 << 20)) == [2, 1, 3])
        let marks = String(repeating: "\u{302E}\u{1D165}", count: 1 << 15)
        #expect(ids("a" + marks) == [2, 1, 3])
    }

    @Test func unsoundVocabulariesAreRefused() {
        for text in ["", "[UNK]\n[CLS]\n", "[UNK]\n[CLS]\n[SEP]\na\nb\na\n"] {
            let kind = errorKind {
                _ = try WordPieceTokenizer(vocabulary: Array(text.utf8), file: "vocab.txt", maximumTokens: 8)
            }
            #expect(kind == .corruption, "\(text.debugDescription)")
        }
    }

    @Test func windowsLineEndsAreTaken() throws {
        let vocabulary = Array("[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\n##b".utf8)
        let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, file: "vocab.txt", maximumTokens: 8)
        #expect(tokenizer.tokenize("ab a c").ids == [1, 3, 4, 3, 0, 2])
    }
}
