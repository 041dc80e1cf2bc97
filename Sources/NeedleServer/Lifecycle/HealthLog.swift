package import Logging
package import NeedleCore
import Synchronization

/// Tells the log when a collection or snapshot ceases to be whole, when that has another reason, and when it is whole
/// again: what `server.health` says, for those who read logs. Safe to use from any thread.
package final class HealthLog: Sendable {
    private let log: Logger
    /// What was told last of each thing that is not whole: its state and reason.
    private let told = Mutex<[String: String]>([:])

    package init(_ log: Logger) {
        self.log = log
    }

    /// Compares with what was told before.
    package func look(_ report: HealthReport) {
        var found: [(what: String, state: CollectionState, reason: String)] = []
        for collection in report.collections where collection.state != .ready {
            found.append(("collection \(collection.name)", collection.state, collection.reason ?? ""))
        }
        for snapshot in report.damagedSnapshots {
            found.append(("snapshot \(snapshot.name)", .quarantined, snapshot.reason))
        }
        told.withLock { told in
            // What is loading is neither whole nor not.
            for (what, state, reason) in found where state != .loading {
                let key = Self.withoutNumbers("\(state.rawValue): \(reason)")
                guard told[what] != key else { continue }
                told[what] = key
                log.log(
                    level: state == .degraded ? .warning : .error, "not whole",
                    metadata: ["what": "\(what)", "state": "\(state.rawValue)", "reason": "\(reason)"])
            }
            for what in told.keys.sorted() where !found.contains(where: { $0.what == what }) {
                told[what] = nil
                log.notice("whole again, or gone", metadata: ["what": "\(what)"])
            }
        }
    }

    /// Bytes that are free and seconds until a retry change all the time.
    private static func withoutNumbers(_ text: String) -> String {
        String(text.filter { !$0.isNumber })
    }
}
