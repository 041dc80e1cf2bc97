// Quick searches on the event loop itself. Handing a search to another thread and its answer back costs two
// wake-ups, which take as long as the search; so the loop runs it between reading the request and writing the
// answer.
//
// A loop must not keep its connections waiting:
// - only what has been quick lately comes here (`Collection.isQuick`);
// - of several jobs that came in one turn the loop keeps one, the pool's threads have the others; while there
//   are any left, the loop takes another as long as `slice` has not passed;
// - after a slice the loop looks after its sockets before it goes on.

import NIOCore
import NeedleCore

/// One per event loop. `add` is called on the loop only.
final class QuickDesk: Sendable {
    /// How long the loop may run jobs before it looks after its sockets; the last job may end later.
    private static let slice: UInt64 = 250_000
    /// A timer is the only way to have NIO look at the sockets before it goes on: as long as tasks are ready, it
    /// runs those.
    private static let pause = TimeAmount.microseconds(20)

    private let eventLoop: any EventLoop
    private let pool: WorkerPool
    private let clock: any Clock
    private let state: NIOLoopBoundBox<State>

    private struct State {
        var jobs: [WorkerPool.Job] = []
        var isScheduled = false
        /// Nanoseconds of work since the loop looked after its sockets.
        var served: UInt64 = 0
        var lastServed: UInt64 = 0
    }

    init(eventLoop: any EventLoop, pool: WorkerPool, clock: any Clock) {
        self.eventLoop = eventLoop
        self.pool = pool
        self.clock = clock
        state = .makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    /// Runs a quick job soon, here or on a thread of the pool.
    ///
    /// - Parameter receivedAt: when its request was read.
    /// - Returns: false, and the job is not run, when too many wait already.
    func add(receivedAt: UInt64, _ job: @escaping WorkerPool.Job) -> Bool {
        // What was read after the last slice shows that the sockets have been looked after.
        if receivedAt > state.value.lastServed { state.value.served = 0 }
        if state.value.jobs.isEmpty {
            state.value.jobs.append(job)
        } else {
            guard pool.trySubmitQuick(job, withHelp: true) else { return false }
        }
        schedule()
        return true
    }

    private func schedule() {
        guard !state.value.isScheduled else { return }
        state.value.isScheduled = true
        if state.value.served < Self.slice {
            eventLoop.execute { self.serve() }
        } else {
            eventLoop.scheduleTask(in: Self.pause) {
                self.state.value.served = 0
                self.serve()
            }
        }
    }

    private func serve() {
        state.value.isScheduled = false
        let jobs = state.value.jobs
        state.value.jobs.removeAll(keepingCapacity: true)
        let start = clock.monotonicNanoseconds()
        let end = start + Self.slice - min(Self.slice, state.value.served)
        for job in jobs { job() }
        var now = clock.monotonicNanoseconds()
        while now < end, let job = pool.takeQuick() {
            job()
            now = clock.monotonicNanoseconds()
        }
        state.value.served += now - start
        state.value.lastServed = now
        if pool.hasQuick { schedule() }
    }
}
