import NeedleCore
import NeedleEmbedding
import Testing

/// A token a word: sizes that a person can count.
struct WordCounter: TokenCounter {
    func tokenCount(of text: Span<UInt8>) -> Int {
        var bytes: [UInt8] = []
        for index in text.indices { bytes.append(text[index]) }
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).count
    }
}

/// Chunks of so many words. One sentence a chunk when `maximum` is the length of the longest and none repeats.
func chunks(
    _ text: String, _ format: DocumentFormat = .plain, maximum: Int = 16, overlap: Int = 0,
    limit: Int = 10_000
) throws -> [TextChunk] {
    let chunker = try Chunker(
        counter: WordCounter(), sizes: ChunkSizes(maximum: maximum, overlap: overlap), passageTokens: 256,
        limit: limit)
    return try chunker.chunks(of: text, format: format, context: OperationContext())
}

func part(_ text: String, _ chunk: TextChunk) -> String {
    String(decoding: Array(text.utf8)[chunk.range], as: UTF8.self)
}

/// Where sentences end can be seen where no two fit into a chunk: each is made longer than half of it.
@Suite struct SentenceTests {
    private func sentences(_ text: String) throws -> [String] {
        let filler = " na na na na na na na na"
        // A word `/` in the case stands for nine words.
        let long = text.replacing("/", with: filler.dropFirst())
        return try chunks(long).map { part(long, $0).replacing(filler.dropFirst(), with: "/") }
    }

    @Test(arguments: [
        ["First / one.", "Second / one!", "Third / one?", "Fourth /"],
        ["Mr. Smith / went.", "Mrs. Jones / stayed."],
        ["It / costs 3.50 dollars.", "That / is much."],
        ["See / e.g. the list, i.e. the first.", "Then / go on."],
        ["By J. R. / Tolkien it was.", "And / so on."],
        ["He said: “/ stop!”", "“Why / then?”"],
        ["“Really / now?” he asked.", "She / nodded."],
        ["Wait / … and see.", "Then / go."],
        ["Read / No. 5 of the list.", "He said / no.", "Never / again."],
        ["It grew / by 5 %.", "(It / shrank before.)", "Good /"],
        ["Was / ist das?", "Das / kostet ca. 5 Euro, d.h. viel.", "Über / alles."],
        ["Choose / option a.", "Or / b."],
        ["Version / 6.3.1 is out.", "Files / like a.txt are read."],
    ])
    func endWhereTheyShould(_ expected: [String]) throws {
        #expect(try sentences(expected.joined(separator: " ")) == expected)
        #expect(try sentences(expected.joined(separator: "\n")) == expected)
        #expect(try sentences("  " + expected.joined(separator: " \r\n\t ") + "\u{A0}\n") == expected)
    }

    @Test func ideographicFullStopsNeedNoSpace() throws {
        let text = "今日は晴れです。明日は雨です。「そうですか。」はい"
        // A character a token, so that two sentences do not fit.
        struct Counter: TokenCounter {
            func tokenCount(of text: Span<UInt8>) -> Int { text.count / 3 }
        }
        let chunker = try Chunker(
            counter: Counter(), sizes: ChunkSizes(maximum: 16, overlap: 0), passageTokens: 256, limit: 100)
        let found = try chunker.chunks(of: text, format: .plain, context: OperationContext())
        #expect(found.count > 1 && found.map { part(text, $0) }.joined() == text)
        for chunk in found.dropLast() {
            #expect(part(text, chunk).hasSuffix("。") || part(text, chunk).hasSuffix("。」"))
        }
    }
}
