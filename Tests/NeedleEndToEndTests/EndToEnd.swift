// The house from outside: real processes, real sockets, a real file system. What a room can be tested for by itself is
// tested there; here is what only the whole can show: crashes, hostile peers, the life of the process, the programs.

import Dispatch
import Testing

/// All tests of this target, one at a time: they measure times and memory.
@Suite(.serialized, .onItsOwnThread)
enum EndToEnd {}

/// Runs tests on a thread where they may block, instead of the few threads that all asynchronous tests share.
struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(BlockingThread.shared) { try await function() }
    }
}

extension Trait where Self == OwnThread {
    static var onItsOwnThread: Self { OwnThread() }
}

final class BlockingThread: TaskExecutor {
    static let shared = BlockingThread()
    private let queue = DispatchQueue(label: "needletail.end-to-end")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
