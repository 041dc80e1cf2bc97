package import NeedleCore

/// Puts two ranked lists of points together: what vectors found and what words found.
///
/// Deterministic: scores are given to float32 precision, ties go to the smaller id. Each list holds a point at most once, best first; a point may be in one
/// list only. Pure functions, O(n log n).
package enum RankFusion {
    /// A point with its score in one list, or fused.
    package struct Entry: Equatable, Sendable {
        package let id: PointID
        package let score: Double

        package init(id: PointID, score: Double) {
            self.id = id
            self.score = score
        }
    }

    /// The constant that Cormack, Clarke and Büttcher used in "Reciprocal rank fusion outperforms Condorcet and
    /// individual rank learning methods" (2009).
    package static let standardK = 60

    /// Σ 1 / (k + rank), with ranks from 1; a list that does not hold the point adds nothing.
    ///
    /// - Parameter k: at least 0; the greater, the less the first places weigh.
    package static func reciprocal(_ lists: [[PointID]], k: Int = standardK) -> [Entry] {
        var scores: [PointID: Double] = [:]
        for list in lists {
            for (place, id) in list.enumerated() { scores[id, default: 0] += 1 / Double(k + place + 1) }
        }
        return ranked(scores)
    }

    /// The weighted sum of the scores, each list's brought to 0 … 1 between its lowest and its highest first. In a list of
    /// equal scores all are 1. A list that does not hold the point adds nothing.
    ///
    /// - Parameter lists: higher scores are better; distances have to be negated.
    package static func weighted(_ lists: [(entries: [Entry], weight: Double)]) -> [Entry] {
        var scores: [PointID: Double] = [:]
        for (entries, weight) in lists {
            let values = entries.lazy.map(\.score)
            guard let lowest = values.min(), let highest = values.max() else { continue }
            for entry in entries {
                // Halved, since the difference of two finite scores may overflow.
                let range = highest / 2 - lowest / 2
                let normal = range > 0 ? (entry.score / 2 - lowest / 2) / range : 1
                scores[entry.id, default: 0] += weight * normal
            }
        }
        return ranked(scores)
    }

    private static func ranked(_ scores: [PointID: Double]) -> [Entry] {
        scores.map { Entry(id: $0.key, score: Double(Float($0.value))) }.sorted { left, right in
            left.score != right.score ? left.score > right.score : left.id < right.id
        }
    }
}
