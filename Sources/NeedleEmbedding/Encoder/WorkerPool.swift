// A few threads that help a caller through independent pieces of one computation. The caller works too, so a
// pool of one thread has none of its own, and a busy pool never blocks anybody: helpers only ever speed
// things up.
//
// A forward pass over one text is thirty computations of a tenth of a millisecond, one after the other, and
// waking a thread takes a good part of that. So who has just worked looks out for more for some dozen
// microseconds before it sleeps.

import CNeedleKernels
import Glibc
import Synchronization

/// Runs numbered pieces of work on the caller's and the pool's threads. Safe from any thread, also from
/// several at once. Threads end when the pool does.
package final class WorkerPool: Sendable {
    /// Processors of the machine.
    package static var processors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// Threads that work on one computation at most, the caller's counted.
    package let threads: Int
    private let queue = JobQueue()
    private let helpers: Mutex<[pthread_t]>

    package init(threads: Int) {
        precondition(threads >= 1)
        self.threads = threads
        var started: [pthread_t] = []
        for _ in 1..<max(threads, 1) {
            var thread = pthread_t()
            let context = Unmanaged.passRetained(queue)
            let status = pthread_create(
                &thread, nil,
                { raw in
                    // SAFETY: the creator retained the queue for this thread, which releases it here.
                    raw.map { Unmanaged<JobQueue>.fromOpaque($0).takeRetainedValue() }?.serve()
                    return nil
                }, context.toOpaque())
            guard status == 0 else {
                // Fewer helpers are slower, not wrong.
                context.release()
                break
            }
            started.append(thread)
        }
        helpers = Mutex(started)
    }

    deinit {
        queue.stop()
        helpers.withLock { for thread in $0 { pthread_join(thread, nil) } }
    }

    /// Whether the calling thread has lowered its priority. Its helpers have not: they would take processors from threads
    /// that it is to give way to.
    private static var callerGivesWay: Bool {
        // On Linux "process" 0 is the calling thread alone.
        getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) > 0
    }

    /// Calls `body` once for each of 0..<count, on several threads in no stated order; returns when all have
    /// ended. A thread of lowered priority does all of it itself.
    package func run(_ count: Int, _ body: (Int) -> Void) {
        guard count > 1, threads > 1, !Self.callerGivesWay else {
            for index in 0..<count { body(index) }
            return
        }
        withoutActuallyEscaping(body) { escaping in
            let job = Job(count: count, body: escaping)
            queue.offer(job, helpers: min(threads, count) - 1)
            job.work()
            // No helper touches the job, and with it the borrowed closure, after this returns.
            queue.withdraw(job)
        }
    }
}

/// One computation: a counter of pieces and the work.
private final class Job: @unchecked Sendable {
    // SAFETY: `body` is called from several threads at once; its maker says that this is sound by passing it
    // to `run`. The counter is atomic, `helping` is guarded by the queue's lock.
    private let count: Int
    private let body: (Int) -> Void
    private let next = Atomic<Int>(0)
    private let helpers = Atomic<Int>(0)

    /// Threads that help now. Changed under the queue's lock, looked at without it.
    var helping: Int {
        get { helpers.load(ordering: .relaxed) }
        set { helpers.store(newValue, ordering: .relaxed) }
    }

    init(count: Int, body: @escaping (Int) -> Void) {
        self.count = count
        self.body = body
    }

    func work() {
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < count else { return }
            body(index)
        }
    }
}

/// Jobs that want help, under one lock.
private final class JobQueue: @unchecked Sendable {
    // SAFETY: `waiting`, `isStopped` and every job's `helping` are touched under `lock` only. Lock and
    // conditions lie at stable addresses, as pthreads demand, and live exactly as long as the object.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let arrived = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let finished = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [Job] = []
    private var isStopped = false
    /// Jobs offered so far, for those that look out without the lock.
    private let offered = Atomic<Int>(0)

    /// Looks again and again, for some 30 µs, until something is so.
    private static func look(until isSo: () -> Bool) {
        for _ in 0..<1_000 {
            if isSo() { return }
            nk_relax()
        }
    }

    init() {
        pthread_mutex_init(lock, nil)
        pthread_cond_init(arrived, nil)
        pthread_cond_init(finished, nil)
    }

    deinit {
        pthread_cond_destroy(finished)
        pthread_cond_destroy(arrived)
        pthread_mutex_destroy(lock)
        finished.deallocate()
        arrived.deallocate()
        lock.deallocate()
    }

    func offer(_ job: Job, helpers: Int) {
        pthread_mutex_lock(lock)
        for _ in 0..<helpers { waiting.append(job) }
        offered.wrappingAdd(1, ordering: .relaxed)
        pthread_cond_broadcast(arrived)
        pthread_mutex_unlock(lock)
    }

    func withdraw(_ job: Job) {
        Self.look(until: { job.helping == 0 })
        pthread_mutex_lock(lock)
        waiting.removeAll { $0 === job }
        while job.helping > 0 { pthread_cond_wait(finished, lock) }
        pthread_mutex_unlock(lock)
    }

    func stop() {
        pthread_mutex_lock(lock)
        isStopped = true
        pthread_cond_broadcast(arrived)
        pthread_mutex_unlock(lock)
    }

    /// A helper's life.
    func serve() {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while true {
            while waiting.isEmpty, !isStopped { pthread_cond_wait(arrived, lock) }
            repeat { work() } while lookOut()
            if isStopped { return }
        }
    }

    /// Waits a short while for the next job without sleeping; called and ends under the lock.
    ///
    /// - Returns: whether there is one.
    private func lookOut() -> Bool {
        guard waiting.isEmpty, !isStopped else { return !waiting.isEmpty }
        let before = offered.load(ordering: .relaxed)
        pthread_mutex_unlock(lock)
        Self.look(until: { offered.load(ordering: .relaxed) != before })
        pthread_mutex_lock(lock)
        return !waiting.isEmpty
    }

    /// Helps with the jobs that wait; called and ends under the lock.
    private func work() {
        while !waiting.isEmpty {
            let job = waiting.removeFirst()
            job.helping += 1
            pthread_mutex_unlock(lock)
            job.work()
            pthread_mutex_lock(lock)
            job.helping -= 1
            if job.helping == 0 { pthread_cond_broadcast(finished) }
        }
    }
}
