import NeedleCore
import NeedlePayloads
import Testing

@Suite struct TextAnalysisTests {
    private func terms(_ text: String, _ analysis: TextAnalysis = .plain) -> [String] {
        let found = analysis.terms(of: text)
        return (0..<found.count).map { String(decoding: found.term($0), as: UTF8.self) }
    }

    // MARK: Words

    @Test func breaksWhereTheStandardSays() {
        for (text, expected) in WordBreakCases.all {
            let utf8 = text.unicodeScalars.indices.map { text.utf8.distance(from: text.startIndex, to: $0) }
            let wanted = expected.map { $0 < utf8.count ? utf8[$0] : text.utf8.count }
            #expect(
                WordSegmenter.boundaries(of: text.utf8.span) == wanted,
                "\(text.unicodeScalars.map { String($0.value, radix: 16) })")
        }
        #expect(WordSegmenter.boundaries(of: "".utf8.span) == [])
    }

    @Test(arguments: [
        ("Real-time strategy game", ["real", "time", "strategy", "game"]),
        ("don't o'clock 'quoted'", ["don't", "o'clock", "quoted"]),
        ("node.js 3.14 1,000 a,b 1.x x.1", ["node.js", "3.14", "1,000", "a", "b", "1", "x", "x", "1"]),
        ("foo_bar __init__ _ __", ["foo_bar", "__init__"]),
        ("a:b a::b C++ c#", ["a:b", "a", "b", "c", "c"]),
        ("", []), ("... !?", []), ("'", []), ("a'", ["a"]), ("'a", ["a"]), ("a.", ["a"]),
        ("e.g. x", ["e.g", "x"]),
    ])
    func wordsOfASCII(_ text: String, _ expected: [String]) {
        #expect(terms(text) == expected)
        // Another scalar takes the general way.
        #expect(terms(text + " é") == expected + ["e"])
    }

    @Test func bothWaysFindTheSameWordsInASCII() {
        var random = SeededGenerator(seed: 41)
        let alphabet = Array("abZ09_.,:;'\" -\n\r\tx1")
        for _ in 0..<2000 {
            let text = String(
                (0..<Int.random(in: 0...12, using: &random)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                })
            #expect(terms(text) + ["e"] == terms(text + "\né"), "\(text.debugDescription)")
        }
    }

    @Test(arguments: [
        ("Größe ÉCOLE naïve", ["große", "ecole", "naive"]),
        ("漢字かな", ["漢", "字", "か", "な"]), ("カタカナ語", ["カタカナ", "語"]),
        ("ΟΔΟΣ οδός", ["οδοσ", "οδοσ"]), ("Ёлка", ["елка"]), ("İstanbul", ["istanbul"]),
        ("soft\u{AD}hyphen zero\u{200B}width", ["softhyphen", "zero", "width"]),
        ("שָׁלוֹם", ["שלום"]), ("हिन्दी", ["हिन्दी"]), ("Ⓜ ℹ 😀 👩‍💻", ["ⓜ", "ℹ"]),
        ("３７ ٣٤", ["３７", "٣٤"]), ("\u{301}", []), ("𝔘nicode 𐐀", ["𝔘nicode", "𐐨"]),
    ])
    func wordsOfOtherScripts(_ text: String, _ expected: [String]) {
        #expect(terms(text).map { Array($0.utf8) } == expected.map { Array($0.utf8) })
    }

    // MARK: Folding

    /// Precomposed or not, a text has the same terms.
    @Test(arguments: [
        ("é", "e\u{301}"), ("ệ", "e\u{302}\u{323}"), ("Å", "\u{212B}"), ("각", "\u{1100}\u{1161}\u{11A8}"),
        ("が", "か\u{3099}"), ("\u{F900}", "\u{8C48}"), ("ǆ", "Ǆ"), ("क़", "क\u{93C}"),
        ("ಕೋ", "ಕ\u{CC6}\u{CC2}\u{CD5}"),
    ])
    func equivalentTextsAreEqual(_ left: String, _ right: String) {
        #expect(terms(left).map { Array($0.utf8) } == terms(right).map { Array($0.utf8) })
        #expect(!terms(left).isEmpty)
    }

    @Test func voicingIsNoAccent() {
        #expect(terms("が") != terms("か"))
    }

    /// Terms are fixed points: analysing them again changes nothing. All scalars, one by one.
    @Test func foldingIsIdempotent() {
        for value in UInt32(0)..<0x20000 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let once = TextAnalysis.plain.terms(of: "a\(String(scalar))b")
            let text = String(decoding: once.bytes, as: UTF8.self)
            #expect(
                TextAnalysis.plain.terms(of: text).bytes.elementsEqual(once.bytes),
                "U+\(String(value, radix: 16))")
        }
    }

    /// What the standard library calls lower case is what folding makes of letters without an accent.
    @Test func smallLettersAgreeWithTheStandardLibrary() {
        for value in UInt32(0x41)..<0x600 {
            guard let scalar = Unicode.Scalar(value), scalar.properties.isUppercase else { continue }
            let capital = terms(String(scalar)).first, small = terms(scalar.properties.lowercaseMapping).first
            #expect(
                capital?.utf8.elementsEqual(small?.utf8 ?? "".utf8) ?? (small == nil),
                "U+\(String(value, radix: 16))")
        }
    }

    /// Damaged data may be anything.
    @Test func malformedUTF8IsSurvived() {
        var random = SeededGenerator(seed: 7)
        let wild: [UInt8] = [
            0x80, 0xBF, 0xC0, 0xC3, 0xE0, 0xED, 0xA0, 0xF0, 0xF4, 0x90, 0xFF, 0x61, 0x20, 0xCC, 0x81,
        ]
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...10, using: &random)).map { _ in
                wild[Int.random(in: 0..<wild.count, using: &random)]
            }
            var terms = TextTerms()
            TextAnalysis.plain.append(bytes.span, to: &terms)
            #expect(String(validating: terms.bytes, as: UTF8.self) != nil)
        }
    }

    // MARK: Stems and stop words

    @Test func stemsAreSnowballs() {
        let english = TextAnalysis(stemming: .english)
        for (word, stem) in StemmerCases.all where word.first != "'" && word.last != "'" {
            #expect(terms(word, english) == [stem], "\(word)")
        }
    }

    @Test func onlyEnglishLettersAreStemmed() {
        let english = TextAnalysis(stemming: .english)
        #expect(
            terms("Cafés running2 node.js's naïvely it’s", english) == [
                "cafe", "running2", "node.js's", "naiv", "it’s",
            ])
    }

    @Test func stopWordsAreSkippedButCounted() {
        let analysis = TextAnalysis(stemming: .english, stopWords: ["The", "OF", "à la", "the"])
        #expect(analysis.stopWords.map { String(decoding: $0, as: UTF8.self) } == ["a", "la", "of", "the"])
        let found = analysis.terms(of: "The state of the art, a la carte")
        #expect(
            (0..<found.count).map { String(decoding: found.term($0), as: UTF8.self) } == [
                "state", "art", "cart",
            ])
        #expect((0..<found.count).map { found.position($0) } == [1, 4, 7])
    }

    @Test func severalTextsAreOneSequence() {
        var found = TextTerms()
        for text in ["one two", "", "three"] { TextAnalysis.plain.append(text.utf8.span, to: &found) }
        #expect((0..<found.count).map { found.position($0) } == [0, 1, 2])
        found.removeAll()
        #expect(found.isEmpty && found.bytes.isEmpty)
    }
}
