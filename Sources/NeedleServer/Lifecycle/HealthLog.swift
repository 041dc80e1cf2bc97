package import Logging
package import NeedleCore
import Synchronization

/// Tells the log when a collection or snapshot ceases to be whole, when that has another reason, and when it is whole
/// again; and the same of what becomes worse about a collection's quality: what `server.health` says, for those who
/// read logs. Safe to use from any thread.
package final class HealthLog: Sendable {
    /// Something that is not as it should be.
    private struct Finding {
        var what: String
        var state: String
        var reason: String
        var level: Logger.Level
        var isAlert = false
    }

    private let log: Logger
    /// What was told last of each thing, and whether that was an alert.
    private let told = Mutex<[String: (key: String, isAlert: Bool)]>([:])

    package init(_ log: Logger) {
        self.log = log
    }

    /// Compares with what was told before.
    package func look(_ report: HealthReport) {
        let found = Self.findings(report)
        told.withLock { told in
            // What is loading is neither whole nor not.
            for finding in found where finding.state != CollectionState.loading.rawValue {
                let key = Self.withoutNumbers("\(finding.state): \(finding.reason)")
                guard told[finding.what]?.key != key else { continue }
                told[finding.what] = (key, finding.isAlert)
                log.log(
                    level: finding.level, finding.isAlert ? "worse than is allowed" : "not whole",
                    metadata: [
                        "what": "\(finding.what)", "state": "\(finding.state)", "reason": "\(finding.reason)",
                    ])
            }
            for what in told.keys.sorted() where !found.contains(where: { $0.what == what }) {
                let wasAlert = told.removeValue(forKey: what)?.isAlert ?? false
                log.notice(
                    wasAlert ? "as it was before, or gone" : "whole again, or gone",
                    metadata: ["what": "\(what)"])
            }
        }
    }

    private static func findings(_ report: HealthReport) -> [Finding] {
        var found: [Finding] = []
        for collection in report.collections {
            if collection.state != .ready {
                found.append(
                    Finding(
                        what: "collection \(collection.name)", state: collection.state.rawValue,
                        reason: collection.reason ?? "",
                        level: collection.state == .degraded ? .warning : .error))
            }
            for alert in collection.alerts {
                let space = alert.space.isEmpty ? "" : ", vectors \(alert.space)"
                found.append(
                    Finding(
                        what: "\(alert.kind.rawValue) of collection \(collection.name)\(space)",
                        state: "alert",
                        reason: alert.message, level: .warning, isAlert: true))
            }
        }
        for snapshot in report.damagedSnapshots {
            found.append(
                Finding(
                    what: "snapshot \(snapshot.name)", state: CollectionState.quarantined.rawValue,
                    reason: snapshot.reason, level: .error))
        }
        return found
    }

    /// Bytes that are free and seconds until a retry change all the time.
    private static func withoutNumbers(_ text: String) -> String {
        String(text.filter { !$0.isNumber })
    }
}
