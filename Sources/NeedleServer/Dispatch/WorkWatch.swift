import NIOCore
import NeedleCore
import NeedleEngine
import NeedleWire
import Synchronization

/// Tells a client that waits how far a piece of work on a snapshot is. Safe to use from any thread.
final class WorkWatch: Sendable {
    /// Between two progress notifications, at least.
    private static let interval = TimeAmount.milliseconds(250)

    private let timer: RepeatedTask

    init(task: RequestTask, work: SnapshotWork, timers: any EventLoop) {
        let last = Mutex<(phase: String, done: Int)>(("", -1))
        timer = timers.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { timer in
            guard !task.isOver else { return timer.cancel() }
            let job = work.progress
            let isNews = last.withLock { last in
                defer { last = (job.phase, job.done) }
                return last != (job.phase, job.done)
            }
            if isNews {
                task.sink.progressed(task.key, phase: job.phase, done: job.done, total: job.total)
            }
        }
    }

    func end() {
        timer.cancel()
    }
}
