import NeedleServer
import Synchronization
import Testing

struct BackgroundThreadTests {
    private final class Count: Sendable {
        let value = Atomic<Int>(0)
    }

    @Test func joiningWaitsForWorkThatHasNotBegun() {
        let count = Count()
        for _ in 0..<50 {
            let thread = BackgroundThread.start { count.value.add(1, ordering: .relaxed) }
            thread.join()
            #expect(thread.isDone)
            thread.join()
        }
        #expect(count.value.load(ordering: .relaxed) == 50)
    }
}
