import NeedlePayloads
import Testing

@Suite struct WordMatcherTests {
    private func matches(
        _ kind: WordMatcher.Kind, _ wanted: String, _ text: String, _ analysis: TextAnalysis = .plain
    ) -> Bool {
        WordMatcher(kind, text: wanted, analysis: analysis).matches(text.utf8.span)
    }

    @Test func textWantsEveryWordAnywhere() {
        #expect(matches(.text, "game STRATEGY", "0ad: Real-time strategy game"))
        #expect(matches(.text, "game game", "a game"))
        #expect(!matches(.text, "game chess", "a game"))
        #expect(!matches(.text, "gam", "a game"))
        #expect(matches(.text, "cafe", "Un Café"))
    }

    @Test func phraseWantsTheWordsInOrderAndAdjacent() {
        #expect(matches(.phrase, "real time strategy", "0ad: Real-time strategy game"))
        #expect(!matches(.phrase, "strategy real", "0ad: Real-time strategy game"))
        #expect(!matches(.phrase, "real strategy", "0ad: Real-time strategy game"))
        #expect(matches(.phrase, "a a b", "a a a b"))
        #expect(!matches(.phrase, "a a b", "a b a b"))
        #expect(matches(.phrase, "b", "a b"))
        #expect(!matches(.phrase, "b c", "a b"))
    }

    @Test func prefixWantsTheBeginningOfAWord() {
        #expect(matches(.prefix, "strat", "Real-time strategy game"))
        #expect(matches(.prefix, "game real stra", "Real-time strategy game"))
        #expect(!matches(.prefix, "rategy", "Real-time strategy game"))
        #expect(!matches(.prefix, "chess stra", "Real-time strategy game"))
        #expect(matches(.prefix, "game game", "game"))
    }

    @Test(arguments: WordMatcher.Kind.allCases)
    func noWordMatchesNothing(_ kind: WordMatcher.Kind) {
        for wanted in ["", " ", "...", "\u{301}"] {
            #expect(!matches(kind, wanted, ""))
            #expect(!matches(kind, wanted, "a b"))
        }
    }

    @Test func stopWordsKeepTheirPlaceInAPhrase() {
        let analysis = TextAnalysis(stopWords: ["of", "the"])
        #expect(matches(.phrase, "state of the art", "the state of the art", analysis))
        #expect(matches(.phrase, "state of the art", "state the of art", analysis))
        #expect(!matches(.phrase, "state of the art", "state of art", analysis))
        #expect(!matches(.phrase, "state art", "state of the art", analysis))
        #expect(matches(.phrase, "the state", "state", analysis))
        #expect(!matches(.text, "of the", "of the", analysis))
        // A prefix is no word yet.
        #expect(matches(.prefix, "the", "a theory", analysis))
        #expect(matches(.prefix, "theory of", "theory offers", analysis))
    }

    @Test func stemsMatchStems() {
        let english = TextAnalysis(stemming: .english)
        #expect(matches(.text, "connections", "connecting it", english))
        #expect(matches(.phrase, "running game", "he runs games", english))
        #expect(matches(.prefix, "running", "a runner", english))
        #expect(!matches(.text, "connections", "connecting it"))
    }
}
