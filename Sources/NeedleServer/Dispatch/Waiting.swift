import NIOCore
import NeedleCore
import Synchronization

// Waiting without a thread: for a collection to be loaded, for a write to become visible.

/// Runs the first of several endings and forgets the others. Safe to use from any thread.
final class FirstOf: Sendable {
    private let body: Mutex<(@Sendable (Ending) -> Void)?>

    enum Ending: Sendable {
        case ready
        case timedOut
        case cancelled
    }

    init(_ body: @escaping @Sendable (Ending) -> Void) {
        self.body = Mutex(body)
    }

    func end(_ ending: Ending) {
        let body = body.withLock { body in
            defer { body = nil }
            return body
        }
        body?(ending)
    }
}

/// Lets requests wait on timers of an event loop.
struct WaitingRoom: Sendable {
    let timers: any EventLoop
    let clock: any Clock
    /// `limits.wait_ms`
    let waitMS: Int

    /// Lets a request wait until `register`'s callback is called.
    ///
    /// - Parameters:
    ///   - error: the answer when it takes longer than `wait_ms` or the request's deadline allow.
    ///   - register: asks to be called back once; returns how to take that back.
    ///   - resume: goes on with the request. On whatever thread called back: do little.
    ///   - otherwise: called when the wait was in vain; the request has been answered then.
    func wait(
        _ task: RequestTask, orFail error: DatabaseError,
        register: (_ callBack: @escaping @Sendable () -> Void) -> @Sendable () -> Void,
        resume: @escaping @Sendable () -> Void, otherwise: @escaping @Sendable () -> Void = {}
    ) {
        let end = task.receivedAt &+ UInt64(waitMS) * 1_000_000
        let now = clock.monotonicNanoseconds()
        let left = min(end > now ? end - now : 0, task.context.remainingNanoseconds ?? .max)
        let undo = UndoBox()
        let first = FirstOf { ending in
            task.onCancel(nil)
            undo.run()
            switch ending {
            case .ready: resume()
            case .timedOut:
                task.fail(error)
                otherwise()
            case .cancelled:
                task.fail(DatabaseError(.cancelled, "the request was cancelled"))
                otherwise()
            }
        }
        let timer = timers.scheduleTask(in: .nanoseconds(Int64(clamping: left))) { first.end(.timedOut) }
        undo.add { timer.cancel() }
        undo.add(register { first.end(.ready) })
        task.onCancel { first.end(.cancelled) }
    }
}

/// What is to be taken back when a wait ends, also if it ends while it is being set up. Safe to use from any
/// thread.
private final class UndoBox: Sendable {
    private let state = Mutex(State())

    private struct State {
        var steps: [@Sendable () -> Void] = []
        var hasRun = false
    }

    func add(_ step: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            if !state.hasRun { state.steps.append(step) }
            return state.hasRun
        }
        if isLate { step() }
    }

    func run() {
        let steps = state.withLock { state in
            state.hasRun = true
            defer { state.steps = [] }
            return state.steps
        }
        for step in steps { step() }
    }
}
