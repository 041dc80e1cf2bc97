import Synchronization

/// What a long operation asks now and then: may I go on?
///
/// Carries a request's deadline and its cancellation into scans, traversal and inference. `check()` costs a
/// relaxed atomic load and, when there is a deadline, a clock reading; call it every few dozen microseconds
/// of work. Safe to use from any thread.
package final class OperationContext: Sendable {
    private let clock: (any Clock)?
    private let deadlineNanoseconds: UInt64
    private let isCancelled = Atomic<Bool>(false)

    /// - Parameter deadlineNanoseconds: on `clock`'s monotonic scale; `nil` means none.
    package init(clock: any Clock, deadlineNanoseconds: UInt64?) {
        self.clock = clock
        self.deadlineNanoseconds = deadlineNanoseconds ?? .max
    }

    /// A context that never ends: for background work and tests.
    package init() {
        clock = nil
        deadlineNanoseconds = .max
    }

    package func cancel() {
        isCancelled.store(true, ordering: .relaxed)
    }

    package var hasDeadline: Bool { deadlineNanoseconds != .max }

    /// Nanoseconds left, or `nil` without a deadline.
    package var remainingNanoseconds: UInt64? {
        guard hasDeadline, let clock else { return nil }
        let now = clock.monotonicNanoseconds()
        return now >= deadlineNanoseconds ? 0 : deadlineNanoseconds - now
    }

    /// - Throws: `cancelled` or `deadline`.
    package func check() throws(DatabaseError) {
        if isCancelled.load(ordering: .relaxed) {
            throw DatabaseError(.cancelled, "the request was cancelled")
        }
        if deadlineNanoseconds != .max, let clock, clock.monotonicNanoseconds() >= deadlineNanoseconds {
            throw DatabaseError(
                .deadline, "the deadline passed before the answer was ready", at: "deadline_ms")
        }
    }
}
