package import Logging
package import NeedleCore
import Synchronization

/// Says in the log that logins are refused: the first one at once, a flood of them once a minute with its number. Safe to use
/// from any thread.
package final class RefusedLogins: Sendable {
    private let log: Logger
    private let clock: any Clock
    private let state = Mutex(State())

    private struct State {
        /// Refused since the last line.
        var count = 0
        /// Monotonic nanoseconds.
        var quietUntil: UInt64 = 0
    }

    private static let quiet: UInt64 = 60_000_000_000

    package init(_ log: Logger, clock: any Clock) {
        self.log = log
        self.clock = clock
    }

    package func note(_ reason: String) {
        let now = clock.monotonicNanoseconds()
        let count = state.withLock { state -> Int? in
            state.count += 1
            guard now >= state.quietUntil else { return nil }
            defer { state.count = 0 }
            state.quietUntil = now + Self.quiet
            return state.count
        }
        guard let count else { return }
        log.warning("login refused", metadata: ["reason": "\(reason)", "since_last_line": "\(count)"])
    }
}
