/// Whether a text holds the words of a condition: `match.text`, `match.phrase`, `match.prefix`.
///
/// Both are analysed alike, so what matches depends on nothing but the analysis of the key. A condition without a
/// word (nothing but punctuation or stop words) matches nothing. A value type; safe to share.
package struct WordMatcher: Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Every word occurs somewhere.
        case text
        /// The words occur in this order, next to each other.
        case phrase
        /// The last word is the beginning of a word that occurs; the others occur as they are.
        case prefix
    }

    package let kind: Kind
    package let analysis: TextAnalysis
    /// The distinct terms in order of bytes, for `phrase` all in the text's order; of `prefix` without the last.
    package let terms: [[UInt8]]
    /// What a term has to begin with; empty unless `kind` is `prefix`.
    package let prefix: [UInt8]
    /// Where the terms of a phrase stand, counted from the first.
    private let offsets: [Int]

    package init(_ kind: Kind, text: String, analysis: TextAnalysis = .plain) {
        self.kind = kind
        self.analysis = analysis
        let found = analysis.terms(of: text)
        let all = (0..<found.count).map { found.term($0) }
        switch kind {
        case .text: (terms, prefix) = (Self.distinct(all), [])
        case .phrase: (terms, prefix) = (all, [])
        case .prefix:
            // The beginning of a word may look like a stop word.
            let unstopped = TextAnalysis(stemming: analysis.stemming).terms(of: text)
            let isLastStopped =
                unstopped.count > 0
                && (found.isEmpty
                    || found.position(found.count - 1) < unstopped.position(unstopped.count - 1))
            terms = Self.distinct(isLastStopped ? all : all.dropLast())
            prefix = unstopped.isEmpty ? [] : unstopped.term(unstopped.count - 1)
        }
        let first = found.isEmpty ? 0 : found.position(0)
        offsets = kind == .phrase ? (0..<found.count).map { found.position($0) - first } : []
    }

    /// Nothing can match.
    package var isVoid: Bool { terms.isEmpty && prefix.isEmpty }

    /// - Parameter text: one string value, UTF-8. O(its bytes × the condition's words).
    package func matches(_ text: Span<UInt8>) -> Bool {
        guard !isVoid else { return false }
        var found = TextTerms()
        analysis.append(text, to: &found)
        if kind == .phrase { return holdsPhrase(found) }
        guard terms.allSatisfy({ term in (0..<found.count).contains { found.is($0, term) } }) else {
            return false
        }
        return prefix.isEmpty
            || (0..<found.count).contains { found.bytes[found.range($0)].starts(with: prefix) }
    }

    private func holdsPhrase(_ found: TextTerms) -> Bool {
        (0..<found.count).contains { start in
            guard found.is(start, terms[0]) else { return false }
            var index = start
            return zip(terms, offsets).allSatisfy { term, offset in
                let wanted = found.position(start) + offset
                while index < found.count, found.position(index) < wanted { index += 1 }
                return index < found.count && found.position(index) == wanted && found.is(index, term)
            }
        }
    }

    private static func distinct(_ terms: some Sequence<[UInt8]>) -> [[UInt8]] {
        Set(terms).sorted { $0.lexicographicallyPrecedes($1) }
    }
}

extension TextTerms {
    func `is`(_ index: Int, _ term: [UInt8]) -> Bool { bytes[range(index)].elementsEqual(term) }
}
