import Glibc
import NeedleServer
import Synchronization
import Testing

/// Background work gives way.
struct ThreadPriorityTests {
    private final class Outcome: Sendable {
        let nice = Atomic<Int32>(0)
        let policy = Atomic<Int32>(0)
    }

    /// On Linux a "process" 0 is the calling thread.
    private static func nice() -> Int32 { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) }

    @Test func theThreadThatAsksIsLoweredAndNoOther() async {
        let outcome = Outcome()
        let lowered = BackgroundThread.start {
            lowerThreadPriority()
            outcome.nice.store(Self.nice(), ordering: .relaxed)
            outcome.policy.store(sched_getscheduler(0), ordering: .relaxed)
        }
        lowered.join()
        #expect(outcome.nice.load(ordering: .relaxed) >= 10)
        // A sandbox may filter the call that asks for batch scheduling; then the priority is all there is.
        let (other, batch): (Int32, Int32) = (0, 3)
        #expect([other, batch].contains(outcome.policy.load(ordering: .relaxed)))
        let others = BackgroundThread.start { outcome.nice.store(Self.nice(), ordering: .relaxed) }
        others.join()
        #expect(outcome.nice.load(ordering: .relaxed) < 10 || Self.nice() >= 10)
    }
}
