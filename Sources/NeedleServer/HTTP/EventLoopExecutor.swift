import NIOCore

/// Runs the tasks of HTTP connections on the event loop that their connection lives on: no hand-over to another thread and
/// back, and nothing that others do with tasks in this process can keep them waiting.
///
/// Safe to use from any thread.
final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
