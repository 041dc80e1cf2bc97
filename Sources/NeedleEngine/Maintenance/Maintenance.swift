import NeedleCore
import Synchronization

/// The background work of a collection: who is at it, what was asked for, and how far it is.
///
/// Indexing is shared by all maintenance threads; sealing, merging and checkpoints are one thread's work at a
/// time, guarded by `exclusive`. Safe to use from any thread.
final class Maintenance: Sendable {
    let collection: String
    let clock: any Clock
    private let exclusive = Mutex<Void>(())
    private let wakeUp = Mutex<(@Sendable () -> Void)?>(nil)
    private let state = Mutex(State())

    struct State {
        var merge: Merge?
        var optimize: Job?
        /// Ended ones too, the newest last; the oldest are forgotten.
        var jobs: [Job] = []
        var jobCount = 0
        /// Why sealing, merging, a checkpoint or opening the log anew failed the last time.
        var failure: DatabaseError?
        var backoff = Backoff()
        /// Segments were swapped, but no manifest names the new ones yet.
        var owesCheckpoint = false

        mutating func add(_ make: (_ number: Int) -> Job) -> Job {
            jobCount += 1
            let job = make(jobCount)
            jobs.append(job)
            if jobs.count > Maintenance.rememberedJobs { jobs.removeFirst() }
            return job
        }
    }

    private static let rememberedJobs = 100

    init(collection: String, clock: any Clock) {
        self.collection = collection
        self.clock = clock
    }

    func onWork(_ wake: @escaping @Sendable () -> Void) {
        wakeUp.withLock { $0 = wake }
    }

    func wake() {
        wakeUp.withLock { $0 }?()
    }

    /// Runs `body` unless another thread is in such work; `nil` when it is.
    func exclusively<Result>(_ body: () throws(DatabaseError) -> Result) throws(DatabaseError) -> Result? {
        var result: Result?
        _ = try exclusive.withLockIfAvailable { (_) throws(DatabaseError) in result = try body() }
        return result
    }

    /// Runs `body` when no other thread is in such work, which may take as long as sealing a segment.
    func whenExclusive<Result>(_ body: () throws(DatabaseError) -> Result) throws(DatabaseError) -> Result {
        var result: Result?
        try exclusive.withLock { (_) throws(DatabaseError) in result = try body() }
        // swift-format-ignore: NeverForceUnwrap
        return result!
    }

    /// The same for work that cannot fail.
    func exclusivelyIfFree<Result>(_ body: () -> Result) -> Result? {
        var result: Result?
        _ = exclusive.withLockIfAvailable { _ in result = body() }
        return result
    }

    var merge: Merge? {
        get { state.withLock { $0.merge } }
        set { state.withLock { $0.merge = newValue } }
    }

    var optimizeJob: Job? { state.withLock { $0.optimize } }

    var owesCheckpoint: Bool {
        get { state.withLock { $0.owesCheckpoint } }
        set { state.withLock { $0.owesCheckpoint = newValue } }
    }

    /// Why exclusive work failed the last time, and how often in a row; `nil` when it did not.
    var failure: (error: DatabaseError, times: Int)? {
        state.withLock { state in state.failure.map { ($0, state.backoff.failures) } }
    }

    /// Nanoseconds until what failed is tried again: 0 when nothing failed, or when it may be tried now.
    var retryPause: UInt64 {
        let now = clock.monotonicNanoseconds()
        return state.withLock { $0.backoff.pause(now: now) }
    }

    func succeed() {
        state.withLock { state in
            state.failure = nil
            state.backoff.noteSuccess()
        }
    }

    /// Exclusive work is tried again after a pause; who waits for a job is told.
    func fail(_ error: DatabaseError) {
        let now = clock.monotonicNanoseconds()
        let job = state.withLock { state in
            state.failure = error
            state.backoff.noteFailure(now: now)
            defer { state.optimize = nil }
            return state.optimize
        }
        job?.end(.failed, error: error.description)
    }

    /// The job under way, or the one that `make` begins.
    func beginOptimize(_ make: (_ number: Int) -> Job) -> Job {
        state.withLock { state in
            if let job = state.optimize { return job }
            let job = state.add(make)
            state.optimize = job
            return job
        }
    }

    /// A job of another kind that begins; whoever does it ends it.
    func add(_ make: (_ number: Int) -> Job) -> Job {
        state.withLock { $0.add(make) }
    }

    func endOptimize() {
        let job = state.withLock { state in
            defer { state.optimize = nil }
            return state.optimize
        }
        job?.end(.done, error: nil)
    }

    /// Gives the job up: what was merged or indexed until then stays.
    func cancelOptimize() {
        let job = state.withLock { state in
            defer { state.optimize = nil }
            return state.optimize
        }
        job?.end(.cancelled, error: nil)
    }

    var jobs: [Job] { state.withLock { $0.jobs } }

    func job(_ id: String) -> Job? { state.withLock { $0.jobs.first { $0.id == id } } }
}
