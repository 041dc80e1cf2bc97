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
        #expect(!budget.isSpent)
        budget.addReplies(40)
        #expect(budget.isSpent)
        budget.addLines(-1)
        #expect(!budget.isSpent)
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

    @Test func repliesHaveAThresholdOfTheirOwn() {
        let budget = ByteBudget(limit: 100)
        #expect(budget.allowsReply(unsentOnConnection: 10))
        budget.addReplies(50)
        #expect(!budget.allowsReply(unsentOnConnection: 10))
        #expect(
            budget.allowsReply(unsentOnConnection: 0), "who has read everything is not held up by who has not"
        )
        budget.addReplies(50)
        #expect(!budget.allowsReply(unsentOnConnection: 0))
        budget.addReplies(-100)
        budget.addLines(100)
        #expect(
            budget.allowsReply(unsentOnConnection: 10),
            "lines alone never keep accepted requests from running")
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
