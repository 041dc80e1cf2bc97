import NeedleCore
import Synchronization

/// What the connections of one key use together: how many they are, and two token buckets that fill up within a second.
/// Safe to use from any thread.
final class KeyUsage: Sendable {
    let limits: AccessLimits
    private let clock: any Clock
    private let connections = Atomic<Int>(0)
    private let buckets: Mutex<Buckets>

    private struct Buckets {
        var requests: Double
        var bytes: Double
        /// Monotonic nanoseconds.
        var filledAt: UInt64
    }

    init(_ limits: AccessLimits, clock: any Clock) {
        self.limits = limits
        self.clock = clock
        buckets = Mutex(
            Buckets(
                requests: limits.requestsPerSecond ?? 0, bytes: limits.bytesPerSecond ?? 0,
                filledAt: clock.monotonicNanoseconds()))
    }

    /// A connection's share in the key; free again when nobody holds it any more.
    final class Seat: Sendable {
        private let usage: KeyUsage

        fileprivate init(_ usage: KeyUsage) { self.usage = usage }

        deinit { usage.connections.subtract(1, ordering: .relaxed) }

        /// - Throws: `overloaded` when the key's requests or bytes of this second are used up.
        func take(requests: Int, bytes: Int) throws(DatabaseError) {
            try usage.take(requests: Double(requests), bytes: Double(bytes))
        }
    }

    func takeSeat(name: String) throws(DatabaseError) -> Seat {
        let taken = connections.add(1, ordering: .relaxed).newValue
        if let most = limits.connections, taken > most {
            connections.subtract(1, ordering: .relaxed)
            throw DatabaseError(
                .overloaded, "the API key \"\(name)\" has \(most) connections already", retryAfterMS: 1_000)
        }
        return Seat(self)
    }

    /// What costs more than a second's worth is let through by a full bucket, which then is in debt.
    private func take(requests: Double, bytes: Double) throws(DatabaseError) {
        let now = clock.monotonicNanoseconds()
        let wait = buckets.withLock { buckets -> Double in
            let seconds = Double(now - min(now, buckets.filledAt)) / 1e9
            buckets.filledAt = now
            Self.fill(&buckets.requests, limits.requestsPerSecond, seconds)
            Self.fill(&buckets.bytes, limits.bytesPerSecond, seconds)
            let wait = max(
                Self.wait(buckets.requests, limits.requestsPerSecond, for: requests),
                Self.wait(buckets.bytes, limits.bytesPerSecond, for: bytes))
            guard wait == 0 else { return wait }
            if limits.requestsPerSecond != nil { buckets.requests -= requests }
            if limits.bytesPerSecond != nil { buckets.bytes -= bytes }
            return 0
        }
        guard wait > 0 else { return }
        throw DatabaseError(
            .overloaded, "the API key may do no more in this second",
            retryAfterMS: max(1, Int((wait * 1e3).rounded(.up))))
    }

    private static func fill(_ bucket: inout Double, _ rate: Double?, _ seconds: Double) {
        if let rate { bucket = min(rate, bucket + rate * seconds) }
    }

    /// Seconds until there is enough.
    private static func wait(_ bucket: Double, _ rate: Double?, for amount: Double) -> Double {
        guard let rate else { return 0 }
        let wanted = min(amount, rate)
        return bucket >= wanted ? 0 : (wanted - bucket) / rate
    }
}
