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
        // One line for all pieces of a snapshot.
        if case .readSnapshot(let call) = call, call.position > 0 { return }
        let outcome =
            switch result {
            case .success: "done"
            case .failure(let error): error.kind.rawValue
            }
        var metadata: Logger.Metadata = [
            "method": "\(call.method.rawValue)", "key": "\(principal?.name ?? "-")", "outcome": "\(outcome)",
        ]
        if let collection = call.collection { metadata["collection"] = "\(collection)" }
        if let subject = call.subject { metadata["subject"] = "\(subject)" }
        log.notice("audit", metadata: metadata)
    }
}

extension Call {
    /// What else than a collection it is about.
    fileprivate var subject: String? {
        switch self {
        case .restoreSnapshot(let call): call.snapshot
        case .deleteSnapshot(let name): name
        case .readSnapshot(let call): call.snapshot
        case .cancelJob(let id): id
        case .setAliases(let aliases):
            aliases.map { "\($0.name) to \($0.collection)" }.joined(separator: ", ")
        case .deleteAliases(let names): names.joined(separator: ", ")
        default: nil
        }
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
