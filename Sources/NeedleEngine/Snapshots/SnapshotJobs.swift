package import NeedleCore
import Synchronization

/// The jobs of a database that belong to no collection's maintenance: making, verifying and restoring snapshots.
/// Safe to use from any thread.
final class SnapshotJobs: Sendable {
    private let state = Mutex(State())

    private struct State {
        /// The newest last.
        var jobs: [Job] = []
        var count: UInt64 = 0
    }

    private static let remembered = 100

    func add(_ make: (_ number: UInt64) -> Job) -> Job {
        state.withLock { state in
            state.count += 1
            let job = make(state.count)
            state.jobs.append(job)
            if state.jobs.count > Self.remembered, let over = state.jobs.firstIndex(where: { !$0.isRunning })
            {
                state.jobs.remove(at: over)
            }
            return job
        }
    }

    var all: [Job] { state.withLock { $0.jobs } }

    func job(_ id: String) -> Job? { all.first { $0.id == id } }
}

/// One long piece of work on a snapshot: a job that tells how far it is, and can be cancelled.
///
/// `advance` is called every mebibyte or so. Safe to use from any thread.
package final class SnapshotWork: Sendable {
    let job: Job
    package let context: OperationContext
    private let pause: @Sendable (Int) -> Void
    private let state = Mutex((phase: "waiting", done: 0, total: 0))

    /// - Parameter pause: called with the bytes that were just read; may sleep, so that the disk is left to others.
    init(job: Job, context: OperationContext, pause: @escaping @Sendable (Int) -> Void) {
        self.job = job
        self.context = context
        self.pause = pause
    }

    /// Where the job stands.
    package var progress: JobSnapshot { job.snapshot() }

    func begin(_ phase: String, total: Int) throws(DatabaseError) {
        try context.check()
        state.withLock { $0 = (phase, 0, total) }
        job.report(phase: phase, done: 0, total: total)
    }

    /// - Parameters:
    ///   - count: what was done, in the unit of the phase.
    ///   - bytes: what was read for it.
    func advance(_ count: Int, bytes: Int) throws(DatabaseError) {
        let now = state.withLock { state in
            state.done += count
            return state
        }
        job.report(phase: now.phase, done: now.done, total: now.total)
        pause(bytes)
        try context.check()
    }

    /// Ends a job that was never begun.
    package func giveUp(_ error: DatabaseError) {
        job.end(.failed, error: error.description)
    }

    /// Runs the work and ends the job with it.
    func run<Result>(_ body: () throws(DatabaseError) -> Result) throws(DatabaseError) -> Result {
        do throws(DatabaseError) {
            let result = try body()
            job.end(.done, error: nil)
            return result
        } catch {
            let isCancelled = error.kind == .cancelled || error.kind == .deadline
            job.end(isCancelled ? .cancelled : .failed, error: isCancelled ? nil : error.description)
            throw error
        }
    }
}
