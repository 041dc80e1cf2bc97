import NeedleServer
import Testing

/// Which job a thread takes next, and who is woken for a new one.
struct JobOrderTests {
    /// The job that a thread is given; nil when it is to sleep or to end.
    private func job(_ next: JobOrder<Int>.Next) -> Int? {
        if case .run(let job) = next { job } else { nil }
    }

    @Test func threadsTakeTheOldestOfBothKindsAndLoopsTheOldestQuickOne() {
        var order = JobOrder<Int>(threads: 1)
        for (number, isQuick) in [false, true, true, false, true].enumerated() {
            let wakes = order.add(number, isQuick: isQuick)
            #expect(!wakes, "nobody sleeps")
        }
        #expect(order.count == 5 && order.hasQuick)
        let first = order.next(.nothing)
        #expect(job(first) == 0)
        let taken = order.takeQuick()
        #expect(taken == 1)
        let rest = [order.next(.ran), order.next(.ran)].map { job($0) }
        #expect(rest == [2, 3])
        let last = [order.takeQuick(), order.takeQuick()]
        #expect(last == [4, nil] && !order.hasQuick && order.count == 0)
    }

    @Test func isIdleWhileNothingWaitsOrRunsOrIsOnItsWay() {
        var order = asleep(threads: 1)
        #expect(order.isIdle)
        _ = order.add(1, isQuick: false)
        #expect(!order.isIdle, "it waits")
        let first = order.next(.slept)
        #expect(job(first) == 1 && !order.isIdle, "it runs")
        let then = order.next(.ran)
        #expect(job(then) == nil && order.isIdle)
    }

    @Test func oneSleeperIsWokenPerJob() {
        var order = asleep(threads: 2)
        let wakes = [1, 2, 3].map { order.add($0, isQuick: false) }
        #expect(wakes == [true, true, false], "with the second both are on their way")
        let jobs = [JobOrder<Int>.Before.slept, .slept, .ran, .ran].map { job(order.next($0)) }
        #expect(jobs == [1, 2, 3, nil])
        let wakesAgain = order.add(4, isQuick: true)
        #expect(wakesAgain)
    }

    @Test func whoTakesJobsItselfWakesOneThreadLess() {
        var order = asleep(threads: 3)
        let wakes = [1, 2, 3].map { order.add($0, isQuick: true, withHelp: true) }
        #expect(wakes == [true, true, false])
        let wakesForOthers = order.add(4, isQuick: false)
        #expect(wakesForOthers, "the third thread is for what no loop takes")
        let jobs = [order.next(.slept), order.next(.slept)].map { job($0) }
        #expect(jobs == [1, 2])
        let wakesMore = order.add(5, isQuick: true, withHelp: true)
        #expect(!wakesMore, "two run, one is on its way: with the loop that is enough")
    }

    @Test func aSingleThreadSleepsOnWhileALoopServes() {
        var order = asleep(threads: 1)
        let wakes = [order.add(1, isQuick: true, withHelp: true), order.add(2, isQuick: true)]
        #expect(wakes == [false, true])
        let next = order.next(.slept)
        #expect(job(next) == 1)
    }

    @Test func stoppingDropsWhatWaitsAndWakesWhoSleeps() {
        var order = asleep(threads: 3)
        _ = order.add(1, isQuick: false)
        _ = order.add(2, isQuick: true)
        let woken = order.stop()
        #expect(woken == 1, "two are on their way already")
        #expect(order.count == 0)
        for _ in 0..<3 {
            guard case .end = order.next(.slept) else {
                Issue.record("the pool has stopped")
                return
            }
        }
        let wakes = order.add(3, isQuick: false)
        #expect(!wakes && order.count == 0)
    }

    private func asleep(threads: Int) -> JobOrder<Int> {
        var order = JobOrder<Int>(threads: threads)
        for _ in 0..<threads { _ = order.next(.nothing) }
        return order
    }
}
