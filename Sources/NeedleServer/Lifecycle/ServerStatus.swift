package import NeedleCore
package import NeedleEngine
import NeedleVectors
package import NeedleWire

/// The version of this server, as the greeting says it.
package let needletailVersion = "0.1.0"

/// What the server tells about itself. Safe to use from any thread.
package final class ServerStatus: Sendable {
    private let clock: any Clock
    private let startedAt: UInt64
    let budget: ByteBudget
    private let limits: Limits
    private let authentication: Greeting.Authentication

    package init(
        clock: any Clock, budget: ByteBudget, limits: Limits, authentication: Greeting.Authentication = .none
    ) {
        self.authentication = authentication
        self.clock = clock
        self.budget = budget
        self.limits = limits
        startedAt = clock.monotonicNanoseconds()
    }

    package var greeting: Greeting {
        Greeting(version: needletailVersion, authentication: authentication, limits: limits)
    }

    var uptimeNanoseconds: UInt64 { clock.monotonicNanoseconds() - startedAt }

    var kernelTier: String { DistanceKernels.best.tierName }

    /// What memory is used for, in bytes; without what has no purpose of its own.
    func memory(of database: Database) -> [(purpose: String, bytes: Int)] {
        database.memoryByPurpose() + [
            (purpose: "request_lines", bytes: budget.lines),
            (purpose: "unsent_replies", bytes: budget.replies),
        ]
    }

    package func info(of database: Database) -> ServerInfo {
        ServerInfo(
            version: needletailVersion,
            uptimeMS: Int64(uptimeNanoseconds / 1_000_000), kernelTier: kernelTier,
            memory: memory(of: database) + [(purpose: "resident", bytes: ProcessSettings.residentBytes())],
            limits: limits,
            collections: database.summaries(), model: database.embedders.first?.model,
            moreModels: database.embedders.all.dropFirst().map(\.model),
            embeddingCache: database.embedders.first?.cacheStatistics)
    }
}
