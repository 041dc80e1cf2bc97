// Which job a pool's thread takes next, and who is woken for a new one: the rules as a value.
//
// Two kinds of jobs wait in one order: quick ones, which an event loop may take too (`QuickDesk`), and the
// others. A thread takes the oldest of both, a loop the oldest quick one.
//
// Waking a thread costs more than a quick job (a system call here, a switch there), so whoever will take
// jobs itself asks that one thread less be at work: with it there are as many as the pool has.

import NIOCore

package struct JobOrder<Job> {
    /// What a thread of the pool does now.
    package enum Next {
        case run(Job)
        /// Until it is woken; then it asks again.
        case sleep
        /// The pool has stopped.
        case end
    }

    /// What a thread did before it asked.
    package enum Before {
        case nothing
        case ran
        case slept
    }

    private struct Waiting {
        var number: UInt64
        var job: Job
    }

    private let threads: Int
    private var quick = CircularBuffer<Waiting>()
    private var others = CircularBuffer<Waiting>()
    private var nextNumber: UInt64 = 0
    /// Threads that run a job, that were woken and have not asked yet, and that sleep.
    private var running = 0
    private var waking = 0
    private var sleeping = 0
    private var hasStopped = false

    package init(threads: Int) {
        self.threads = threads
    }

    /// Jobs that wait.
    package var count: Int { quick.count + others.count }

    package var hasQuick: Bool { !quick.isEmpty }

    /// No job waits, and no thread runs one or was woken for one.
    package var isIdle: Bool { count == 0 && running == 0 && waking == 0 }

    /// Adds a job at the end.
    ///
    /// - Parameter withHelp: who adds it will take quick jobs too.
    /// - Returns: whether a thread has to be woken.
    package mutating func add(_ job: Job, isQuick: Bool, withHelp: Bool = false) -> Bool {
        guard !hasStopped else { return false }
        let waiting = Waiting(number: nextNumber, job: job)
        nextNumber += 1
        if isQuick { quick.append(waiting) } else { others.append(waiting) }
        guard sleeping > 0, !withHelp || running + waking < threads - 1 else { return false }
        sleeping -= 1
        waking += 1
        return true
    }

    /// What a thread is to do.
    package mutating func next(_ before: Before) -> Next {
        switch before {
        case .nothing: break
        case .ran: running -= 1
        case .slept: waking -= 1
        }
        if hasStopped { return .end }
        if let job = takeOldest() {
            running += 1
            return .run(job)
        }
        sleeping += 1
        return .sleep
    }

    private mutating func takeOldest() -> Job? {
        guard let first = quick.first else { return others.popFirst()?.job }
        if let other = others.first, other.number < first.number { return others.popFirst()?.job }
        return quick.popFirst()?.job
    }

    /// The oldest quick job, for an event loop.
    package mutating func takeQuick() -> Job? { quick.popFirst()?.job }

    /// Drops what waits.
    ///
    /// - Returns: how many threads have to be woken to see it.
    package mutating func stop() -> Int {
        hasStopped = true
        quick.removeAll()
        others.removeAll()
        defer {
            waking += sleeping
            sleeping = 0
        }
        return sleeping
    }
}
