import NeedleCore
import Synchronization

/// A long piece of background work that somebody asked for and may watch. Safe to use from any thread.
final class Job: Sendable {
    let id: String
    let kind: String
    let collection: String
    private let clock: any Clock
    private let onCancel: @Sendable () -> Void
    private let startedAt: UInt64
    private let state: Mutex<State>

    private struct State {
        var state = JobSnapshot.State.running
        var phase: String
        var done = 0
        var total = 0
        var error: String?
        var waiting: [@Sendable (JobSnapshot) -> Void] = []
    }

    /// - Parameter onCancel: makes the work end soon, which then ends the job.
    init(
        id: String, kind: String, collection: String, phase: String, clock: any Clock,
        onCancel: @escaping @Sendable () -> Void
    ) {
        self.id = id
        self.kind = kind
        self.collection = collection
        self.clock = clock
        self.onCancel = onCancel
        startedAt = clock.monotonicNanoseconds()
        state = Mutex(State(phase: phase))
    }

    func report(phase: String, done: Int, total: Int) {
        state.withLock { state in
            guard state.state == .running else { return }
            state.phase = phase
            state.done = min(done, total)
            state.total = total
        }
    }

    var isRunning: Bool { state.withLock { $0.state == .running } }

    func cancel() {
        if isRunning { onCancel() }
    }

    func end(_ final: JobSnapshot.State, error: String?) {
        let waiting = state.withLock { state -> [@Sendable (JobSnapshot) -> Void] in
            guard state.state == .running else { return [] }
            state.state = final
            state.error = error
            if final == .done { state.done = state.total }
            defer { state.waiting = [] }
            return state.waiting
        }
        let snapshot = snapshot()
        for body in waiting { body(snapshot) }
    }

    /// Calls back once when the job has ended, at once if it has.
    func whenEnded(_ body: @escaping @Sendable (JobSnapshot) -> Void) {
        let isOver = state.withLock { state in
            if state.state == .running { state.waiting.append(body) }
            return state.state != .running
        }
        if isOver { body(snapshot()) }
    }

    func snapshot() -> JobSnapshot {
        let seconds = Double(clock.monotonicNanoseconds() - startedAt) / 1e9
        return state.withLock { state in
            let rate = seconds > 0 ? Double(state.done) / seconds : 0
            let left = Double(state.total - state.done)
            let eta = state.state == .running && rate > 0 ? Int(left / rate * 1000) : nil
            return JobSnapshot(
                id: id, kind: kind, collection: collection, state: state.state, phase: state.phase,
                done: state.done,
                total: state.total, rate: rate, etaMS: eta, error: state.error)
        }
    }
}
