import NeedleCore

/// When something that failed is tried again: after a tenth of a second, then after twice as long each time, at
/// most half a minute. A disk that is full for an hour is asked a hundred times, and one that was away for a
/// moment is hardly missed. Not thread safe.
struct Backoff {
    private static let shortest: UInt64 = 100_000_000
    private static let longest: UInt64 = 30_000_000_000

    /// In a row, so far.
    private(set) var failures = 0
    /// Nanoseconds of the monotonic clock.
    private var notBefore: UInt64 = 0

    mutating func noteFailure(now: UInt64) {
        let doublings = min(failures, 16)
        failures += 1
        notBefore = now &+ min(Self.shortest << UInt64(doublings), Self.longest)
    }

    mutating func noteSuccess() {
        self = Backoff()
    }

    /// Nanoseconds until the next try; 0 when it may be now.
    func pause(now: UInt64) -> UInt64 {
        failures > 0 && notBefore > now ? notBefore - now : 0
    }
}
