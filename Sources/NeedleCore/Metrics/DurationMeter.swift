import Synchronization

/// Counts durations for those who watch from outside: a histogram and the sum. Adding is two relaxed additions. Nothing
/// is ever taken away, so what is read only rises. Safe to use from any thread.
package final class DurationMeter: Sendable {
    private let histogram = LatencyHistogram()
    private let sum = Atomic<UInt64>(0)

    package init() {}

    package func add(nanoseconds: UInt64) {
        histogram.add(microseconds: Int(nanoseconds / 1_000))
        sum.wrappingAdd(nanoseconds, ordering: .relaxed)
    }

    /// By duration. What is added meanwhile may be in here and not in `seconds`, or the other way round.
    package var counts: LatencyCounts { histogram.counts }

    /// All durations together.
    package var seconds: Double { Double(sum.load(ordering: .relaxed)) / 1e9 }
}
