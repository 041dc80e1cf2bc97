import NeedleCore
import NeedleWire

/// One reply of each method and its text.
enum ReplySamples {
    struct Sample: Sendable {
        var method: Method
        var reply: Reply
        var result: String
    }

    static let payload = Payload(compactJSON: Array(#"{"name":"gimp","size":1.50}"#.utf8))

    static let records = [
        PointRecord(
            id: .integer(.max), version: LSN(42), expiresAt: nil, payload: payload,
            vectors: [NamedVector(space: "", vector: [1, -0.5, 0.1])]),
        PointRecord(id: PointID("a\"b"), version: LSN(43), expiresAt: 99, payload: .empty, vectors: nil),
        PointRecord(
            id: .integer(0), version: LSN(1), expiresAt: nil, payload: nil,
            vectors: [NamedVector(space: "title", vector: [1]), NamedVector(space: "body", vector: [2, 3])]),
    ]

    static let search = SearchResult(
        hits: [
            SearchHit(record: records[1], score: Double(Float(0.83))),
            SearchHit(record: records[2], score: 0.1),
        ],
        complete: true, strategy: .filteredGraph, tookMicroseconds: 412, lsn: LSN(1234))

    static let grouped = GroupedResult(
        groups: [MatchValue.string(Array("a\"b".utf8)), .number(ExactNumber(-1.5)), .bool(true)].map {
            PointGroup(value: $0, hits: [])
        }, complete: true, strategy: .mixed, tookMicroseconds: 7, lsn: LSN(8))

    /// The same, explained.
    static var explained: SearchResult {
        var explained = search
        explained.explanation = try? JSONValue(parsing: explanationText)
        return explained
    }

    static let explanationText =
        #"{"filter":{"way":"index","estimated":3,"matching":3,"scanned":0,"leaves":[{"at":"must[0]","condition":"match","#
        + #""key":"a","index":"keyword","way":"index","estimated":3,"matching":3,"scanned":0}]},"segments":[{"segment":1,"#
        + #""state":"sealed","rows":9,"matching":3,"strategy":"originals","why":"few","nodes_visited":0,"#
        + #""distances":{"coded":0,"full":6},"rescored":0,"widenings":0,"found":3,"us":4}],"#
        + #""phases_us":{"target":1,"filter":2,"vectors":3,"points":4}}"#

    static var explainedText: String { searchText.dropLast() + #","explain":\#(explanationText)}"# }

    static let searchText =
        #"{"points":[{"id":"a\"b","version":43,"score":0.83,"expires_at":99,"payload":{}},"#
        + #"{"id":0,"version":1,"score":0.1,"vectors":{"title":[1.0],"body":[2.0,3.0]}}],"#
        + #""complete":true,"strategy":"filtered_graph","took_us":412,"lsn":1234}"#

    static let model = ModelDescription(name: "m", fingerprint: "ff", dimensions: 2, maximumTokens: 256)

    static let collection = CollectionDescription(
        name: "docs",
        config: CollectionConfig(
            spaces: [
                SpaceConfig(name: "", size: 384, hnsw: .standard, model: "m", modelFingerprint: "ff")
            ]),
        points: 3, indexedPoints: 2,
        segments: [
            SegmentDescription(
                id: 7, state: .growing, rows: 4, points: 3, bytes: 9000,
                parts: [
                    SegmentPart(name: .graph, bytes: 600, resident: 512),
                    SegmentPart(name: .sketches, bytes: 0, resident: 0),
                ],
                spaces: [SegmentSpaceDescription(name: "", vectors: 3, indexed: 2, searchedOn: "float32")])
        ], state: .ready, bytesOnDisk: 10, bytesInMemory: 20, lsn: LSN(5),
        recall: [
            RecallDescription(
                space: "", segment: 7, searchedOn: "float32", filter: "unfiltered", k: 10, source: "queries",
                queries: 256, rows: 4, measuredMS: 1_800_000_000_000, standardEF: 48,
                points: [
                    RecallDescription.Point(ef: 10, recall: 0.75, low: 0.5, high: 0.875),
                    RecallDescription.Point(ef: 14, recall: 1, low: 0.9921875, high: 1),
                ]),
            RecallDescription(
                space: "", segment: 7, searchedOn: "float32", filter: "unfiltered", k: 100, source: "queries",
                queries: 256, rows: 4, measuredMS: 1_800_000_000_000, standardEF: nil, points: []),
        ])

    static let collectionText =
        #"{"name":"docs","config":{"vectors":{"size":384,"metric":"cosine","quantization":{"kind":"int8"},"#
        + #""hnsw":{"m":16,"ef_construct":128},"model":"m","model_fingerprint":"ff"},"durability":"fsync","#
        + #""text_key":"text"},"points":3,"indexed_points":2,"segments":[{"id":7,"state":"growing","rows":4,"#
        + #""points":3,"bytes":9000,"#
        + #""parts":{"graph":{"bytes":600,"resident":512},"sketches":{"bytes":0,"resident":0}},"spaces":[{"name":"","vectors":3,"indexed":2,"searched_on":"float32"}]}],"#
        + #""state":"ready","bytes_on_disk":10,"bytes_in_memory":20,"lsn":5,"recall":[{"space":"","segment":7,"#
        + #""searched_on":"float32","filter":"unfiltered","k":10,"from":"queries","queries":256,"rows":4,"#
        + #""measured_ms":1800000000000,"standard_ef":48,"curve":[{"ef":10,"recall":0.75,"low":0.5,"#
        + #""high":0.875},{"ef":14,"recall":1.0,"low":0.9921875,"high":1.0}]},{"space":"","segment":7,"#
        + #""searched_on":"float32","filter":"unfiltered","k":100,"from":"queries","queries":256,"rows":4,"#
        + #""measured_ms":1800000000000,"curve":[]}]}"#

    static let summaries = [
        CollectionSummary(name: "a", points: 1, state: .ready),
        CollectionSummary(name: "b", points: 2, state: .quarantined, reason: "damaged"),
    ]

    /// Every limit another number, so that none can stand in another's place.
    static let limits: Limits = {
        var limits = Limits()
        (limits.lineBytes, limits.inFlight, limits.batchPoints, limits.dimensions, limits.waitMS) = (
            1, 2, 3, 4, 5
        )
        (limits.nesting, limits.serverBytes, limits.writeTimeoutMS, limits.drainMS, limits.connections) = (
            6, 7, 8, 9, 10
        )
        (limits.opKeyMS, limits.cursorMS, limits.cursors, limits.collections, limits.spaces) = (
            11, 12, 13, 14, 15
        )
        return limits
    }()

    static let info = ServerInfo(
        version: "0.1.0", uptimeMS: 5, kernelTier: "avx2", memory: [("vectors", 10)], limits: limits,
        collections: [summaries[0]], model: nil)

    static let infoWithCache: ServerInfo = {
        var info = Self.info
        var cache = EmbeddingCacheStatistics()
        (cache.memoryHits, cache.fileHits, cache.misses, cache.entries) = (1, 2, 3, 4)
        (cache.bytesInMemory, cache.bytesOnDisk, cache.damaged) = (5, 6, 7)
        info.embeddingCache = cache
        info.moreModels = [
            ModelDescription(name: "m", fingerprint: "f", dimensions: 3, maximumTokens: 4)
        ]
        return info
    }()

    static let cacheText =
        #""more_models":[{"name":"m","fingerprint":"f","dimensions":3,"maximum_tokens":4}],"#
        + #""embedding_cache":{"memory_hits":1,"file_hits":2,"misses":3,"entries":4,"bytes_in_memory":5,"#
        + #""bytes_on_disk":6,"damaged":7},"#

    static let infoText =
        #"{"server":"needletail","version":"0.1.0","protocol":[1,1],"uptime_ms":5,"kernel_tier":"avx2","#
        + #""model":null,"memory":{"vectors":10},"limits":{"line_bytes":1,"in_flight":2,"batch_points":3,"#
        + #""dimensions":4,"wait_ms":5,"nesting":6,"server_bytes":7,"write_timeout_ms":8,"drain_ms":9,"#
        + #""connections":10,"op_key_ms":11,"cursor_ms":12,"cursors":13,"collections":14,"spaces":15},"#
        + #""collections":[{"name":"a","points":1,"state":"ready"}]}"#

    static let greeting = Greeting(version: "0.1.0", authentication: .none, limits: Limits())

    static let error = DatabaseError(
        .conflict, "version or condition not met", at: "points", expected: "absent", got: "present",
        conflicts: [Conflict(id: .integer(1), version: LSN(4)), Conflict(id: PointID("x"), version: .zero)])

    static let all: [Sample] =
        [
            Sample(
                method: .ping, reply: .pong(nowMS: 1_800_000_000_000), result: #"{"now_ms":1800000000000}"#),
            Sample(method: .info, reply: .info(info), result: infoText),
            Sample(
                method: .info, reply: .info(infoWithCache),
                result: infoText.split(separator: #""memory":"#).joined(separator: cacheText + #""memory":"#)),
            Sample(
                method: .health, reply: .health(HealthReport(collections: summaries)),
                result:
                    #"{"status":"degraded","collections":{"a":{"state":"ready"},"b":{"state":"quarantined","reason":"damaged"}}}"#
            ),
            Sample(
                method: .health,
                reply: .health(
                    HealthReport(
                        collections: [],
                        damagedSnapshots: [DamagedSnapshot(name: "c-7", reason: "cut short")])),
                result: #"{"status":"degraded","collections":{},"#
                    + #""snapshots":{"c-7":{"state":"damaged","reason":"cut short"}}}"#),
            Sample(
                method: .health, reply: .health(HealthReport(collections: [QualitySamples.summary])),
                result: QualitySamples.healthText),
            Sample(method: .cancel, reply: .cancelled(true), result: #"{"cancelled":true}"#),
            Sample(
                method: .login, reply: .login(Grant(role: .admin)),
                result: #"{"role":"admin","collections":"*"}"#
            ),
            Sample(
                method: .login, reply: .login(Grant(role: .reader, collections: ["a"])),
                result: #"{"role":"reader","collections":["a"]}"#),
            Sample(
                method: .createCollection, reply: .collectionCreated(name: "docs", lsn: LSN(1)),
                result: #"{"name":"docs","lsn":1}"#),
            Sample(
                method: .listCollections, reply: .collections([summaries[0]]),
                result: #"{"collections":[{"name":"a","points":1,"state":"ready"}]}"#),
            Sample(method: .getCollection, reply: .collection(collection), result: collectionText),
            Sample(
                method: .getCollection, reply: .collection(QualitySamples.collection),
                result: QualitySamples.collectionText),
            Sample(
                method: .updateCollection, reply: .collectionUpdated(lsn: LSN(5), job: nil),
                result: #"{"lsn":5,"job":null}"#),
            Sample(
                method: .updateCollection, reply: .collectionUpdated(lsn: LSN(6), job: "j1"),
                result: #"{"lsn":6,"job":"j1"}"#),
            Sample(method: .deleteCollection, reply: .collectionDeleted, result: #"{"deleted":true}"#),
            Sample(method: .optimizeCollection, reply: .optimizing(job: "j1"), result: #"{"job":"j1"}"#),
            Sample(
                method: .upsertPoints,
                reply: .upserted(WriteReceipt(lsn: LSN(9), durability: .fsync, created: 2, updated: 1)),
                result: #"{"lsn":9,"durable":"fsync","created":2,"updated":1}"#),
            Sample(
                method: .getPoints, reply: .points(records, missing: [PointID("é"), .integer(3)], .array),
                result:
                    #"{"points":[{"id":18446744073709551615,"version":42,"payload":{"name":"gimp","size":1.50},"#
                    + #""vector":[1.0,-0.5,0.1]},{"id":"a\"b","version":43,"expires_at":99,"payload":{}},"#
                    + #"{"id":0,"version":1,"vectors":{"title":[1.0],"body":[2.0,3.0]}}],"missing":["é",3]}"#),
            Sample(
                method: .getPoints, reply: .points([records[0]], missing: [], .base64),
                result:
                    #"{"points":[{"id":18446744073709551615,"version":42,"payload":{"name":"gimp","size":1.50},"#
                    + #""vector":"AACAPwAAAL/NzMw9"}],"missing":[]}"#),
            Sample(
                method: .deletePoints,
                reply: .deleted(WriteReceipt(lsn: LSN(9), durability: .os, deleted: 4)),
                result: #"{"lsn":9,"durable":"os","deleted":4}"#),
            Sample(
                method: .setPayload,
                reply: .changed(WriteReceipt(lsn: LSN(9), durability: .fsync, updated: 4)),
                result: #"{"lsn":9,"durable":"fsync","changed":4}"#),
            Sample(
                method: .replacePayload,
                reply: .changed(WriteReceipt(lsn: LSN(9), durability: .os, updated: 1)),
                result: #"{"lsn":9,"durable":"os","changed":1}"#),
            Sample(
                method: .deletePayload,
                reply: .changed(WriteReceipt(lsn: LSN(9), durability: .memory, updated: 0)),
                result: #"{"lsn":9,"durable":"memory","changed":0}"#),
            Sample(
                method: .setVectors,
                reply: .changed(WriteReceipt(lsn: LSN(10), durability: .fsync, updated: 2)),
                result: #"{"lsn":10,"durable":"fsync","changed":2}"#),
            Sample(method: .countPoints, reply: .count(7), result: #"{"count":7}"#),
            Sample(
                method: .scrollPoints,
                reply: .page(ScrollPage(points: [records[1]], cursor: "c1", lsn: LSN(4)), .array),
                result:
                    #"{"points":[{"id":"a\"b","version":43,"expires_at":99,"payload":{}}],"cursor":"c1","lsn":4}"#
            ),
            Sample(
                method: .scrollPoints, reply: .page(ScrollPage(points: [], cursor: nil, lsn: LSN(4)), .array),
                result: #"{"points":[],"cursor":null,"lsn":4}"#),
            Sample(method: .searchPoints, reply: .search(search, .array), result: searchText),
            Sample(method: .recommendPoints, reply: .search(search, .array), result: searchText),
            Sample(method: .searchPoints, reply: .search(explained, .array), result: explainedText),
            Sample(
                method: .searchGroups, reply: .groups(grouped, .array),
                result:
                    #"{"groups":[{"value":"a\"b","points":[]},{"value":-1.5,"points":[]},{"value":true,"points":[]}],"#
                    + #""complete":true,"strategy":"mixed","took_us":7,"lsn":8}"#),
            Sample(
                method: .searchBatch, reply: .searchBatch([search, search], [.array, .array]),
                result: #"{"results":[\#(searchText),\#(searchText)]}"#),
            Sample(
                method: .embedTexts,
                reply: .embedded(
                    EmbeddingBatch(vectors: [[0.6, 0.8]], tokens: 3, truncated: 0), model, .array),
                result: #"{"vectors":[[0.6,0.8]],"model":{"name":"m","fingerprint":"ff","dimensions":2,"#
                    + #""maximum_tokens":256},"tokens":3,"truncated":0}"#),
            Sample(
                method: .upsertDocuments,
                reply: .documentsUpserted(
                    WriteReceipt(lsn: LSN(11), durability: .fsync, created: 2, updated: 3, deleted: 4)),
                result: #"{"lsn":11,"durable":"fsync","chunks":5,"embedded":2,"unchanged":3,"deleted":4}"#),
            Sample(
                method: .getDocument, reply: .document(id: "é", [records[1]], .array),
                result:
                    #"{"document_id":"é","points":[{"id":"a\"b","version":43,"expires_at":99,"payload":{}}]}"#
            ),
            Sample(
                method: .deleteDocuments,
                reply: .deleted(WriteReceipt(lsn: LSN(12), durability: .os, deleted: 5)),
                result: #"{"lsn":12,"durable":"os","deleted":5}"#),
        ] + indexes + reembedding + snapshots + transfers

    private static let hash = String(repeating: "a0", count: 32)

    private static let transfers: [Sample] = [
        Sample(method: .setAliases, reply: .aliasesChanged, result: "{}"),
        Sample(method: .deleteAliases, reply: .aliasesChanged, result: "{}"),
        Sample(
            method: .listAliases,
            reply: .aliases([Alias(name: "a", collection: "c"), Alias(name: "b", collection: "c")]),
            result: #"{"aliases":{"a":"c","b":"c"}}"#),
        Sample(
            method: .readSnapshot,
            reply: .snapshotPiece(
                SnapshotPiece(bytes: [1, 2, 3, 4], next: 65_536, total: 70_000, sha256: hash)),
            result: #"{"data":"AQIDBA==","next":65536,"total":70000,"sha256":"\#(hash)"}"#),
        Sample(
            method: .readSnapshot,
            reply: .snapshotPiece(SnapshotPiece(bytes: [1], next: nil, total: 1, sha256: hash)),
            result: #"{"data":"AQ==","next":null,"total":1,"sha256":"\#(hash)"}"#),
        Sample(method: .beginImport, reply: .importBegun("i1"), result: #"{"import":"i1"}"#),
        Sample(
            method: .writeImport, reply: .importStatus(ImportStatus(received: 9, done: 0, total: nil)),
            result: #"{"received":9,"done":0,"total":null}"#),
        Sample(
            method: .writeImport, reply: .importStatus(ImportStatus(received: 9, done: 7, total: 8)),
            result: #"{"received":9,"done":7,"total":8}"#),
        Sample(
            method: .commitImport,
            reply: .snapshotImported(
                SnapshotDescription(
                    name: "s", collection: "docs", lsn: LSN(4), points: 3, bytes: 99, sha256: hash,
                    createdMS: 1_800_000_000_000)),
            result: #"{"snapshot":"s","collection":"docs","lsn":4,"points":3,"bytes":99,"sha256":"\#(hash)","#
                + #""created_ms":1800000000000}"#),
        Sample(method: .abortImport, reply: .importAborted, result: "{}"),
    ]

    /// - Precondition: a path.
    private static func definition(
        _ key: String, _ type: FieldIndexType, isTenant: Bool = false, text: TextIndexOptions? = nil
    ) -> FieldIndexDefinition {
        guard let path = try? FieldPath(parsing: key) else { preconditionFailure("a path") }
        return FieldIndexDefinition(path: path, type: type, isTenant: isTenant, text: text)
    }

    private static let indexes: [Sample] = [
        Sample(
            method: .createIndex, reply: .indexCreated(lsn: LSN(3), job: "j1"),
            result: #"{"lsn":3,"job":"j1"}"#),
        Sample(method: .deleteIndex, reply: .indexDeleted(lsn: LSN(4)), result: #"{"lsn":4}"#),
        Sample(
            method: .listIndexes,
            reply: .indexes([
                FieldIndexDescription(definition: definition("a[]", .keyword, isTenant: true), state: .ready),
                FieldIndexDescription(
                    definition: definition(
                        "b", .text, text: TextIndexOptions(stemming: .english, stopWords: ["the"])),
                    state: .building),
            ]),
            result: #"{"indexes":[{"key":"a[]","type":"keyword","tenant":true,"state":"ready"},"#
                + #"{"key":"b","type":"text","options":{"stemming":"english","stop_words":["the"]},"#
                + #""state":"building"}]}"#),
        Sample(
            method: .facetPoints,
            reply: .facet([
                FacetValue(value: .string([0x78]), count: 3), FacetValue(value: .bool(true), count: 2),
                FacetValue(value: .number(.unsigned(7)), count: 1),
            ]),
            result: #"{"values":[{"value":"x","count":3},{"value":true,"count":2},{"value":7,"count":1}]}"#),
    ]

    private static let reembedding: [Sample] = [
        Sample(method: .startReembedding, reply: .reembedding(job: "j1"), result: #"{"job":"j1"}"#),
        Sample(
            method: .reembeddingStatus,
            reply: .reembeddingStatus(
                ReembeddingStatus(
                    collection: "c", space: "", model: "m", fingerprint: "f", phase: .embedding, done: 1,
                    total: 3,
                    embedded: 1, pending: 2, withoutText: 0, agreement: AnswerAgreement(queries: 0),
                    reason: "no model")),
            result: #"{"collection":"c","model":{"name":"m","fingerprint":"f"},"state":"embedding","done":1,"#
                + #""total":3,"embedded":1,"pending":2,"without_text":0,"compared":{"queries":0},"reason":"no model"}"#
        ),
        Sample(
            method: .cutOver,
            reply: .reembeddingStatus(
                ReembeddingStatus(
                    collection: "c", space: "a", model: "m", fingerprint: "f", phase: .cutOver, done: 3,
                    total: 3,
                    embedded: 3, pending: 0, withoutText: 1,
                    agreement: AnswerAgreement(
                        queries: 2, overlap: 0.5, rankCorrelation: -0.25,
                        scoresNow: AnswerAgreement.Scores(mean: 0.5, deviation: 0.125),
                        scoresThen: AnswerAgreement.Scores(mean: 0.25, deviation: 0.5)),
                    keptUntil: 1_800_000_000_000)),
            result:
                #"{"collection":"c","using":"a","model":{"name":"m","fingerprint":"f"},"state":"cut_over","#
                + #""done":3,"total":3,"embedded":3,"pending":0,"without_text":1,"compared":{"queries":2,"#
                + #""overlap_at_10":0.5,"rank_correlation":-0.25,"scores_now":{"mean":0.5,"deviation":0.125},"#
                + #""scores_then":{"mean":0.25,"deviation":0.5}},"rollback_until_ms":1800000000000}"#),
        Sample(method: .rollBack, reply: .rolledBack(lsn: LSN(7)), result: #"{"lsn":7}"#),
    ]

    private static let snapshots: [Sample] = [
        Sample(
            method: .createSnapshot,
            reply: .snapshotCreated(
                SnapshotDescription(
                    name: "c-7", collection: "", lsn: LSN(7), points: 3, bytes: 900, sha256: hash,
                    createdMS: 0)),
            result: #"{"snapshot":"c-7","lsn":7,"points":3,"bytes":900,"sha256":"\#(hash)"}"#),
        Sample(
            method: .listSnapshots,
            reply: .snapshots([
                SnapshotDescription(
                    name: "c-7", collection: "c", lsn: LSN(7), points: 3, bytes: 900, sha256: hash,
                    createdMS: 1_800_000_000_000)
            ]),
            result: #"{"snapshots":[{"snapshot":"c-7","collection":"c","lsn":7,"points":3,"bytes":900,"#
                + #""sha256":"\#(hash)","created_ms":1800000000000}]}"#),
        Sample(method: .deleteSnapshot, reply: .snapshotDeleted, result: "{}"),
        Sample(
            method: .verifySnapshot,
            reply: .snapshotVerified(
                SnapshotVerification(
                    snapshot: "c-7", lsn: LSN(7), points: 3, files: 4, bytes: 900, probes: 100)),
            result: #"{"ok":true,"snapshot":"c-7","lsn":7,"points":3,"files":4,"bytes":900,"probes":100}"#),
        Sample(
            method: .restoreSnapshot,
            reply: .snapshotRestored(RestoredCollection(collection: "d", points: 3, lsn: LSN(7))),
            result: #"{"collection":"d","points":3,"lsn":7}"#),
        Sample(method: .listJobs, reply: .jobs([]), result: #"{"jobs":[]}"#),
        Sample(method: .getJob, reply: .jobs([job]), result: #"{"jobs":[\#(jobText)]}"#),
        Sample(method: .cancelJob, reply: .jobs([failed]), result: #"{"jobs":[\#(failedText)]}"#),
    ]

    private static let job = JobSnapshot(
        id: "j1", kind: "snapshot", collection: "c", state: .running, phase: "hashing", done: 5, total: 10,
        rate: 2.5, etaMS: 2_000)
    private static let jobText =
        #"{"job":"j1","kind":"snapshot","collection":"c","state":"running","phase":"hashing","done":5,"#
        + #""total":10,"rate":2.5,"eta_ms":2000}"#
    private static let failed = JobSnapshot(
        id: "j2", kind: "restore", collection: "d", state: .failed, phase: "probing", done: 0, total: 0,
        rate: 0, etaMS: nil, error: "damaged")
    private static let failedText =
        #"{"job":"j2","kind":"restore","collection":"d","state":"failed","phase":"probing","done":0,"#
        + #""total":0,"rate":0.0,"eta_ms":null,"error":"damaged"}"#

}
