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
    /// What has become worse; a collection with alerts may be as ready as ever.
    package var alerts: [QualityAlert]

    package init(
        name: String, points: Int, state: CollectionState, reason: String? = nil, alerts: [QualityAlert] = []
    ) {
        self.name = name
        self.points = points
        self.state = state
        self.reason = reason
        self.alerts = alerts
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

/// What some bytes of a segment are for, and how many of them lie in memory.
package struct SegmentPart: Hashable, Sendable {
    /// Raw values are names on the wire.
    package enum Name: String, Sendable, CaseIterable {
        /// Links, and the codes that lie beside them.
        case graph
        /// The vectors as they were sent.
        case originals
        case ids
        /// Payloads, versions and expiry.
        case payloads
        /// Derived and in memory only: a first look at rows before their codes.
        case sketches
    }

    package var name: Name
    package var bytes: Int
    /// In memory, be it ours or the system's cache of the file; what lies in both counts twice.
    package var resident: Int

    package init(name: Name, bytes: Int, resident: Int) {
        self.name = name
        self.bytes = bytes
        self.resident = resident
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
    package var parts: [SegmentPart]
    package var spaces: [SegmentSpaceDescription]

    package init(
        id: UInt64, state: State, rows: Int, points: Int, bytes: Int, parts: [SegmentPart] = [],
        spaces: [SegmentSpaceDescription]
    ) {
        self.id = id
        self.state = state
        self.rows = rows
        self.points = points
        self.bytes = bytes
        self.parts = parts
        self.spaces = spaces
    }
}

/// A snapshot that was found damaged since the server started.
package struct DamagedSnapshot: Hashable, Sendable {
    package var name: String
    package var reason: String

    package init(name: String, reason: String) {
        self.name = name
        self.reason = reason
    }
}

/// The answer of `server.health`.
package struct HealthReport: Sendable {
    package var collections: [CollectionSummary]
    package var damagedSnapshots: [DamagedSnapshot]

    package init(collections: [CollectionSummary], damagedSnapshots: [DamagedSnapshot] = []) {
        self.collections = collections
        self.damagedSnapshots = damagedSnapshots
    }

    package var isWell: Bool {
        damagedSnapshots.isEmpty && collections.allSatisfy { $0.state == .ready }
    }
}

/// What a collection measured of its own recall: one segment, one space, one number of neighbours.
package struct RecallDescription: Sendable {
    /// The recall of a sample at one effort.
    package struct Point: Hashable, Sendable {
        package var ef: Int
        /// Mean over the queries, and the 95 % confidence interval of that mean.
        package var recall: Double
        package var low: Double
        package var high: Double

        package init(ef: Int, recall: Double, low: Double, high: Double) {
            self.ef = ef
            self.recall = recall
            self.low = low
            self.high = high
        }
    }

    package var space: String
    package var segment: UInt64
    /// What traversal computes on, as in `SegmentSpaceDescription`.
    package var searchedOn: String
    /// Which searches it holds for: `unfiltered`.
    package var filter: String
    package var k: Int
    /// Where the queries came from: `queries` that clients asked, or stored `points`.
    package var source: String
    package var queries: Int
    /// Rows of the segment when it was measured.
    package var rows: Int
    /// Milliseconds since 1970.
    package var measuredMS: Int64
    /// The `ef` chosen for searches that name no effort; `nil` when they scan the segment.
    package var standardEF: Int?
    /// By rising `ef`.
    package var points: [Point]

    package init(
        space: String, segment: UInt64, searchedOn: String, filter: String, k: Int, source: String,
        queries: Int, rows: Int, measuredMS: Int64, standardEF: Int?, points: [Point]
    ) {
        self.space = space
        self.segment = segment
        self.searchedOn = searchedOn
        self.filter = filter
        self.k = k
        self.source = source
        self.queries = queries
        self.rows = rows
        self.measuredMS = measuredMS
        self.standardEF = standardEF
        self.points = points
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
    /// Empty until something was measured.
    package var recall: [RecallDescription]
    /// By space; empty unless asked for.
    package var quality: [QualityDescription] = []

    package init(
        name: String, config: CollectionConfig, points: Int, indexedPoints: Int,
        segments: [SegmentDescription],
        state: CollectionState, bytesOnDisk: Int, bytesInMemory: Int, lsn: LSN,
        recall: [RecallDescription] = []
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
        self.recall = recall
    }
}

/// A snapshot, as it is listed.
package struct SnapshotDescription: Hashable, Sendable {
    package var name: String
    /// The collection it was taken of, which may be gone, or on another server.
    package var collection: String
    package var lsn: LSN
    package var points: Int
    /// Of all files, those included that it shares.
    package var bytes: Int
    /// Of its manifest.
    package var sha256: String
    /// Milliseconds since 1970.
    package var createdMS: Int64

    package init(
        name: String, collection: String, lsn: LSN, points: Int, bytes: Int, sha256: String, createdMS: Int64
    ) {
        self.name = name
        self.collection = collection
        self.lsn = lsn
        self.points = points
        self.bytes = bytes
        self.sha256 = sha256
        self.createdMS = createdMS
    }
}

/// What `snapshot.verify` compared.
package struct SnapshotVerification: Hashable, Sendable {
    package var snapshot: String
    package var lsn: LSN
    package var points: Int
    package var files: Int
    package var bytes: Int
    /// Searches that gave the answers they gave when the snapshot was taken.
    package var probes: Int

    package init(snapshot: String, lsn: LSN, points: Int, files: Int, bytes: Int, probes: Int) {
        self.snapshot = snapshot
        self.lsn = lsn
        self.points = points
        self.files = files
        self.bytes = bytes
        self.probes = probes
    }
}

/// How far `snapshot.restore` goes.
package enum RestorePoint: Hashable, Sendable {
    /// The snapshot as it is.
    case snapshot
    /// On through this write, which must be known.
    case lsn(LSN)
    /// On through the last write at or before this time, in ms since 1970.
    case time(Int64)
}

/// The answer of `snapshot.restore`.
package struct RestoredCollection: Hashable, Sendable {
    package var collection: String
    package var points: Int
    package var lsn: LSN

    package init(collection: String, points: Int, lsn: LSN) {
        self.collection = collection
        self.points = points
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
