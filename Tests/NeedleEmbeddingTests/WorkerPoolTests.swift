import Foundation
import NeedleEmbedding
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    @Test(arguments: [1, 2, 5])
    func everyPieceRunsOnce(threads: Int) {
        let pool = WorkerPool(threads: threads)
        for count in [0, 1, 2, 3, 100] {
            let seen = Mutex([Int](repeating: 0, count: count))
            pool.run(count) { index in seen.withLock { $0[index] += 1 } }
            #expect(seen.withLock { $0.allSatisfy { $0 == 1 } })
        }
    }

    @Test func severalCallersShareOnePool() async {
        let pool = WorkerPool(threads: 3)
        let finished = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    (0..<200).count { _ in
                        let mine = Mutex(0)
                        pool.run(7) { _ in mine.withLock { $0 += 1 } }
                        // All pieces have ended when `run` returns.
                        return mine.withLock { $0 } == 7
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(finished == 4 * 200)
    }

    @Test func helpersReallyHelp() {
        // Two pieces that wait for each other end only when two threads work.
        let pool = WorkerPool(threads: 2)
        let arrived = Atomic<Int>(0)
        let met = Atomic<Int>(0)
        pool.run(2) { _ in
            arrived.wrappingAdd(1, ordering: .relaxed)
            for _ in 0..<10_000 where arrived.load(ordering: .relaxed) < 2 { usleep(1_000) }
            if arrived.load(ordering: .relaxed) == 2 { met.wrappingAdd(1, ordering: .relaxed) }
        }
        #expect(met.load(ordering: .relaxed) == 2)
    }

    /// A re-embedding in the background took a processor from searches, because its helper was as important as they.
    @Test func aThreadThatGivesWayGetsNoHelpers() {
        let pool = WorkerPool(threads: 3)
        let strangers = Atomic<Int>(0)
        let pieces = Atomic<Int>(0)
        let thread = Thread {
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
            let own = pthread_self()
            pool.run(300) { _ in
                if pthread_equal(own, pthread_self()) == 0 { strangers.wrappingAdd(1, ordering: .relaxed) }
                usleep(100)
                pieces.wrappingAdd(1, ordering: .relaxed)
            }
        }
        thread.start()
        while pieces.load(ordering: .relaxed) < 300 { usleep(1_000) }
        #expect(strangers.load(ordering: .relaxed) == 0)
    }
}
