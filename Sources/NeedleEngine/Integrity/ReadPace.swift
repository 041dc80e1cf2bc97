import NeedleCore
import Synchronization

/// Spreads the reading of background work over time, so that it leaves the disk to those who wait for it.
///
/// What was read is owed as time; reading goes on while the debt is small. Safe to use from any thread.
final class ReadPace: Sendable {
    /// Read without a pause after an idle time: small collections are done at once.
    private static let burstBytes = 64 << 20

    private let bytesPerSecond: Int
    private let burst: UInt64
    /// When all that was read is paid for, in nanoseconds of the monotonic clock.
    private let paidAt = Mutex<UInt64>(0)

    /// - Parameter bytesPerSecond: above 0.
    init(bytesPerSecond: Int) {
        precondition(bytesPerSecond > 0, "a pace")
        self.bytesPerSecond = bytesPerSecond
        burst = Self.nanoseconds(Self.burstBytes, bytesPerSecond)
    }

    func note(_ bytes: Int, at now: UInt64) {
        paidAt.withLock { $0 = max($0, now) + Self.nanoseconds(bytes, bytesPerSecond) }
    }

    /// Nanoseconds until more may be read; 0 when it may now.
    func pause(at now: UInt64) -> UInt64 {
        let until = paidAt.withLock { $0 }
        return until > now + burst ? until - now - burst : 0
    }

    private static func nanoseconds(_ bytes: Int, _ bytesPerSecond: Int) -> UInt64 {
        UInt64(Double(bytes) / Double(bytesPerSecond) * 1e9)
    }
}
