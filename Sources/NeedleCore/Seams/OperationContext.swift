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
    /// Those on whose behalf it goes on; empty when it stands for itself.
    private let members: [OperationContext]

    /// - Parameter deadlineNanoseconds: on `clock`'s monotonic scale; `nil` means none.
    package init(clock: any Clock, deadlineNanoseconds: UInt64?) {
        self.clock = clock
        self.deadlineNanoseconds = deadlineNanoseconds ?? .max
        members = []
    }

    /// A context that never ends: for background work and tests.
    package init() {
        clock = nil
        deadlineNanoseconds = .max
        members = []
    }

    /// A context for work that several want: it may go on as long as one of them may.
    package init(whileAnyOf members: [OperationContext]) {
        clock = nil
        deadlineNanoseconds = .max
        self.members = members
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
        if !members.isEmpty { try checkMembers() }
    }

    /// - Throws: the last one's error when none may go on.
    private func checkMembers() throws(DatabaseError) {
        var failure: DatabaseError?
        for member in members {
            do throws(DatabaseError) {
                return try member.check()
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}
