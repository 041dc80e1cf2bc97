/// Paces work that takes idle time only: after each step it rests, so that it takes no more than its share.
struct IdlePace {
    /// Nanoseconds of the monotonic clock before which idle time is not used again.
    private var notBefore: UInt64 = 0

    /// Nanoseconds until idle time may be used again: 0 when it may now.
    func pause(at now: UInt64) -> UInt64 { notBefore > now ? notBefore - now : 0 }

    /// A step of work, by the monotonic clock.
    mutating func note(from began: UInt64, to ended: UInt64, share: Double) {
        notBefore = began &+ UInt64(Double(ended - began) / min(max(share, 0.001), 1))
    }
}
