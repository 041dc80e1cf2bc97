import Glibc

/// Recall against effort, for one number of neighbours: what a measurement found, by rising `ef`.
package struct RecallCurve: Hashable, Sendable {
    package let k: Int
    package private(set) var points: [RecallPoint]

    /// - Parameter points: by rising `ef`; those of another k or out of order are left out.
    package init(k: Int, points: [RecallPoint] = []) {
        self.k = k
        var last = 0
        self.points = points.filter { point in
            guard point.k == k, point.ef > last else { return false }
            last = point.ef
            return true
        }
    }

    /// What the curve says about a target.
    package enum Answer: Hashable {
        /// The smallest effort whose lower bound reaches the target, between the points measured.
        case ef(Int)
        /// Nothing measured is proved to reach it; this was the largest effort measured.
        case beyond(largest: Int)
    }

    /// The smallest `ef` whose lower confidence bound is at least `target`; `nil` for an empty curve.
    ///
    /// Between two points the lower bound is taken to rise in a line over log(ef): curves of recall bend
    /// downwards, so the line lies below them.
    package func ef(reaching target: Double) -> Answer? {
        guard let last = points.last else { return nil }
        guard let index = points.firstIndex(where: { $0.interval.lowerBound >= target }) else {
            // Of a sample without a miss nothing more can be asked.
            return last.isFlawless ? .ef(last.ef) : .beyond(largest: last.ef)
        }
        let above = points[index]
        guard index > 0 else { return .ef(above.ef) }
        let below = points[index - 1]
        let (low, high) = (below.interval.lowerBound, above.interval.lowerBound)
        let share = (target - low) / (high - low)
        let ef = Double(below.ef) * pow(Double(above.ef) / Double(below.ef), min(max(share, 0), 1))
        return .ef(min(above.ef, max(below.ef, Int(ef.rounded(.up)))))
    }

    mutating func append(_ point: RecallPoint) {
        precondition(point.k == k && point.ef > (points.last?.ef ?? 0))
        points.append(point)
    }
}

/// The efforts that are tried, from narrow to wide, in steps of about √2.
package enum EffortLadder {
    package static let depths = [10, 100]
    private static let rungs = [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 896, 1_024]

    package static func efs(for k: Int) -> [Int] {
        [k] + rungs.filter { $0 > k + k / 8 }
    }

    /// Wider beams over fewer rows cost more than comparing every row.
    ///
    /// A beam meets up to `2m` rows for each of its entries; about half of them were met before, and those
    /// that were not lie all over the memory, where a scan reads along: counted as 2m.
    package static func isScanCheaper(ef: Int, m: Int, rows: Int) -> Bool {
        ef * 2 * m >= rows
    }
}
