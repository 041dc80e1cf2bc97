import NIOPosix
import Synchronization

/// A thread for one long piece of work. Safe to use from any thread.
package final class BackgroundThread: Sendable {
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let hasEnded = Atomic<Bool>(false)
    private let end = Bell()

    private init() {}

    /// The pool wants to be shut down before it goes; nobody waits for that here.
    deinit { pool.shutdownGracefully { _ in } }

    /// Begins `body` at once.
    package static func start(_ body: @escaping @Sendable () -> Void) -> BackgroundThread {
        let thread = BackgroundThread()
        thread.pool.start()
        thread.pool.submit { [thread] state in
            if case .active = state { body() }
            thread.hasEnded.store(true, ordering: .releasing)
            thread.end.ring()
        }
        return thread
    }

    /// Whether the work is done.
    package var isDone: Bool { hasEnded.load(ordering: .acquiring) }

    /// Waits until the work is done, also if it has not begun yet.
    package func join() {
        // Not by shutting the pool down: that would drop work that has not begun.
        end.wait()
        // For the next one who waits.
        end.ring()
    }
}
