import NeedleServer
import Synchronization
import Testing

@Suite struct ByteBudgetTests {
    /// Something with an identity, and what the budget told it.
    final class Waiter: Sendable {
        let grants = Mutex<[ByteBudget.Grant]>([])
        var id: ObjectIdentifier { ObjectIdentifier(self) }
        var last: ByteBudget.Grant? { grants.withLock { $0.last } }

        func wait(_ budget: ByteBudget, unfinished: Int) {
            budget.wait(id, unfinished: unfinished) { grant in self.grants.withLock { $0.append(grant) } }
        }
    }

    @Test func linesAndRepliesSpendItTogether() {
        let budget = ByteBudget(limit: 100)
        budget.addLines(60)
        #expect(budget.allowsReading(unfinished: 0))
        budget.addReplies(40)
        #expect(!budget.allowsReading(unfinished: 0))
        budget.addLines(-1)
        #expect(budget.allowsReading(unfinished: 0))
        #expect(budget.lines == 59 && budget.replies == 40)
    }

    @Test func whoWaitsBetweenLinesIsWokenWhenThereIsRoom() {
        let budget = ByteBudget(limit: 100)
        budget.addReplies(100)
        let waiters = [Waiter(), Waiter()]
        for waiter in waiters { waiter.wait(budget, unfinished: 0) }
        #expect(waiters.allSatisfy { $0.last == nil })
        budget.addReplies(-1)
        #expect(waiters.allSatisfy { $0.last == .room })
        budget.addReplies(-1)
        #expect(waiters.allSatisfy { $0.grants.withLock { $0.count } == 1 })
    }

    @Test func whoComesWhenThereIsRoomIsWokenAtOnce() {
        let waiter = Waiter()
        waiter.wait(ByteBudget(limit: 100), unfinished: 0)
        #expect(waiter.last == .room)
    }

    /// The rule that keeps unfinished lines from locking each other up.
    @Test func oneUnfinishedLineAtATimeMayFinishTheLongestFirst() {
        let budget = ByteBudget(limit: 100)
        budget.addLines(100)
        let first = Waiter()
        let short = Waiter()
        let long = Waiter()
        first.wait(budget, unfinished: 10)
        #expect(first.last == .finish, "alone, it is its turn")
        short.wait(budget, unfinished: 20)
        long.wait(budget, unfinished: 70)
        #expect(short.last == nil && long.last == nil)
        budget.leave(first.id)
        #expect(long.last == .finish && short.last == nil)
        budget.addLines(-70)
        #expect(short.last == .room)
    }

    @Test func aConnectionThatGoesPassesItsTurnOn() {
        let budget = ByteBudget(limit: 1)
        budget.addLines(1)
        let a = Waiter()
        let b = Waiter()
        a.wait(budget, unfinished: 5)
        b.wait(budget, unfinished: 5)
        budget.leave(b.id)
        budget.leave(a.id)
        #expect(a.last == .finish && b.last == nil)
        let c = Waiter()
        c.wait(budget, unfinished: 1)
        #expect(c.last == .finish)
    }

    @Test func theLastQuarterIsForWhatIsSmall() {
        let budget = ByteBudget(limit: 4 << 20)
        let small = ByteBudget.smallBytes
        budget.addLines(3 << 20)
        #expect(budget.allowsReading(unfinished: 0) && budget.allowsReading(unfinished: small))
        #expect(!budget.allowsReading(unfinished: small + 1))
        budget.addReplies(1 << 20)
        #expect(!budget.allowsReading(unfinished: 0))
        #expect(budget.allowsReply(2 << 20), "lines never keep accepted requests from being answered")
        budget.addReplies(2 << 20)
        #expect(budget.allowsReply(small) && !budget.allowsReply(small + 1))
        budget.addReplies(1 << 20)
        #expect(!budget.allowsReply(1))
        budget.addReplies(-3 << 20)
        let large = Waiter()
        let between = Waiter()
        let finishing = Waiter()
        finishing.wait(budget, unfinished: 2 << 20)
        large.wait(budget, unfinished: 1 << 20)
        between.wait(budget, unfinished: 0)
        budget.addReplies(-1)
        #expect(between.last == .room && large.last == nil)
        budget.addReplies(-(1 << 20))
        #expect(large.last == .room)
    }

    @Test func wakeUpsAreNotLostBetweenThreads() async {
        let budget = ByteBudget(limit: 10)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<500 {
                        let woken = await withCheckedContinuation { continuation in
                            let once = Mutex(false)
                            let key = Waiter()
                            budget.addLines(10)
                            budget.wait(key.id, unfinished: 0) { _ in
                                let isFirst = once.withLock { done in
                                    defer { done = true }
                                    return !done
                                }
                                _ = key
                                if isFirst { continuation.resume(returning: true) }
                            }
                            budget.addLines(-10)
                        }
                        if !woken { return false }
                    }
                    return true
                }
            }
            for await result in group { #expect(result) }
        }
        #expect(budget.lines == 0)
    }
}
