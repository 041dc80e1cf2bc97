import Glibc
import NeedleCore

/// The machine's own time.
package final class SystemClock: Clock {
    package init() {}

    package func wallMilliseconds() -> Int64 {
        let time = Self.read(CLOCK_REALTIME)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    package func monotonicNanoseconds() -> UInt64 {
        let time = Self.read(CLOCK_MONOTONIC)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        let result = clock_gettime(clock, &time)
        precondition(result == 0, "both clocks exist on every Linux")
        return time
    }
}
