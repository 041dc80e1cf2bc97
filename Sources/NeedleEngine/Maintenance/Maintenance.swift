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
        /// Why sealing or merging stopped; retried when the collection is opened again.
        var failure: DatabaseError?
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

    var merge: Merge? {
        get { state.withLock { $0.merge } }
        set { state.withLock { $0.merge = newValue } }
    }

    var optimizeJob: Job? { state.withLock { $0.optimize } }

    var failure: DatabaseError? { state.withLock { $0.failure } }

    func fail(_ error: DatabaseError) {
        let job = state.withLock { state in
            state.failure = error
            defer { state.optimize = nil }
            return state.optimize
        }
        job?.end(.failed, error: error.description)
    }

    /// The job under way, or the one that `make` begins.
    func beginOptimize(_ make: (_ number: Int) -> Job) -> Job {
        state.withLock { state in
            if let job = state.optimize { return job }
            state.jobCount += 1
            let job = make(state.jobCount)
            state.optimize = job
            state.jobs.append(job)
            if state.jobs.count > Self.rememberedJobs { state.jobs.removeFirst() }
            return job
        }
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
