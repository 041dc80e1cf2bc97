import Glibc
import NeedleCore
import Synchronization

/// Keeps a thread that reads much from reading faster than it may, by letting it sleep. Safe to use from any thread.
final class BytePace: Sendable {
    private let bytesPerSecond: Int
    private let clock: any Clock
    private let state = Mutex((start: UInt64(0), bytes: 0))

    /// - Parameter bytesPerSecond: 0 for no limit.
    init(bytesPerSecond: Int, clock: any Clock) {
        self.bytesPerSecond = bytesPerSecond
        self.clock = clock
    }

    func begin() {
        state.withLock { $0 = (clock.monotonicNanoseconds(), 0) }
    }

    /// Sleeps until as much time has passed since the beginning as so many bytes more take, or the request is over.
    func pause(after bytes: Int, _ context: OperationContext) {
        guard bytesPerSecond > 0, bytes > 0 else { return }
        let (start, total) = state.withLock { state in
            state.bytes += bytes
            return state
        }
        let due = Double(total) / Double(bytesPerSecond)
        while (try? context.check()) != nil {
            let left = due - Double(clock.monotonicNanoseconds() - start) / 1e9
            guard left > 0 else { return }
            usleep(useconds_t(min(0.1, left) * 1e6))
        }
    }
}
