// The server's own codec as a pure answer machine: requests are judged by the strict decoder of NeedleWire,
// and what it accepts is answered by NeedleWire's encoder. It keeps nothing; points that are read echo what
// was asked.

import NeedleCore
import NeedleWire

/// Answers a line as a server of this repository would, without an engine.
enum WireServer {
    static var greeting: String {
        let greeting = Greeting(version: "0.1.0", authentication: .none, limits: Limits())
        return String(decoding: ReplyEncoder(limits: Limits()).encode(greeting), as: UTF8.self)
    }

    /// The lines to send back: an error when the strict decoder refuses the request.
    static func answer(_ line: [UInt8]) -> String {
        let encoder = ReplyEncoder(limits: Limits())
        guard case .single(let message) = RequestDecoder(limits: Limits()).decode(line) else {
            return "not one request"
        }
        switch message {
        case .failure(let failure):
            return String(decoding: encoder.encode(.failure(failure.error), id: failure.id), as: UTF8.self)
        case .request(let request):
            return String(
                decoding: encoder.encode(.success(reply(to: request.call)), id: request.id), as: UTF8.self)
        }
    }

    private static let cache: EmbeddingCacheStatistics = {
        var cache = EmbeddingCacheStatistics()
        (cache.memoryHits, cache.fileHits, cache.misses) = (6, 2, 2)
        return cache
    }()

    private static func reembedding(_ name: String, _ phase: ReembeddingStatus.Phase) -> ReembeddingStatus {
        ReembeddingStatus(
            collection: name, space: "", model: "m", fingerprint: "f", phase: phase, done: 3, total: 3,
            embedded: 2,
            pending: 1, withoutText: 0, agreement: AnswerAgreement(queries: 2, overlap: 0.5),
            keptUntil: phase == .cutOver ? 1_800_000_000_000 : nil)
    }

    private static func reply(to call: Call) -> Reply {
        switch call {
        case .ping: .pong(nowMS: 1_700_000_000_000)
        case .info:
            .info(
                ServerInfo(
                    version: "0.1.0", uptimeMS: 5, kernelTier: "avx2", memory: [("vectors", 1024)],
                    limits: Limits(),
                    collections: summaries, model: nil, embeddingCache: cache))
        case .health:
            .health(
                HealthReport(
                    collections: summaries,
                    damagedSnapshots: [DamagedSnapshot(name: "c-7", reason: "its SNAPSHOT is damaged")]))
        case .cancel: .cancelled(false)
        case .login: .login(Grant(role: .admin))
        case .createCollection(let call):
            .collectionCreated(name: call.name, lsn: LSN(UInt64(call.spaces.count)))
        case .listCollections: .collections(summaries)
        case .getCollection(let call): .collection(description(call.collection, quality: call.quality))
        case .deleteCollection: .collectionDeleted
        case .updateCollection(let call): .collectionUpdated(lsn: LSN(call.acceptsQuality ? 11 : 0), job: nil)
        case .optimizeCollection: .optimizing(job: "job-1")
        case .startReembedding: .reembedding(job: "j1")
        case .reembeddingStatus(let name): .reembeddingStatus(reembedding(name, .ready))
        case .cutOver(let call): .reembeddingStatus(reembedding(call.collection, .cutOver))
        case .rollBack: .rolledBack(lsn: LSN(7))
        case .createSnapshot: .snapshotCreated(snapshot)
        case .listSnapshots: .snapshots([snapshot])
        case .deleteSnapshot: .snapshotDeleted
        case .verifySnapshot(let name):
            .snapshotVerified(
                SnapshotVerification(
                    snapshot: name, lsn: LSN(7), points: 3, files: 4, bytes: 900, probes: 100))
        case .restoreSnapshot(let call):
            .snapshotRestored(RestoredCollection(collection: call.name, points: 3, lsn: LSN(7)))
        case .listJobs, .getJob, .cancelJob: .jobs([job])
        case .upsertPoints(let call):
            .upserted(WriteReceipt(lsn: LSN(7), durability: .fsync, created: call.points.count, updated: 1))
        case .getPoints(let call):
            .points(call.ids.dropLast().map(record), missing: Array(call.ids.suffix(1)), call.vectorEncoding)
        case .deletePoints: .deleted(WriteReceipt(lsn: LSN(8), durability: .os, deleted: 3))
        case .changePayload(let call):
            .changed(
                WriteReceipt(lsn: LSN(9), durability: .fsync, updated: call.method == .setPayload ? 5 : 4))
        case .setVectors(let call):
            .changed(WriteReceipt(lsn: LSN(10), durability: .fsync, updated: call.points.count))
        case .createIndex: .indexCreated(lsn: LSN(5), job: "j")
        case .deleteIndex: .indexDeleted(lsn: LSN(6))
        case .listIndexes: .indexes([])
        case .facetPoints:
            .facet([FacetValue(value: .string(Array("x".utf8)), count: 3)])
        case .countPoints: .count(42)
        case .scrollPoints(let call):
            .page(ScrollPage(points: [record(1)], cursor: "next", lsn: LSN(9)), call.vectorEncoding)
        case .searchPoints(let call), .recommendPoints(let call):
            .search(result(call.search.query), call.search.vectorEncoding)
        case .searchGroups(let call):
            .groups(
                GroupedResult(
                    groups: [
                        PointGroup(
                            value: .number(ExactNumber(Int64(call.grouping.size))),
                            hits: [SearchHit(record: record(17), score: 0.5)])
                    ], complete: true, strategy: .mixed, tookMicroseconds: call.search.query.limit,
                    lsn: LSN(9)), call.search.vectorEncoding)
        case .searchBatch(let call):
            .searchBatch(call.searches.map { result($0.query) }, call.searches.map(\.vectorEncoding))
        case .embedTexts(let call):
            .embedded(
                EmbeddingBatch(vectors: call.texts.map { _ in [0.25, -1e-20] }, tokens: 5, truncated: 1),
                ModelDescription(name: "m", fingerprint: "f", dimensions: 2, maximumTokens: 256),
                call.vectorEncoding)
        case .upsertDocuments(let call):
            .documentsUpserted(
                WriteReceipt(
                    lsn: LSN(12), durability: .fsync, created: call.documents.count,
                    updated: call.sizes.maximum ?? 0, deleted: call.sizes.overlap ?? 0))
        case .getDocument(let call):
            .document(
                id: call.documentID, [record(PointID(call.documentID + "#0"))], call.vectorEncoding)
        case .deleteDocuments(let call):
            .deleted(WriteReceipt(lsn: LSN(13), durability: .os, deleted: call.documentIDs.count))
        case .setAliases, .deleteAliases: .aliasesChanged
        case .listAliases: .aliases([Alias(name: "live", collection: "docs")])
        case .readSnapshot(let call): .snapshotPiece(piece(call))
        case .beginImport: .importBegun("i1")
        case .writeImport(let call):
            .importStatus(
                ImportStatus(received: call.offset + call.data.count, done: call.offset, total: 5_000_000))
        case .commitImport(let call):
            .snapshotImported(
                SnapshotDescription(
                    name: call.name ?? "made", collection: "docs", lsn: LSN(4), points: 3, bytes: 99,
                    sha256: "ab", createdMS: 5))
        case .abortImport: .importAborted
        }
    }

    private static let snapshot = SnapshotDescription(
        name: "c-7", collection: "c", lsn: LSN(7), points: 3, bytes: 900,
        sha256: String(repeating: "a0", count: 32), createdMS: 1_800_000_000_000)
    private static let job = JobSnapshot(
        id: "job-1", kind: "snapshot", collection: "c", state: .failed, phase: "hashing", done: 5, total: 10,
        rate: 2.5, etaMS: nil, error: "damaged")

    /// An archive of two pieces; that of the snapshot `replaced` is another one from the second piece on.
    private static func piece(_ call: ReadSnapshot) -> SnapshotPiece {
        call.position == 0
            ? SnapshotPiece(bytes: [1, 2, 3], next: 65_536, total: 70_000, sha256: "ab")
            : SnapshotPiece(
                bytes: [4, 5], next: nil, total: 70_000, sha256: call.snapshot == "replaced" ? "cd" : "ab")
    }

    private static func record(_ id: PointID) -> PointRecord {
        PointRecord(
            id: id, version: LSN(.max - 1), expiresAt: 12,
            payload: Payload(compactJSON: Array(#"{"n":1.50}"#.utf8)),
            vectors: [NamedVector(space: "", vector: [0.1, -0.0, .leastNonzeroMagnitude])])
    }

    private static func record(_ id: UInt64) -> PointRecord { record(PointID(id)) }

    private static func result(_ query: SearchQuery) -> SearchResult {
        var result = SearchResult(
            hits: [SearchHit(record: record(17), score: 0.1)], complete: false, strategy: .filteredGraph,
            tookMicroseconds: query.limit, lsn: LSN(99))
        if query.explains { result.explanation = .object([.init("segments", .array([]))]) }
        return result
    }

    private static let summaries = [
        CollectionSummary(name: "docs", points: 3, state: .ready, alerts: [alert]),
        CollectionSummary(name: "bad", points: 0, state: .quarantined, reason: "damaged"),
    ]

    private static let alert = QualityAlert(
        kind: .lowConfidence, space: "body", message: "0.5, and 0.1 before")

    private static let quality: [QualityDescription] = {
        let quiet = QualityMeasurement(
            atMS: 1_800_000_000_000, points: 2, sampled: 1, norm: 1, normDeviation: 0.125, centroidShift: 0,
            nearDuplicates: 0.25, coherence: -0.5, hubness: 3, queries: 4)
        var busy = quiet
        (busy.lowConfidence, busy.scoreGap) = (0.5, 0.1)
        busy.latency = QualityMeasurement.Latency(p50: 1, p95: 2, p99: 3)
        return [
            QualityDescription(space: "title"),
            QualityDescription(space: "body", baseline: quiet, history: [quiet, busy], alerts: [alert]),
        ]
    }()

    private static func description(_ name: String, quality isWanted: Bool) -> CollectionDescription {
        let spaces = [
            SpaceConfig(name: "title", size: 3, metric: .dot, quantization: .binary),
            SpaceConfig(name: "body", size: 384, model: "all-MiniLM-L6-v2", modelFingerprint: "f"),
        ]
        let isSingle = name == "single"
        let config = CollectionConfig(
            spaces: isSingle ? [SpaceConfig(name: "", size: 5)] : spaces, durability: .os, textKey: "body")
        var description = CollectionDescription(
            name: name, config: config, points: 10, indexedPoints: 9,
            segments: [
                SegmentDescription(id: 1, state: .growing, rows: 10, points: 10, bytes: 4, spaces: [])
            ],
            state: .ready, bytesOnDisk: 100, bytesInMemory: 200, lsn: LSN(5))
        if isWanted { description.quality = quality }
        return description
    }
}
