import NIOPosix
import Synchronization

/// Threads that run requests, and a bounded queue in front of them.
///
/// Safe to use from any thread.
final class WorkerPool: Sendable {
    typealias Job = @Sendable () -> Void

    let name: String
    let threads: Int
    private let host: NIOThreadPool
    private let limit: Int
    private let order: Mutex<JobOrder<Job>>
    private let bell = Bell()

    /// - Parameters:
    ///   - limit: jobs that may wait for a thread.
    init(name: String, threads: Int, limit: Int) {
        self.name = name
        self.threads = threads
        self.limit = limit
        order = Mutex(JobOrder(threads: threads))
        host = NIOThreadPool(numberOfThreads: threads)
        host.start()
        for _ in 0..<threads {
            host.submit { state in
                if case .active = state { self.work() }
            }
        }
    }

    /// Jobs that wait for a thread now.
    var queued: Int { order.withLock { $0.count } }

    /// Runs `job` on one of the threads.
    ///
    /// - Returns: false, and the job is not run, when too many wait already.
    func trySubmit(_ job: @escaping Job) -> Bool { add(job, isQuick: false, limit: limit) }

    /// The same for a quick job, which an event loop may take instead of a thread.
    ///
    /// - Parameter withHelp: the caller is an event loop and will take quick jobs.
    func trySubmitQuick(_ job: @escaping Job, withHelp: Bool) -> Bool {
        add(job, isQuick: true, withHelp: withHelp, limit: limit)
    }

    /// Runs `job` on one of the threads, however many wait: for work that was accepted already.
    func submit(_ job: @escaping Job) {
        _ = add(job, isQuick: false, limit: .max)
    }

    private func add(_ job: @escaping Job, isQuick: Bool, withHelp: Bool = false, limit: Int) -> Bool {
        let wakes: Bool? = order.withLock { order in
            guard order.count < limit else { return nil }
            return order.add(job, isQuick: isQuick, withHelp: withHelp)
        }
        guard let wakes else { return false }
        if wakes { bell.ring() }
        return true
    }

    /// The oldest quick job, for an event loop.
    func takeQuick() -> Job? { order.withLock { $0.takeQuick() } }

    var hasQuick: Bool { order.withLock { $0.hasQuick } }

    /// No job waits, and none runs on a thread.
    var isIdle: Bool { order.withLock { $0.isIdle } }

    private func work() {
        var before = JobOrder<Job>.Before.nothing
        while true {
            switch order.withLock({ $0.next(before) }) {
            case .run(let job):
                job()
                before = .ran
            case .sleep:
                bell.wait()
                before = .slept
            case .end: return
            }
        }
    }

    /// Jobs that wait are dropped; returns when those that run have ended.
    func stop() {
        for _ in 0..<order.withLock({ $0.stop() }) { bell.ring() }
        do { try host.syncShutdownGracefully() } catch { return }
    }
}
