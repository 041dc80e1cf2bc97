/// How a text becomes terms, the same for what is stored and for what is asked: Unicode words, letters made small,
/// accents folded; on request without stop words and reduced to English stems.
///
/// A value type; safe to share.
package struct TextAnalysis: Hashable, Sendable {
    package enum Stemming: String, Sendable, CaseIterable {
        case none
        case english
    }

    /// Changes whenever the same text would become other terms: stored indexes of another version are built anew.
    package static let version: UInt32 = 1

    package let stemming: Stemming
    /// Folded, ascending by bytes, each once.
    package let stopWords: [[UInt8]]

    /// - Parameter stopWords: words that are neither found nor counted; of a phrase each of its words.
    package init(stemming: Stemming = .none, stopWords: [String] = []) {
        self.stemming = stemming
        var folded = TextTerms()
        for word in stopWords { Self.plain.append(word.utf8.span, to: &folded) }
        self.stopWords = Set((0..<folded.count).map { folded.term($0) }).sorted {
            $0.lexicographicallyPrecedes($1)
        }
    }

    private init() {
        stemming = .none
        stopWords = []
    }

    /// Words as they are, for keys without an index that says otherwise.
    package static let plain = TextAnalysis()

    /// The terms of one text.
    package func terms(of text: String) -> TextTerms {
        var terms = TextTerms()
        append(text.utf8.span, to: &terms)
        return terms
    }

    /// Appends the terms of a text (UTF-8), with positions that go on where the last text's ended. O(bytes).
    package func append(_ text: Span<UInt8>, to terms: inout TextTerms) {
        terms.ranges.removeAll(keepingCapacity: true)
        WordSegmenter.appendWords(of: text, to: &terms.ranges)
        for range in terms.ranges {
            let start = terms.bytes.count
            var reader = ScalarReader(text, in: range)
            while let scalar = reader.next() {
                if scalar < 0x80 {
                    terms.bytes.append(TextFolding.lowercased(UInt8(scalar)))
                } else {
                    TextFolding.append(scalar, to: &terms.bytes)
                }
            }
            guard terms.bytes.count > start else { continue }
            let position = terms.takePosition()
            if isStopWord(terms.bytes[start...]) {
                terms.bytes.removeSubrange(start...)
                continue
            }
            if stemming == .english { EnglishStemmer.stem(&terms.bytes, from: start) }
            if terms.bytes.count > start { terms.endTerm(at: position) }
        }
    }

    private func isStopWord(_ word: ArraySlice<UInt8>) -> Bool {
        var low = 0
        var high = stopWords.count
        while low < high {
            let middle = (low + high) / 2
            if stopWords[middle].lexicographicallyPrecedes(word) { low = middle + 1 } else { high = middle }
        }
        return low < stopWords.count && stopWords[low].elementsEqual(word)
    }
}

/// Terms of a text in its order, in one buffer that can be used again.
package struct TextTerms: Sendable {
    /// The terms' bytes (UTF-8), one behind the other.
    package fileprivate(set) var bytes: [UInt8] = []
    /// Where each term ends in `bytes`.
    private var ends: [Int] = []
    private var positions: [Int] = []
    private var nextPosition = 0
    /// Scratch of the analysis.
    fileprivate var ranges: [Range<Int>] = []

    package init() {}

    package var count: Int { ends.count }
    package var isEmpty: Bool { ends.isEmpty }

    /// Where a term's bytes lie.
    package func range(_ index: Int) -> Range<Int> {
        (index == 0 ? 0 : ends[index - 1])..<ends[index]
    }

    /// A term's bytes, copied.
    package func term(_ index: Int) -> [UInt8] { Array(bytes[range(index)]) }

    /// Which word of the text the term was, stop words counted.
    package func position(_ index: Int) -> Int { positions[index] }

    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        nextPosition = 0
    }

    fileprivate mutating func takePosition() -> Int {
        nextPosition += 1
        return nextPosition - 1
    }

    fileprivate mutating func endTerm(at position: Int) {
        ends.append(bytes.count)
        positions.append(position)
    }
}
