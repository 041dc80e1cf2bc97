import NeedleEngine
import Synchronization

/// Whether requests should be sent here. Safe to use from any thread.
final class Readiness: Sendable {
    private let database: Database
    private let draining = Atomic<Bool>(false)

    init(database: Database) {
        self.database = database
    }

    /// The server stops.
    func drain() { draining.store(true, ordering: .relaxed) }

    var isDraining: Bool { draining.load(ordering: .relaxed) }

    var isReady: Bool { reasons.isEmpty }

    /// One sentence for each thing that is in the way. They name no collection: anybody may ask. One that is damaged is
    /// not in the way of the others; `server.health` tells about it.
    var reasons: [String] {
        var reasons: [String] = []
        if isDraining { reasons.append("the server is shutting down") }
        let (loading, all) = database.loadingCounts
        if loading > 0 { reasons.append("\(loading) of \(all) collections are still loading") }
        return reasons
    }
}
