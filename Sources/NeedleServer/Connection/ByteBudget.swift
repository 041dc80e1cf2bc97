// The server-wide byte budget (`limits.server_bytes`): request lines, from their first byte until they are
// answered, and replies, from their encoding until the socket has taken them.
//
// While it is spent no connection begins a new line. The argument that this cannot lock up for good:
// 1. A request that was accepted needs nothing more from the budget to run; its line's bytes come back when
//    it is answered. A reply's bytes come back when the peer reads it, or when the write time-out closes the
//    connection. So everything except *unfinished* lines goes away by itself.
// 2. Unfinished lines could hold the whole budget, each waiting for room to finish. Therefore, while the
//    budget is spent, one of them at a time, the longest, may read on regardless (`Grant.finish`); it
//    overdraws by at most one line. When its line is complete the next one's turn comes.
// 3. A peer that does not finish its line within `finishingMS` of being let through loses it: its bytes are
//    dropped and the line is answered `overloaded` at its end. So every few seconds the longest unfinished
//    line is either a request or gone, and there is room again. Reading is refused in units of one socket
//    read, so the budget may be exceeded by one read per connection.
//
// The last quarter is kept for what is small, so that few large lines or answers do not stop everybody: a
// line that has grown beyond `smallBytes` is read on only while less than three quarters are spent, and an
// answer beyond it is kept only while answers take less than that; otherwise it is dropped, and its request
// (a read) is answered `overloaded`. Small answers are kept until answers alone take the whole budget. So
// answers are bounded too, whatever accepted requests lead to.

import Synchronization

/// Counts bytes in flight and says who may go on. Safe to use from any thread.
package final class ByteBudget: Sendable {
    /// What a waiting connection is told.
    package enum Grant: Sendable {
        /// There is room: ask again.
        case room
        /// There is none, but this connection may finish the line it is in.
        case finish
    }

    package let limit: Int
    /// How long a connection that was told `finish` may take, in milliseconds.
    package let finishingMS: Int
    private let lineBytes = Atomic<Int>(0)
    private let replyBytes = Atomic<Int>(0)
    private let hasWaiters = Atomic<Bool>(false)
    private let queue = Mutex(BudgetQueue())

    package init(limit: Int, finishingMS: Int = 5_000) {
        self.limit = limit
        self.finishingMS = finishingMS
    }

    package var lines: Int { lineBytes.load(ordering: .relaxed) }
    package var replies: Int { replyBytes.load(ordering: .relaxed) }

    /// Lines and answers up to this size may use the last quarter.
    package static let smallBytes = 64 << 10

    private var spent: Int {
        lineBytes.load(ordering: .sequentiallyConsistent) + replyBytes.load(ordering: .sequentiallyConsistent)
    }

    /// Whether a connection may be read.
    ///
    /// - Parameter unfinished: bytes of the line it is in, 0 when between lines.
    package func allowsReading(unfinished: Int) -> Bool {
        spent < (unfinished > Self.smallBytes ? limit / 4 * 3 : limit)
    }

    /// Whether an answer of this size may wait for its reader. Lines do not count here: however many there are,
    /// what was accepted is answered.
    package func allowsReply(_ bytes: Int) -> Bool {
        replies + bytes <= (bytes > Self.smallBytes ? limit / 4 * 3 : limit)
    }

    /// Adds to, or with a negative number takes from, the bytes of request lines.
    package func addLines(_ bytes: Int) {
        lineBytes.add(bytes, ordering: .sequentiallyConsistent)
        if bytes < 0 { wakeIfRoom() }
    }

    /// Adds to, or with a negative number takes from, the bytes of unsent replies.
    package func addReplies(_ bytes: Int) {
        replyBytes.add(bytes, ordering: .sequentiallyConsistent)
        if bytes < 0 { wakeIfRoom() }
    }

    /// Calls back, once, when there is room again, or when it is this connection's turn to finish its line.
    ///
    /// - Parameters:
    ///   - id: one per connection; a second call replaces the first.
    ///   - unfinished: bytes of the unfinished line, 0 when between lines.
    package func wait(_ id: ObjectIdentifier, unfinished: Int, _ resume: @escaping @Sendable (Grant) -> Void)
    {
        queue.withLock { $0.add(id, unfinished: unfinished, resume) }
        hasWaiters.store(true, ordering: .sequentiallyConsistent)
        // Looked at after registering, so that room made in between is not missed.
        wakeIfRoom()
        queue.withLock { $0.chooseFinisher() }?.resume(.finish)
    }

    /// The connection no longer waits, and its turn to finish, if it had it, goes to the next.
    package func leave(_ id: ObjectIdentifier) {
        let chosen = queue.withLock { queue -> BudgetQueue.Waiter? in
            queue.remove(id)
            return queue.chooseFinisher()
        }
        chosen?.resume(.finish)
    }

    private func wakeIfRoom() {
        guard hasWaiters.load(ordering: .sequentiallyConsistent), allowsReading(unfinished: 0) else { return }
        let woken = queue.withLock { queue -> [BudgetQueue.Waiter] in
            let woken = queue.take { allowsReading(unfinished: $0) }
            if queue.isEmpty { hasWaiters.store(false, ordering: .sequentiallyConsistent) }
            return woken
        }
        for waiter in woken { waiter.resume(.room) }
    }
}

/// Who waits, and whose turn it is to finish. A value, so that its rules are tested without threads.
package struct BudgetQueue: Sendable {
    package struct Waiter: Sendable {
        package var id: ObjectIdentifier
        package var unfinished: Int
        package var resume: @Sendable (ByteBudget.Grant) -> Void
    }

    private var waiters: [ObjectIdentifier: Waiter] = [:]
    package private(set) var finisher: ObjectIdentifier?

    package init() {}

    package mutating func add(
        _ id: ObjectIdentifier, unfinished: Int, _ resume: @escaping @Sendable (ByteBudget.Grant) -> Void
    ) {
        waiters[id] = Waiter(id: id, unfinished: unfinished, resume: resume)
    }

    package mutating func remove(_ id: ObjectIdentifier) {
        waiters[id] = nil
        if finisher == id { finisher = nil }
    }

    /// The waiter whose turn begins now, who then no longer waits; `nil` when it is somebody's turn already.
    package mutating func chooseFinisher() -> Waiter? {
        guard finisher == nil else { return nil }
        guard let longest = waiters.values.max(by: { $0.unfinished < $1.unfinished }), longest.unfinished > 0
        else {
            return nil
        }
        finisher = longest.id
        waiters[longest.id] = nil
        return longest
    }

    package var isEmpty: Bool { waiters.isEmpty }

    /// The waiters who may read with the line they are in, who then no longer wait.
    package mutating func take(_ mayRead: (_ unfinished: Int) -> Bool) -> [Waiter] {
        let taken = waiters.values.filter { mayRead($0.unfinished) }
        for waiter in taken { waiters[waiter.id] = nil }
        return taken
    }
}
