import NeedleCore

/// Counts how alike two models answer, over a sample of the searches that clients made.
struct AnswerComparison: Sendable {
    private var queries = 0
    private var overlaps = 0.0
    private var correlations = 0.0
    private var correlated = 0
    private var scores = (now: Moments(), then: Moments())

    var agreement: AnswerAgreement {
        AnswerAgreement(
            queries: queries, overlap: queries == 0 ? nil : overlaps / Double(queries),
            rankCorrelation: correlated == 0 ? nil : correlations / Double(correlated),
            scoresNow: scores.now.summary, scoresThen: scores.then.summary)
    }

    /// Adds one search: what the model in use found and what the other one did, best first.
    mutating func add(now: [(id: PointID, score: Double)], then: [(id: PointID, score: Double)]) {
        let (first, second) = (now.prefix(10).map(\.id), then.prefix(10).map(\.id))
        guard !first.isEmpty || !second.isEmpty else { return }
        queries += 1
        let common = first.filter { second.contains($0) }
        overlaps += Double(common.count) / Double(max(first.count, second.count))
        if common.count >= 2 {
            correlated += 1
            correlations += Self.spearman(common, second.filter { common.contains($0) })
        }
        for hit in now.prefix(10) { scores.now.add(hit.score) }
        for hit in then.prefix(10) { scores.then.add(hit.score) }
    }

    /// 1 − 6·Σd² / (n³ − n) for two orders of the same things.
    private static func spearman(_ first: [PointID], _ second: [PointID]) -> Double {
        let places = Dictionary(uniqueKeysWithValues: second.enumerated().map { ($1, $0) })
        let squares = first.enumerated().reduce(0) { sum, item in
            let distance = item.offset - (places[item.element] ?? 0)
            return sum + distance * distance
        }
        let count = Double(first.count)
        return 1 - 6 * Double(squares) / (count * count * count - count)
    }

    /// Mean and variance as values come (Welford, 1962).
    private struct Moments {
        var count = 0.0
        var mean = 0.0
        var squares = 0.0

        mutating func add(_ value: Double) {
            count += 1
            let distance = value - mean
            mean += distance / count
            squares += distance * (value - mean)
        }

        var summary: AnswerAgreement.Scores? {
            guard count > 0 else { return nil }
            return AnswerAgreement.Scores(
                mean: mean, deviation: count > 1 ? (squares / (count - 1)).squareRoot() : 0)
        }
    }
}
