package import NeedleCore
import Synchronization

/// What the engine counts while it works, for those who watch from outside. Safe to use from any thread.
package final class EngineMeters: Sendable {
    /// Syncs of logs that writes with durability `fsync` waited for, of all collections; failed ones are not counted.
    package let logSyncs = DurationMeter()
    private let logged = Atomic<Int>(0)

    /// Bytes that writes brought to the logs.
    package var loggedBytes: Int { logged.load(ordering: .relaxed) }

    func noteLogged(_ bytes: Int) { logged.add(bytes, ordering: .relaxed) }
}
