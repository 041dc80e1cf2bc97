import NeedleCore
import Synchronization

/// What the connections of one key use together: how many they are, and two token buckets that fill up within a second.
/// Limits may be replaced while they are used. Safe to use from any thread.
final class KeyUsage: Sendable {
    private let clock: any Clock
    private let state: Mutex<State>

    private struct State {
        var limits: AccessLimits
        var connections = 0
        var requests: Double
        var bytes: Double
        /// Monotonic nanoseconds.
        var filledAt: UInt64

        init(_ limits: AccessLimits, now: UInt64) {
            self.limits = limits
            requests = limits.requestsPerSecond ?? 0
            bytes = limits.bytesPerSecond ?? 0
            filledAt = now
        }
    }

    init(_ limits: AccessLimits, clock: any Clock) {
        self.clock = clock
        state = Mutex(State(limits, now: clock.monotonicNanoseconds()))
    }

    /// From now on these count, for connections that stand too. Those that are too many stay until they go.
    func replace(_ limits: AccessLimits) {
        let now = clock.monotonicNanoseconds()
        state.withLock { state in
            guard state.limits != limits else { return }
            let connections = state.connections
            state = State(limits, now: now)
            state.connections = connections
        }
    }

    /// A connection's share in the key; free again when nobody holds it any more.
    final class Seat: Sendable {
        private let usage: KeyUsage

        fileprivate init(_ usage: KeyUsage) { self.usage = usage }

        deinit { usage.state.withLock { $0.connections -= 1 } }

        /// - Throws: `overloaded` when the key's requests or bytes of this second are used up.
        func take(requests: Int, bytes: Int) throws(DatabaseError) {
            try usage.take(requests: Double(requests), bytes: Double(bytes))
        }
    }

    /// - Throws: `overloaded` when the key's connections are all taken.
    func takeSeat(name: String) throws(DatabaseError) -> Seat {
        let most = state.withLock { state -> Int? in
            if let most = state.limits.connections, state.connections >= most { return most }
            state.connections += 1
            return nil
        }
        guard let most else { return Seat(self) }
        throw DatabaseError(
            .overloaded, "the API key \"\(name)\" has \(most) connections already", retryAfterMS: 1_000)
    }

    /// What costs more than a second's worth is let through by a full bucket, which then is in debt.
    private func take(requests: Double, bytes: Double) throws(DatabaseError) {
        let now = clock.monotonicNanoseconds()
        let wait = state.withLock { state -> Double in
            guard state.limits.requestsPerSecond != nil || state.limits.bytesPerSecond != nil else {
                return 0
            }
            let seconds = Double(now - min(now, state.filledAt)) / 1e9
            state.filledAt = now
            Self.fill(&state.requests, state.limits.requestsPerSecond, seconds)
            Self.fill(&state.bytes, state.limits.bytesPerSecond, seconds)
            let wait = max(
                Self.wait(state.requests, state.limits.requestsPerSecond, for: requests),
                Self.wait(state.bytes, state.limits.bytesPerSecond, for: bytes))
            guard wait == 0 else {
                // Bytes that came cost even when nothing is done with them; a second's worth of debt at most.
                if let rate = state.limits.bytesPerSecond {
                    state.bytes = max(state.bytes - bytes, min(state.bytes, -rate))
                }
                return wait
            }
            if state.limits.requestsPerSecond != nil { state.requests -= requests }
            if state.limits.bytesPerSecond != nil { state.bytes -= bytes }
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
        guard let rate, amount > 0 else { return 0 }
        let wanted = min(amount, rate)
        return bucket >= wanted ? 0 : (wanted - bucket) / rate
    }
}
