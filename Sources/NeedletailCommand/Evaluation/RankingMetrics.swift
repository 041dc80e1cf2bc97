// How good a ranking is, against grades that somebody gave. Each is between 0 and 1 and a mean over queries.

import Glibc
package import NeedleClient

/// The measures of one query.
package struct RankingMetrics: Hashable, Sendable {
    /// The share of what is relevant that is among the first k.
    package var recall: Double
    /// 1 / the place of the first relevant one; 0 if there is none.
    package var reciprocalRank: Double
    /// Discounted gain of the first ten, over that of the best order (Järvelin and Kekäläinen, "Cumulated gain-based
    /// evaluation of IR techniques", 2002): the gain is the grade, divided by log₂(place + 1), as `trec_eval` has it.
    package var gain: Double

    /// Places that nDCG@10 looks at.
    package static let gainPlaces = 10

    /// - Parameter ranking: what was found, best first; of several alike the first counts.
    package init(ranking: [JSONValue], grades: [JSONValue: Double], k: Int) {
        precondition(!grades.isEmpty && k >= 1)
        var seen = Set<JSONValue>()
        let distinct = ranking.filter { seen.insert($0).inserted }
        recall = Double(distinct.prefix(k).count { grades[$0] != nil }) / Double(grades.count)
        reciprocalRank = distinct.firstIndex { grades[$0] != nil }.map { 1 / Double($0 + 1) } ?? 0
        let ideal = Self.discounted(grades.values.sorted(by: >))
        gain = Self.discounted(distinct.map { grades[$0] ?? 0 }) / ideal
    }

    private static func discounted(_ grades: [Double]) -> Double {
        grades.prefix(gainPlaces).enumerated().reduce(0) { $0 + $1.element / log2(Double($1.offset + 2)) }
    }
}

/// Times of searches, in milliseconds.
package struct LatencyTally: Sendable {
    private var times: [Double] = []

    package init() {}

    package mutating func add(milliseconds: Double) { times.append(milliseconds) }

    /// The nearest rank; 0 without times.
    package func percentile(_ share: Double) -> Double {
        guard !times.isEmpty else { return 0 }
        let rank = Int((share * Double(times.count)).rounded(.up))
        return times.sorted()[min(max(rank, 1), times.count) - 1]
    }
}
