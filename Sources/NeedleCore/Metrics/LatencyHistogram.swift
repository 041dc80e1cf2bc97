import Synchronization

/// How often something took how long, in buckets of at most an eighth of their value: an HDR histogram of one digit and
/// a bit. Adding is one relaxed addition. Safe to use from any thread.
///
/// Whoever owns one either takes what came since the last time, or reads what came in all; not both.
package final class LatencyHistogram: Sendable {
    /// Microseconds below 8 have a bucket each; above, each power of two has eight, up to 2³² (71 minutes).
    private static let bucketCount = 240

    private let buckets = InlineArray<240, Atomic<Int>> { _ in Atomic(0) }

    package init() {}

    package func add(microseconds: Int) {
        buckets[Self.bucket(of: microseconds)].add(1, ordering: .relaxed)
    }

    /// What was counted since this was last asked. What is added meanwhile is in this answer or in the next one.
    package func take() -> LatencyCounts {
        LatencyCounts(buckets: (0..<Self.bucketCount).map { buckets[$0].exchange(0, ordering: .relaxed) })
    }

    /// What was counted so far, and stays. No bucket ever falls.
    package var counts: LatencyCounts {
        LatencyCounts(buckets: (0..<Self.bucketCount).map { buckets[$0].load(ordering: .relaxed) })
    }

    static func bucket(of microseconds: Int) -> Int {
        let value = min(max(0, microseconds), (1 << 32) - 1)
        guard value >= 8 else { return value }
        let exponent = Int.bitWidth - 1 - value.leadingZeroBitCount
        return (exponent - 2) * 8 + (value >> (exponent - 3)) & 7
    }

    /// The largest value of a bucket.
    static func end(of bucket: Int) -> Int {
        guard bucket >= 8 else { return bucket }
        let (octave, eighth) = (bucket / 8 + 2, bucket % 8)
        return (8 + eighth + 1) << (octave - 3) - 1
    }
}

/// The contents of a histogram at one moment.
package struct LatencyCounts: Sendable {
    let buckets: [Int]

    package var total: Int { buckets.reduce(0, +) }

    /// How many took less than this; exact for powers of two from 8 on, where buckets begin.
    package func count(below microseconds: Int) -> Int {
        buckets[..<LatencyHistogram.bucket(of: microseconds)].reduce(0, +)
    }

    /// Microseconds that a share of what was counted did not exceed, at most an eighth too much; `nil` for nothing.
    package func quantile(_ share: Double) -> Int? {
        let wanted = Int((share * Double(total)).rounded(.up))
        guard total > 0 else { return nil }
        var seen = 0
        for (bucket, count) in buckets.enumerated() {
            seen += count
            if seen >= max(1, wanted) { return LatencyHistogram.end(of: bucket) }
        }
        return nil
    }
}
