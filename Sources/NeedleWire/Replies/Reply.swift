// The results of calls as values, and what the server says unasked.

package import NeedleCore

/// The result of a call that succeeded.
package enum Reply: Sendable {
    /// Milliseconds since 1970.
    case pong(nowMS: Int64)
    case info(ServerInfo)
    /// `degraded` unless all collections are ready.
    case health(HealthReport)
    case cancelled(Bool)
    case login(Grant)
    case collectionCreated(name: String, lsn: LSN)
    case collections([CollectionSummary])
    case collection(CollectionDescription)
    case collectionDeleted
    /// With the job that rebuilds, if there is one.
    case collectionUpdated(lsn: LSN, job: String?)
    /// The job's id.
    case optimizing(job: String)
    /// With the job's id.
    case indexCreated(lsn: LSN, job: String)
    case indexDeleted(lsn: LSN)
    case indexes([FieldIndexDescription])
    case upserted(WriteReceipt)
    case points([PointRecord], missing: [PointID], VectorEncoding)
    case deleted(WriteReceipt)
    /// Parts of points that were found: its `updated`.
    case changed(WriteReceipt)
    case count(Int)
    case facet([FacetValue])
    case page(ScrollPage, VectorEncoding)
    case search(SearchResult, VectorEncoding)
    case groups(GroupedResult, VectorEncoding)
    /// One encoding per result.
    case searchBatch([SearchResult], [VectorEncoding])
    case embedded(EmbeddingBatch, ModelDescription, VectorEncoding)
    /// The job's id.
    case reembedding(job: String)
    case reembeddingStatus(ReembeddingStatus)
    case rolledBack(lsn: LSN)
    /// Chunks: its `created` were embedded, its `updated` had their vectors.
    case documentsUpserted(WriteReceipt)
    case document(id: String, [PointRecord], VectorEncoding)
    case snapshotCreated(SnapshotDescription)
    case snapshots([SnapshotDescription])
    case snapshotDeleted
    case snapshotVerified(SnapshotVerification)
    case snapshotRestored(RestoredCollection)
    /// Of `job.get` and `job.cancel` the one that was named.
    case jobs([JobSnapshot])
    case aliasesChanged
    case aliases([Alias])
    case snapshotPiece(SnapshotPiece)
    /// The import's id.
    case importBegun(String)
    case importStatus(ImportStatus)
    case snapshotImported(SnapshotDescription)
    case importAborted
}

/// What `server.info` says.
package struct ServerInfo: Sendable {
    package var version: String
    package var uptimeMS: Int64
    /// The distance kernels in use: `scalar`, `avx2`, `avx512`, `neon`.
    package var kernelTier: String
    package var memory: [(purpose: String, bytes: Int)]
    package var limits: Limits
    package var collections: [CollectionSummary]
    /// The built-in model, or nothing when its files are missing.
    package var model: ModelDescription?
    /// Those that it has beside.
    package var moreModels: [ModelDescription]
    /// Of the cache in front of it, if there is one.
    package var embeddingCache: EmbeddingCacheStatistics?

    package init(
        version: String, uptimeMS: Int64, kernelTier: String, memory: [(purpose: String, bytes: Int)],
        limits: Limits, collections: [CollectionSummary], model: ModelDescription?,
        moreModels: [ModelDescription] = [], embeddingCache: EmbeddingCacheStatistics? = nil
    ) {
        self.version = version
        self.uptimeMS = uptimeMS
        self.kernelTier = kernelTier
        self.memory = memory
        self.limits = limits
        self.collections = collections
        self.model = model
        self.moreModels = moreModels
        self.embeddingCache = embeddingCache
    }
}

/// What an API key allows.
package struct Grant: Hashable, Sendable {
    package enum Role: String, Sendable, CaseIterable {
        case admin
        case writer
        case reader
    }

    package var role: Role
    /// `nil` means all.
    package var collections: [String]?

    package init(role: Role, collections: [String]? = nil) {
        self.role = role
        self.collections = collections
    }
}

/// `server.hello`: the first line of every connection.
package struct Greeting: Hashable, Sendable {
    package enum Authentication: String, Sendable {
        case none
        case apiKey = "api_key"
    }

    /// The protocol versions this code speaks, lowest and highest.
    package static let protocolVersions = 1...1

    package var version: String
    package var protocolVersions: ClosedRange<Int>
    package var authentication: Authentication
    /// Only what the greeting announces is meaningful on the client's side.
    package var limits: Limits

    package init(
        version: String, authentication: Authentication, limits: Limits,
        protocolVersions: ClosedRange<Int> = Greeting.protocolVersions
    ) {
        self.version = version
        self.authentication = authentication
        self.limits = limits
        self.protocolVersions = protocolVersions
    }
}

/// `server.progress`: how far a call that waits has come.
package struct Progress: Hashable, Sendable {
    /// The request it is about.
    package var id: RequestID
    package var phase: String
    package var done: Int
    /// 0 when unknown.
    package var total: Int

    package init(id: RequestID, phase: String, done: Int, total: Int) {
        self.id = id
        self.phase = phase
        self.done = done
        self.total = total
    }
}
