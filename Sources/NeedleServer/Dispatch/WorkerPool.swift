import Glibc
import NIOPosix
import Synchronization

/// Threads that run requests, and a bounded queue in front of them.
///
/// Safe to use from any thread.
final class WorkerPool: Sendable {
    let name: String
    let threads: Int
    private let pool: NIOThreadPool
    private let limit: Int
    private let waiting = Atomic<Int>(0)
    private let running = Atomic<Int>(0)

    /// - Parameters:
    ///   - limit: jobs that may wait for a thread.
    init(name: String, threads: Int, limit: Int) {
        self.name = name
        self.threads = threads
        self.limit = limit
        pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
    }

    /// Jobs that wait for a thread now.
    var queued: Int { waiting.load(ordering: .relaxed) }
    /// Jobs that run now.
    var active: Int { running.load(ordering: .relaxed) }

    /// Runs `job` on one of the threads.
    ///
    /// - Returns: false, and the job is not run, when too many wait already.
    func trySubmit(_ job: @escaping @Sendable () -> Void) -> Bool {
        guard waiting.load(ordering: .relaxed) < limit else { return false }
        submit(job)
        return true
    }

    /// Runs `job` on one of the threads, however many wait: for work that was accepted already.
    func submit(_ job: @escaping @Sendable () -> Void) {
        waiting.add(1, ordering: .relaxed)
        pool.submit { state in
            self.waiting.subtract(1, ordering: .relaxed)
            guard case .active = state else { return }
            self.running.add(1, ordering: .relaxed)
            job()
            self.running.subtract(1, ordering: .relaxed)
        }
    }

    /// Jobs that wait are dropped; returns when those that run have ended.
    func stop() {
        do { try pool.syncShutdownGracefully() } catch { return }
    }
}

/// Lowers the calling thread's priority. On Linux "process" 0 is the calling thread alone.
func lowerThreadPriority() {
    _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
}
