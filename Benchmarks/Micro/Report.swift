// How a micro benchmark is timed and printed.

import Glibc

/// Prints nanoseconds of processor time per call of `body`: the best of fifteen rounds. A body that gives 0 failed.
func report(_ name: String, iterations: Int, _ body: () -> Int) {
    let (best, checksum) = bestNanoseconds(iterations: iterations, body)
    let shown = String((best * 10).rounded() / 10)
    print(
        String(repeating: " ", count: max(0, 10 - shown.count)) + shown
            + " ns  \(name)\(checksum == 0 ? " FAILED" : "")")
}

/// Nanoseconds of processor time per call of `body` in the best of fifteen rounds, and the sum of what it gave.
func bestNanoseconds(iterations: Int, _ body: () -> Int) -> (time: Double, checksum: Int) {
    var best = Double.infinity
    var checksum = 0
    for _ in 0..<15 {
        let start = threadNanoseconds()
        for _ in 0..<iterations { checksum &+= body() }
        best = min(best, (threadNanoseconds() - start) / Double(iterations))
    }
    return (best, checksum)
}

/// Processor time of this thread: a busy machine does not falsify it.
private func threadNanoseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}
