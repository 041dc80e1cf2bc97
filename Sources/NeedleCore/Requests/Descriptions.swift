// What the engine tells about itself: the answers of `collection.get`, `collection.list`, `server.health` and
// the state of background jobs, as values.

/// Whether a collection can be used. Raw values are names on the wire.
package enum CollectionState: String, Sendable {
    case ready
    case loading
    case degraded
    case quarantined
}

/// A collection in a list.
package struct CollectionSummary: Sendable {
    package var name: String
    package var points: Int
    package var state: CollectionState
    /// Why it is not ready.
    package var reason: String?

    package init(name: String, points: Int, state: CollectionState, reason: String? = nil) {
        self.name = name
        self.points = points
        self.state = state
        self.reason = reason
    }
}

/// How one vector space of a segment is searched.
package struct SegmentSpaceDescription: Sendable {
    package var name: String
    /// Points that have a vector in the space.
    package var vectors: Int
    /// Rows that wait for no indexer: the graph reaches them, or there are too few for one.
    package var indexed: Int
    /// What traversal computes on: `int8` or `binary` codes, or `float32` originals.
    package var searchedOn: String

    package init(name: String, vectors: Int, indexed: Int, searchedOn: String) {
        self.name = name
        self.vectors = vectors
        self.indexed = indexed
        self.searchedOn = searchedOn
    }
}

/// One segment of a collection.
package struct SegmentDescription: Sendable {
    package enum State: String, Sendable {
        /// Takes writes.
        case growing
        /// Full, waiting to be written to its file.
        case frozen
        /// An immutable mapped file.
        case sealed
    }

    package var id: UInt64
    package var state: State
    /// Rows stored, dead ones included.
    package var rows: Int
    /// Points alive.
    package var points: Int
    package var bytes: Int
    package var spaces: [SegmentSpaceDescription]

    package init(
        id: UInt64, state: State, rows: Int, points: Int, bytes: Int, spaces: [SegmentSpaceDescription]
    ) {
        self.id = id
        self.state = state
        self.rows = rows
        self.points = points
        self.bytes = bytes
        self.spaces = spaces
    }
}

/// The answer of `collection.get`.
package struct CollectionDescription: Sendable {
    package var name: String
    package var config: CollectionConfig
    package var points: Int
    /// Points that every space they have a vector in reaches by graph.
    package var indexedPoints: Int
    package var segments: [SegmentDescription]
    package var state: CollectionState
    package var bytesOnDisk: Int
    package var bytesInMemory: Int
    package var lsn: LSN

    package init(
        name: String, config: CollectionConfig, points: Int, indexedPoints: Int,
        segments: [SegmentDescription],
        state: CollectionState, bytesOnDisk: Int, bytesInMemory: Int, lsn: LSN
    ) {
        self.name = name
        self.config = config
        self.points = points
        self.indexedPoints = indexedPoints
        self.segments = segments
        self.state = state
        self.bytesOnDisk = bytesOnDisk
        self.bytesInMemory = bytesInMemory
        self.lsn = lsn
    }
}

/// A background job at one moment.
package struct JobSnapshot: Sendable {
    package enum State: String, Sendable {
        case running
        case done
        case failed
        case cancelled
    }

    package var id: String
    package var kind: String
    package var collection: String
    package var state: State
    package var phase: String
    package var done: Int
    package var total: Int
    /// Units per second since it began.
    package var rate: Double
    package var etaMS: Int?
    package var error: String?

    package init(
        id: String, kind: String, collection: String, state: State, phase: String, done: Int, total: Int,
        rate: Double, etaMS: Int?, error: String? = nil
    ) {
        self.id = id
        self.kind = kind
        self.collection = collection
        self.state = state
        self.phase = phase
        self.done = done
        self.total = total
        self.rate = rate
        self.etaMS = etaMS
        self.error = error
    }
}
