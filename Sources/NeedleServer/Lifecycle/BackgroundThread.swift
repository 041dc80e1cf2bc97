import NIOPosix
import Synchronization

/// A thread for one long piece of work. Safe to use from any thread.
package struct BackgroundThread: Sendable {
    private let pool: NIOThreadPool

    /// Begins `body` at once.
    package static func start(_ body: @escaping @Sendable () -> Void) -> BackgroundThread {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        pool.submit { state in
            guard case .active = state else { return }
            body()
        }
        return BackgroundThread(pool: pool)
    }

    /// Waits until the work is done.
    package func join() {
        do { try pool.syncShutdownGracefully() } catch { return }
    }
}
