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

    /// Calls back once, after so many nanoseconds, unless what it returns is called before.
    typealias Timer = @Sendable (UInt64, @escaping @Sendable () -> Void) -> @Sendable () -> Void

    private struct Pauses: Sendable {
        let next: @Sendable () -> UInt64?
        let clock: any Clock
        let timer: Timer
    }

    private struct Alarm: Sendable {
        var number: UInt64
        /// On the monotonic clock.
        var at: UInt64
        var cancel: @Sendable () -> Void = {}
    }

    private struct State {
        var runs = 0
        /// The timer that will wake the work.
        var alarm: Alarm?
        var alarms: UInt64 = 0
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
    func comesBack(
        clock: any Clock, after timer: @escaping Timer, _ next: @escaping @Sendable () -> UInt64?
    ) {
        pauses.withLock { $0 = Pauses(next: next, clock: clock, timer: timer) }
    }

    /// At most one timer at a time, or runs that find nothing would breed timers; an earlier one takes the place of a
    /// later one.
    private func comeBack() {
        guard let pauses = pauses.withLock({ $0 }), let pause = pauses.next() else { return }
        let at = pauses.clock.monotonicNanoseconds() &+ pause
        let number = state.withLock { state -> UInt64? in
            guard !state.isStopped, state.alarm.map({ at < $0.at }) ?? true else { return nil }
            state.alarm?.cancel()
            state.alarms += 1
            state.alarm = Alarm(number: state.alarms, at: at)
            return state.alarms
        }
        guard let number else { return }
        let cancel = pauses.timer(pause) { [weak self] in
            self?.state.withLock { if $0.alarm?.number == number { $0.alarm = nil } }
            self?.wake()
        }
        state.withLock { if $0.alarm?.number == number { $0.alarm?.cancel = cancel } }
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
