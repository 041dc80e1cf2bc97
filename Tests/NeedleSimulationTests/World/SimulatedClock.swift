import NeedleCore
import Synchronization

/// A clock that moves when a run says so.
final class SimulatedClock: Clock {
    private let milliseconds: Mutex<Int64>

    init(at milliseconds: Int64 = 1_800_000_000_000) {
        self.milliseconds = Mutex(milliseconds)
    }

    func wallMilliseconds() -> Int64 { milliseconds.withLock { $0 } }
    func monotonicNanoseconds() -> UInt64 { UInt64(wallMilliseconds()) * 1_000_000 }
    func advance(_ by: Int) { milliseconds.withLock { $0 += Int64(by) } }
}
