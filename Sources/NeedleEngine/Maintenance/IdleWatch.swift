import NeedleCore
import Synchronization

/// Notices that nobody has written to a collection for a while, so that what grew meanwhile is sealed: refined,
/// sketched, and quick to open. Safe to use from any thread.
final class IdleWatch: Sendable {
    /// Rows that are worth a segment of their own whatever else there is. Fewer are sealed only when they are an
    /// eighth of what is there: each point is then rewritten by merges a few times, not by every pause.
    private static let worthyRows = 16_384
    private static let worthyShare = 8

    private let nanoseconds: UInt64
    /// On the monotonic clock; 0 when the pause after the newest write has been used.
    private let lastWrite = Atomic<UInt64>(0)

    /// - Parameter seconds: 0 never finds a collection idle.
    init(seconds: Int) {
        nanoseconds = UInt64(max(0, seconds)) * 1_000_000_000
    }

    func noteWrite(now: UInt64) {
        if nanoseconds > 0 { lastWrite.store(max(1, now), ordering: .relaxed) }
    }

    /// Whether it is idle; true once after each run of writes.
    func takeIfDue(now: UInt64) -> Bool {
        let last = lastWrite.load(ordering: .relaxed)
        guard last > 0, now >= last &+ nanoseconds else { return false }
        return lastWrite.compareExchange(expected: last, desired: 0, ordering: .relaxed).exchanged
    }

    /// Nanoseconds until it may be idle, at least a tenth of a second; `nil` when nothing was written since.
    func pause(now: UInt64) -> UInt64? {
        let last = lastWrite.load(ordering: .relaxed)
        guard last > 0 else { return nil }
        let end = last &+ nanoseconds
        return max(end > now ? end - now : 0, 100_000_000)
    }

    static func isWorthSealing(_ set: SegmentSet, _ options: EngineOptions) -> Bool {
        let rows = set.active.rowCount
        let sealed = set.sealed.reduce(0) { $0 + $1.rowCount }
        return rows >= max(1, options.exactRows) && (rows >= worthyRows || rows * worthyShare >= sealed)
    }
}
