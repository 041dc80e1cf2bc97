// How a micro benchmark is timed and printed.

import Glibc

/// Prints nanoseconds of processor time per call of `body`: the best of fifteen rounds. A body that gives 0 failed.
func report(_ name: String, iterations: Int, _ body: () -> Int) {
    var best = Double.infinity
    var checksum = 0
    for _ in 0..<15 {
        let start = threadNanoseconds()
        for _ in 0..<iterations { checksum &+= body() }
        best = min(best, (threadNanoseconds() - start) / Double(iterations))
    }
    let shown = String((best * 10).rounded() / 10)
    print(
        String(repeating: " ", count: max(0, 10 - shown.count)) + shown
            + " ns  \(name)\(checksum == 0 ? " FAILED" : "")")
}

/// Processor time of this thread: a busy machine does not falsify it.
private func threadNanoseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}
