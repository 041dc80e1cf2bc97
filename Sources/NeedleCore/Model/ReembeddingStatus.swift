/// How far a collection is on its way to another model.
package struct ReembeddingStatus: Hashable, Sendable {
    /// Raw values are names on the wire.
    package enum Phase: String, Sendable, CaseIterable {
        /// Points are being copied and embedded.
        case embedding
        /// All are, and changes are followed: it can be cut over.
        case ready
        /// Clients see the new vectors; the old ones are kept for going back.
        case cutOver = "cut_over"
    }

    package var collection: String
    /// Empty for the only, unnamed space.
    package var space: String
    /// The model that it goes to.
    package var model: String
    package var fingerprint: String
    package var phase: Phase
    /// Points gone through, of how many.
    package var done: Int
    package var total: Int
    /// Texts that went through the model since the server started.
    package var embedded: Int
    /// Changed points that the other side does not have yet.
    package var pending: Int
    /// Points that searches with the new model do not find, because they have no text.
    package var withoutText: Int
    package var agreement: AnswerAgreement
    /// Until when it can be rolled back, in milliseconds since 1970.
    package var keptUntil: Int64?
    /// Why it does not go on, if so.
    package var reason: String?

    package init(
        collection: String, space: String, model: String, fingerprint: String, phase: Phase, done: Int,
        total: Int, embedded: Int, pending: Int, withoutText: Int, agreement: AnswerAgreement,
        keptUntil: Int64? = nil, reason: String? = nil
    ) {
        self.collection = collection
        self.space = space
        self.model = model
        self.fingerprint = fingerprint
        self.phase = phase
        self.done = done
        self.total = total
        self.embedded = embedded
        self.pending = pending
        self.withoutText = withoutText
        self.agreement = agreement
        self.keptUntil = keptUntil
        self.reason = reason
    }
}

/// How alike two models answer the same searches. What no search could tell is `nil`.
package struct AnswerAgreement: Hashable, Sendable {
    /// Mean and standard deviation of scores.
    package struct Scores: Hashable, Sendable {
        package var mean: Double
        package var deviation: Double

        package init(mean: Double, deviation: Double) {
            self.mean = mean
            self.deviation = deviation
        }
    }

    /// Searches that both have answered.
    package var queries: Int
    /// Mean share of the first ten points that both found.
    package var overlap: Double?
    /// Mean of Spearman's ρ over what both found, where that are at least two points.
    package var rankCorrelation: Double?
    /// Of the model in use, and of the other one.
    package var scoresNow: Scores?
    package var scoresThen: Scores?

    package init(
        queries: Int, overlap: Double? = nil, rankCorrelation: Double? = nil, scoresNow: Scores? = nil,
        scoresThen: Scores? = nil
    ) {
        self.queries = queries
        self.overlap = overlap
        self.rankCorrelation = rankCorrelation
        self.scoresNow = scoresNow
        self.scoresThen = scoresThen
    }
}
