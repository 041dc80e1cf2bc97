import NIOCore
import NIOPosix
import NeedleCore
import NeedleServer
import Synchronization
import Testing

/// How long an event loop stays awake after an answer.
struct LoopPollingTests {
    /// A clock that goes on by ten microseconds whenever it is read.
    private final class TickingClock: Clock {
        private let ticks = Atomic<UInt64>(0)

        var reads: Int { Int(ticks.load(ordering: .sequentiallyConsistent)) }

        func monotonicNanoseconds() -> UInt64 {
            ticks.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue * 10_000
        }

        func wallMilliseconds() -> Int64 { 0 }
    }

    /// What was asked when `answers` have happened on a loop and nothing more comes. Waits until the clock was read as
    /// often as expected, and then some time for more.
    private func looks(
        microseconds: Int, wantedFor wanted: Int = .max, answers: [UInt64] = [0], untilRead expected: Int
    ) async throws -> (asked: Int, reads: Int) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let clock = TickingClock()
        let asked = Atomic<Int>(0)
        let loop = group.next()
        try await loop.submit {
            let polling = LoopPolling(eventLoop: loop, clock: clock, microseconds: microseconds) {
                asked.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue < wanted
            }
            for time in answers { polling.answered(at: time) }
        }.get()
        for _ in 0..<1_000 where clock.reads < expected { try await Task.sleep(for: .milliseconds(5)) }
        try await Task.sleep(for: .milliseconds(20))
        let result = (asked.load(ordering: .sequentiallyConsistent), clock.reads)
        try await group.shutdownGracefully()
        return result
    }

    @Test func looksUntilTheTimeIsOverAndThenSleeps() async throws {
        let result = try await looks(microseconds: 200, untilRead: 20)
        // The clock says 10, 20 … 190 while it goes on, and 200 ends it.
        #expect(result.asked == 19 && result.reads == 20)
    }

    @Test func anotherAnswerProlongsItAndBeginsNoSecondOne() async throws {
        let result = try await looks(microseconds: 200, answers: [0, 100_000], untilRead: 30)
        #expect(result.asked == 29 && result.reads == 30)
    }

    @Test func endsAsSoonAsSomebodyElseWantsToRun() async throws {
        let result = try await looks(microseconds: 200, wantedFor: 5, untilRead: 5)
        #expect(result.asked == 5 && result.reads == 5)
    }

    @Test func zeroMeansNotAtAll() async throws {
        let result = try await looks(microseconds: 0, untilRead: 0)
        #expect(result.asked == 0 && result.reads == 0)
    }
}
