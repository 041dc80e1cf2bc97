/// The keyword side of a search, and how it and the vector side become one ranking.
package struct HybridSearch: Hashable, Sendable {
    package enum Fusion: Hashable, Sendable {
        /// Reciprocal rank fusion: Σ 1 / (k + rank).
        case reciprocal(k: Int)
        /// The weighted sum of each side's scores, brought to 0 … 1.
        case weighted(vector: Double, text: Double)

        package static let standardK = 60
    }

    /// The words to look for. When the search's target is a text, it is this one.
    package var text: String
    /// Whose texts are searched: at least one, none twice. `nil`: all with a text index, or the collection's text key
    /// when there is none.
    package var keys: [FieldPath]?
    package var fusion: Fusion

    package init(
        text: String, keys: [FieldPath]? = nil, fusion: Fusion = .reciprocal(k: Fusion.standardK)
    ) {
        self.text = text
        self.keys = keys
        self.fusion = fusion
    }
}

/// Points that are relevant and unlike each other are wanted: maximal marginal relevance.
package struct Diversity: Hashable, Sendable {
    /// 0 … 1: how much relevance counts against being unlike what was chosen before.
    package var lambda: Double
    /// How many of the most relevant points are chosen from; at least as many as are wanted.
    package var candidates: Int

    package init(lambda: Double = 0.5, candidates: Int = 100) {
        self.lambda = lambda
        self.candidates = candidates
    }
}
