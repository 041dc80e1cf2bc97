import NeedleCore
import Synchronization

/// Runs the database's background steps (indexing, sealing, merging) on threads of low priority.
///
/// No thread waits for work: `wake` begins a run if fewer run than may, a run goes on until there is nothing to do,
/// and it calls another to help as long as it finds something. Safe to use from any thread.
final class BackgroundWork: Sendable {
    private let pool: WorkerPool
    private let step: @Sendable (OperationContext) -> Bool
    private let state = Mutex(State())
    private let context = OperationContext()
    private let pauses = Mutex<Pauses?>(nil)

    private struct Pauses: Sendable {
        let next: @Sendable () -> UInt64?
        let timer: @Sendable (UInt64, @escaping @Sendable () -> Void) -> Void
    }

    private struct State {
        var runs = 0
        /// A timer will wake the work.
        var isTimed = false
        /// Rises with every wake, so that a run that found nothing knows whether to look again.
        var wakes: UInt64 = 0
        var isStopped = false
    }

    /// - Parameter step: does one step; false when there was nothing to do.
    init(threads: Int, step: @escaping @Sendable (OperationContext) -> Bool) {
        pool = WorkerPool(name: "maintenance", threads: threads, limit: threads)
        self.step = step
    }

    /// There may be something to do.
    func wake() {
        begin(isNews: true)
    }

    /// When there is nothing to do now but will be later, the work wakes itself. Call before the first wake.
    ///
    /// - Parameters:
    ///   - next: nanoseconds until there is something to do; `nil` when nothing is to be waited for.
    ///   - timer: calls back once, after so many nanoseconds.
    func comesBack(
        _ next: @escaping @Sendable () -> UInt64?,
        after timer: @escaping @Sendable (UInt64, @escaping @Sendable () -> Void) -> Void
    ) {
        pauses.withLock { $0 = Pauses(next: next, timer: timer) }
    }

    /// At most one timer at a time, or runs that find nothing would breed timers.
    private func comeBack() {
        guard let pauses = pauses.withLock({ $0 }), let pause = pauses.next() else { return }
        let isMine = state.withLock { state in
            defer { state.isTimed = true }
            return !state.isTimed && !state.isStopped
        }
        guard isMine else { return }
        pauses.timer(pause) { [weak self] in
            self?.state.withLock { $0.isTimed = false }
            self?.wake()
        }
    }

    private func begin(isNews: Bool) {
        let shallRun = state.withLock { state in
            if isNews { state.wakes &+= 1 }
            guard !state.isStopped, state.runs < pool.threads else { return false }
            state.runs += 1
            return true
        }
        if shallRun { pool.submit { self.run() } }
    }

    private func run() {
        lowerThreadPriority()
        while true {
            let seen = state.withLock { $0.wakes }
            while !state.withLock({ $0.isStopped }), step(context) { begin(isNews: false) }
            let isOver = state.withLock { state in
                guard state.isStopped || state.wakes == seen else { return false }
                state.runs -= 1
                return true
            }
            if isOver { return comeBack() }
        }
    }

    /// Begins no further step, cancels those under way, and returns when they have ended.
    func stop() {
        state.withLock { $0.isStopped = true }
        context.cancel()
        pool.stop()
    }
}
