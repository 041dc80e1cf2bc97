import NeedleCore
import NeedleEmbedding
import Testing

@Suite struct ChunkerTests {
    /// Seeded sentences in paragraphs.
    private func story(_ sentences: Int, seed: UInt64 = 1) -> [String] {
        var generator = SeededGenerator(seed: seed)
        return (0..<sentences).map { number in
            let words = (0..<Int.random(in: 4...14, using: &generator)).map { _ in
                "w\(UInt32.random(in: 0..<5_000, using: &generator))"
            }
            let end = Int.random(in: 0..<6, using: &generator) == 0 ? ".\n\n" : ". "
            return "S\(words.joined(separator: " "))" + end
        }
    }

    @Test func nothingIsLostAndNoChunkIsTooLarge() throws {
        for (overlap, seed) in [(0, 1), (8, 2), (20, 3)] as [(Int, UInt64)] {
            let text = story(200, seed: seed).joined()
            let found = try chunks(text, maximum: 40, overlap: overlap)
            var end = 0
            for (number, chunk) in found.enumerated() {
                #expect(chunk.passage == part(text, chunk))
                #expect(chunk.passage.split(whereSeparator: \.isWhitespace).count <= 40)
                if overlap == 0 { #expect(chunk.range.lowerBound >= end) }
                let between = Array(text.utf8)[min(end, chunk.range.lowerBound)..<chunk.range.lowerBound]
                #expect(between.allSatisfy { $0 == 0x20 || $0 == 0x0A })
                #expect(chunk.range.upperBound > end)
                #expect(number == found.count - 1 || chunk.passage.hasSuffix("."))
                end = chunk.range.upperBound
            }
            #expect(text.utf8.dropFirst(end).allSatisfy { $0 == 0x20 || $0 == 0x0A })
            // Not much smaller than they may be.
            #expect(found.count < 200 * 9 * 2 / (40 - overlap))
        }
    }

    @Test func wholeSentencesAreRepeated() throws {
        let long = "This " + String(repeating: "word ", count: 8) + "end."
        let text = "One two three. Four five six seven. \(long) Last one here."
        #expect(
            try chunks(text, maximum: 16, overlap: 4).map { part(text, $0) } == [
                "One two three. Four five six seven.", "Four five six seven. \(long)", "Last one here.",
            ])
    }

    @Test func anInsertionMovesNoMoreThanTheChunksNearIt() throws {
        var kept = 0
        var total = 0
        for seed in 1...10 as ClosedRange<UInt64> {
            let sentences = story(400, seed: seed)
            let before = Set(try chunks(sentences.joined(), maximum: 60, overlap: 12).map(\.passage))
            let longer = "A new sentence stands at the top of all. " + sentences.joined()
            let after = try chunks(longer, maximum: 60, overlap: 12).map(\.passage)
            kept += after.count { before.contains($0) }
            total += after.count
            #expect(after.count { !before.contains($0) } <= 12, "seed \(seed)")
        }
        #expect(Double(kept) >= 0.9 * Double(total), "\(kept) of \(total)")
    }

    @Test func paragraphsAreNotTornIfThereIsAChoice() throws {
        let paragraph = "Alpha beta gamma. Delta epsilon zeta. Eta theta iota."
        let text = Array(repeating: paragraph, count: 8).joined(separator: "\n\n")
        for chunk in try chunks(text, maximum: 22) { #expect(part(text, chunk).hasPrefix("Alpha")) }
    }

    @Test func aLongSentenceIsCutAtWords() throws {
        let words = (0..<100).map { "w\($0)" }
        let text = words.joined(separator: " ")
        let found = try chunks(text, maximum: 16)
        #expect(found.flatMap { part(text, $0).split(separator: " ").map(String.init) } == words)
        #expect(found.allSatisfy { part(text, $0).split(separator: " ").count <= 16 })
    }

    @Test func aLongParagraphOfLinesIsCutAtLines() throws {
        let lines = (0..<40).map { "line number \($0) has six words" }
        let text = lines.joined(separator: "\r\n")
        for chunk in try chunks(text, maximum: 20) {
            #expect(part(text, chunk).split(separator: "\r\n").allSatisfy { lines.contains(String($0)) })
        }
    }

    @Test func aScriptWithoutSpacesIsCutAtScalars() throws {
        let vocabulary = try Fixtures.bytes("\(Fixtures.tiny)/vocab.txt")
        let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, file: "vocab.txt", maximumTokens: 48)
        let text = String(repeating: "漢字仮名交じり文", count: 50)
        let chunker = try Chunker(
            counter: tokenizer, sizes: ChunkSizes(maximum: 32, overlap: 0), passageTokens: 46, limit: 100)
        let found = try chunker.chunks(of: text, format: .plain, context: OperationContext())
        #expect(found.map { part(text, $0) }.joined() == text)
        for chunk in found { #expect(tokenizer.tokenCount(of: Array(chunk.passage.utf8).span) <= 32) }
    }

    @Test(arguments: ["", " \n\r\n\t", "\u{FEFF}", "\u{FEFF}\n\u{3000}"])
    func nothingGivesNoChunks(_ text: String) throws {
        #expect(try chunks(text).isEmpty)
        #expect(try chunks(text, .markdown).isEmpty)
    }

    @Test func aByteOrderMarkIsNoText() throws {
        for format in DocumentFormat.allCases {
            let found = try chunks("\u{FEFF}Hello.\r\n", format)
            #expect(found == [TextChunk(range: 3..<9, headings: [], passage: "Hello.")])
        }
    }

    @Test func limitsAreMet() throws {
        let text = story(400).joined()
        let count = try chunks(text, maximum: 40).count
        #expect(try chunks(text, maximum: 40, limit: count).count == count)
        #expect(errorKind { _ = try chunks(text, maximum: 40, limit: count - 1) } == .limitExceeded)
        // Known long before all of it has been cut.
        let endless = String(repeating: "word ", count: 200_000)
        #expect(errorKind { _ = try chunks(endless, limit: 10) } == .limitExceeded)
    }

    @Test(arguments: [(15, 0), (257, 0), (64, 33), (64, -1)])
    func sizesThatCannotBeAreRefused(_ maximum: Int, _ overlap: Int) {
        #expect(errorKind { _ = try chunks("text", maximum: maximum, overlap: overlap) } == .invalidParams)
    }

    @Test func aCancelledRequestEnds() throws {
        let context = OperationContext()
        context.cancel()
        let chunker = try Chunker(
            counter: WordCounter(), sizes: ChunkSizes(), passageTokens: 256, limit: 100)
        #expect(errorKind { _ = try chunker.chunks(of: "a", format: .plain, context: context) } == .cancelled)
    }

    /// What the chunker counts is what the model reads.
    @Test func theModelReadsChunksWhole() throws {
        let model = try LocalModel(directory: Fixtures.tiny)
        let text =
            story(60).joined() + "\n\nÜber naïve façades, 漢字 and 🙂 emoji! [CLS] counts as one. "
            + story(20).joined()
        for format in DocumentFormat.allCases {
            let found = try model.chunks(
                of: text, format: format, sizes: ChunkSizes(), limit: 1_000, context: OperationContext())
            #expect(found.count > 5)
            let batch = try model.embed(found.map(\.passage), kind: .passage, context: OperationContext())
            #expect(batch.truncated == 0)
        }
    }
}
