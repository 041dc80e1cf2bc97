package import Logging
import NeedleCore
import NeedleWire

/// Says in the log who did what to the server's collections, snapshots and jobs, and how it ended. Never what was in them.
/// Safe to use from any thread.
package struct AuditLog: Sendable {
    private let log: Logger

    package init(_ log: Logger) {
        self.log = log
    }

    /// - Parameter principal: `nil` where nobody is asked who they are.
    func note(_ call: Call, by principal: Principal?, _ result: Result<Reply, DatabaseError>) {
        let outcome =
            switch result {
            case .success: "done"
            case .failure(let error): error.kind.rawValue
            }
        var metadata: Logger.Metadata = [
            "method": "\(call.method.rawValue)", "key": "\(principal?.name ?? "-")", "outcome": "\(outcome)",
        ]
        if let collection = call.collection { metadata["collection"] = "\(collection)" }
        log.notice("audit", metadata: metadata)
    }
}

extension Method {
    /// What is written down: what changes more than points, or carries all of them away.
    var isAudited: Bool {
        switch self {
        case .verifySnapshot, .listSnapshots, .getJob, .optimizeCollection, .writeImport: false
        default: requiredRole == .admin
        }
    }
}
