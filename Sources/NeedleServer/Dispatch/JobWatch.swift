import NIOCore
import NeedleCore
import NeedleEngine
import NeedleWire
import Synchronization

/// Tells a client that waits how far a job is, and answers when it has ended.
///
/// Keeps itself alive by its timer until the request is answered.
final class JobWatch: Sendable {
    /// Between two progress notifications, at least.
    private static let interval = TimeAmount.milliseconds(250)

    private let task: RequestTask
    private let collection: Collection
    private let timers: any EventLoop
    private let lastShown = Mutex<Shown?>(nil)

    private struct Shown: Equatable {
        var phase: String
        var done: Int
        var total: Int
    }

    init(task: RequestTask, collection: Collection, timers: any EventLoop) {
        self.task = task
        self.collection = collection
        self.timers = timers
    }

    func begin(_ job: JobSnapshot) {
        let timer = timers.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { timer in
            self.tick(job.id, timer)
        }
        task.onCancel {
            self.end(timer, .failure(DatabaseError(.cancelled, "the request was cancelled; the job goes on")))
        }
        collection.whenJobEnds(job.id) { last in
            self.end(timer, Self.outcome(of: last ?? job))
        }
    }

    private func tick(_ id: String, _ timer: RepeatedTask) {
        guard !task.isOver else { return timer.cancel() }
        do throws(DatabaseError) {
            try task.context.check()
        } catch {
            return end(timer, .failure(error))
        }
        guard let job = collection.job(id), job.state == .running else { return }
        let shown = Shown(phase: job.phase, done: job.done, total: job.total)
        let isNews = lastShown.withLock { last in
            defer { last = shown }
            return last != shown
        }
        if isNews {
            task.sink.progressed(task.key, phase: job.phase, done: job.done, total: job.total)
        }
    }

    private func end(_ timer: RepeatedTask, _ outcome: Result<String, DatabaseError>) {
        timer.cancel()
        task.finish(outcome.map { .optimizing(job: $0) })
    }

    private static func outcome(of job: JobSnapshot) -> Result<String, DatabaseError> {
        switch job.state {
        case .done, .running: .success(job.id)
        case .cancelled: .failure(DatabaseError(.cancelled, "the job \(job.id) was cancelled"))
        case .failed:
            .failure(
                DatabaseError(
                    .storageFailed, "the job \(job.id) failed: \(job.error ?? "for no known reason")"))
        }
    }
}
