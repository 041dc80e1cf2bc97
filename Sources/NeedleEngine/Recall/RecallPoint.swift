import NeedleCore

/// The recall of a sample of queries at one effort: sums, from which mean and interval follow.
///
/// Recall is a mean over queries, each of which has its own difficulty: its k neighbours are not k independent
/// trials. So the interval comes from the spread between queries, but is never narrower than Wilson's for
/// independent neighbours, so that a small sample without a miss does not pass for certainty.
package struct RecallPoint: Hashable, Sendable {
    /// Width of the beam.
    package let ef: Int
    /// Neighbours asked for.
    package let k: Int
    package private(set) var queries = 0
    private(set) var sum = 0.0
    private(set) var sumOfSquares = 0.0

    /// Standard errors of a two-sided interval of 95 %.
    static let deviations = 1.96

    package init(ef: Int, k: Int) {
        self.ef = ef
        self.k = k
    }

    /// From a file; sums that no sample can have are brought into range.
    package init(ef: Int, k: Int, queries: Int, sum: Double, sumOfSquares: Double) {
        self.ef = ef
        self.k = k
        self.queries = queries
        self.sum = min(max(sum, 0), Double(queries))
        self.sumOfSquares = min(max(sumOfSquares, 0), self.sum)
    }

    /// Takes one query's recall, 0 … 1.
    package mutating func add(_ recall: Double) {
        queries += 1
        sum += recall
        sumOfSquares += recall * recall
    }

    package var mean: Double { queries == 0 ? 0 : sum / Double(queries) }

    /// No neighbour of any query was missed.
    package var isFlawless: Bool { queries > 0 && sum >= Double(queries) - 1e-9 }

    /// The 95 % confidence interval of the mean over all queries like these.
    package var interval: ClosedRange<Double> {
        guard queries > 0 else { return 0...1 }
        let n = Double(queries)
        let spread = max(0, sumOfSquares / n - mean * mean) * n / max(1, n - 1)
        let standard = Self.deviations * (spread / n).squareRoot()
        let wilson = Self.wilson(mean, trials: n * Double(k))
        let low = min(mean - standard, wilson.lowerBound)
        let high = max(mean + standard, wilson.upperBound)
        return max(0, low)...min(1, high)
    }

    /// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    private static func wilson(_ share: Double, trials: Double) -> ClosedRange<Double> {
        let z = deviations * deviations / trials
        let centre = (share + z / 2) / (1 + z)
        let half = (z * share * (1 - share) + z * z / 4).squareRoot() / (1 + z)
        // Rounding must not put the bounds beyond the mean that they enclose.
        return min(share, centre - half)...max(share, centre + half)
    }
}

extension RecallDescription.Point {
    init(_ point: RecallPoint) {
        let interval = point.interval
        self.init(ef: point.ef, recall: point.mean, low: interval.lowerBound, high: interval.upperBound)
    }
}
