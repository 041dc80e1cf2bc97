// Results that are small and rare, by way of a JSON tree.

import NeedleCore

extension JSONReader {
    mutating func coldReply(to method: Method) throws -> Reply {
        _ = try peekKind()
        let start = offset
        let result = ResultTree(try JSONValue(reading: &self), at: start)
        switch method {
        case .ping: return .pong(nowMS: Int64(try result.integer("now_ms")))
        case .info: return .info(try result.serverInfo())
        case .health: return .health(try result.health())
        case .cancel: return .cancelled(try result.bool("cancelled"))
        case .login: return .login(try result.grant())
        case .createCollection:
            return .collectionCreated(name: try result.string("name"), lsn: try result.lsn("lsn"))
        case .listCollections: return .collections(try result.summaries())
        case .getCollection: return .collection(try result.collectionDescription())
        case .deleteCollection: return .collectionDeleted
        case .updateCollection:
            return .collectionUpdated(lsn: try result.lsn("lsn"), job: result.tree["job"]?.stringValue)
        case .optimizeCollection: return .optimizing(job: try result.string("job"))
        case .createIndex: return .indexCreated(lsn: try result.lsn("lsn"), job: try result.string("job"))
        case .deleteIndex: return .indexDeleted(lsn: try result.lsn("lsn"))
        case .listIndexes: return .indexes(try result.list("indexes").map { try $0.fieldIndex() })
        case .facetPoints: return .facet(try result.list("values").map { try $0.facetValue() })
        case .upsertPoints: return .upserted(try result.receipt())
        case .deletePoints, .deleteDocuments: return .deleted(try result.receipt())
        case .upsertDocuments: return .documentsUpserted(try result.documentsReceipt())
        case .setPayload, .replacePayload, .deletePayload, .setVectors: return .changed(try result.receipt())
        case .countPoints: return .count(try result.integer("count"))
        case .startReembedding: return .reembedding(job: try result.string("job"))
        case .reembeddingStatus, .cutOver: return .reembeddingStatus(try result.reembeddingStatus())
        case .rollBack: return .rolledBack(lsn: try result.lsn("lsn"))
        case .createSnapshot: return .snapshotCreated(try result.snapshot())
        case .listSnapshots: return .snapshots(try result.list("snapshots").map { try $0.snapshot() })
        case .deleteSnapshot: return .snapshotDeleted
        case .verifySnapshot: return .snapshotVerified(try result.verification())
        case .restoreSnapshot:
            return .snapshotRestored(
                RestoredCollection(
                    collection: try result.string("collection"), points: try result.integer("points"),
                    lsn: try result.lsn("lsn")))
        case .listJobs, .getJob, .cancelJob: return .jobs(try result.list("jobs").map { try $0.job() })
        case .setAliases, .deleteAliases: return .aliasesChanged
        case .listAliases: return .aliases(try result.aliases())
        case .beginImport: return .importBegun(try result.string("import"))
        case .writeImport: return .importStatus(try result.importStatus())
        case .commitImport: return .snapshotImported(try result.snapshot())
        case .abortImport: return .importAborted
        case .readSnapshot, .getPoints, .scrollPoints, .searchPoints, .searchBatch, .searchGroups,
            .recommendPoints, .embedTexts, .getDocument:
            preconditionFailure("these are read without a tree")
        }
    }
}

extension ModelDescription {
    init?(_ tree: JSONValue) {
        guard let name = tree["name"]?.stringValue, let fingerprint = tree["fingerprint"]?.stringValue,
            let dimensions = tree["dimensions"]?.integerValue
        else { return nil }
        self.init(
            name: name, fingerprint: fingerprint, dimensions: dimensions,
            maximumTokens: tree["maximum_tokens"]?.integerValue ?? 0)
    }
}

/// A result as a tree, with accessors that say what is missing.
private struct ResultTree {
    let tree: JSONValue
    /// Where it begins in the text.
    let start: Int

    init(_ tree: JSONValue, at start: Int) {
        self.tree = tree
        self.start = start
    }

    private func missing(_ key: String) -> JSONError { JSONError(.missingKey(key), at: start) }

    func integer(_ key: String) throws -> Int {
        guard let value = tree[key]?.integerValue else { throw missing(key) }
        return value
    }

    func number(_ key: String) throws -> Double {
        guard let value = tree[key]?.doubleValue else { throw missing(key) }
        return value
    }

    func string(_ key: String) throws -> String {
        guard let value = tree[key]?.stringValue else { throw missing(key) }
        return value
    }

    func bool(_ key: String) throws -> Bool {
        guard let value = tree[key]?.boolValue else { throw missing(key) }
        return value
    }

    func lsn(_ key: String) throws -> LSN {
        guard let value = tree[key]?.unsignedValue else { throw missing(key) }
        return LSN(value)
    }

    func choice<Value: RawRepresentable>(_ key: String) throws -> Value where Value.RawValue == String {
        guard let value = Value(rawValue: try string(key)) else {
            throw JSONError(.invalidValue("\"\(key)\" has an unknown value"), at: start)
        }
        return value
    }

    func list(_ key: String) throws -> [ResultTree] {
        guard let values = tree[key]?.arrayValue else { throw missing(key) }
        return values.map { ResultTree($0, at: start) }
    }

    func object(_ key: String) throws -> ResultTree {
        guard let value = tree[key] else { throw missing(key) }
        return ResultTree(value, at: start)
    }

    func reembeddingStatus() throws -> ReembeddingStatus {
        let model = try object("model")
        let compared = try object("compared")
        return ReembeddingStatus(
            collection: try string("collection"), space: tree["using"]?.stringValue ?? "",
            model: try model.string("name"), fingerprint: try model.string("fingerprint"),
            phase: try choice("state"), done: try integer("done"), total: try integer("total"),
            embedded: try integer("embedded"), pending: try integer("pending"),
            withoutText: try integer("without_text"),
            agreement: AnswerAgreement(
                queries: try compared.integer("queries"),
                overlap: compared.tree["overlap_at_10"]?.doubleValue,
                rankCorrelation: compared.tree["rank_correlation"]?.doubleValue,
                scoresNow: try compared.scores("scores_now"), scoresThen: try compared.scores("scores_then")),
            keptUntil: tree["rollback_until_ms"]?.integerValue.map { Int64($0) },
            reason: tree["reason"]?.stringValue)
    }

    private func scores(_ key: String) throws -> AnswerAgreement.Scores? {
        guard tree[key] != nil else { return nil }
        let scores = try object(key)
        return AnswerAgreement.Scores(
            mean: try scores.number("mean"), deviation: try scores.number("deviation"))
    }

    func snapshot() throws -> SnapshotDescription {
        // What `snapshot.create` leaves out, the caller of it knows.
        SnapshotDescription(
            name: try string("snapshot"), collection: tree["collection"]?.stringValue ?? "",
            lsn: try lsn("lsn"), points: try integer("points"), bytes: try integer("bytes"),
            sha256: try string("sha256"), createdMS: Int64(tree["created_ms"]?.integerValue ?? 0))
    }

    func verification() throws -> SnapshotVerification {
        SnapshotVerification(
            snapshot: try string("snapshot"), lsn: try lsn("lsn"), points: try integer("points"),
            files: try integer("files"), bytes: try integer("bytes"), probes: try integer("probes"))
    }

    func job() throws -> JobSnapshot {
        JobSnapshot(
            id: try string("job"), kind: try string("kind"), collection: try string("collection"),
            state: try choice("state"), phase: try string("phase"), done: try integer("done"),
            total: try integer("total"), rate: try number("rate"), etaMS: tree["eta_ms"]?.integerValue,
            error: tree["error"]?.stringValue)
    }

    func fieldIndex() throws -> FieldIndexDescription {
        let type: FieldIndexType = try choice("type")
        var text: TextIndexOptions?
        if let options = tree["options"] {
            let words = options["stop_words"]?.arrayValue?.compactMap(\.stringValue) ?? []
            text = TextIndexOptions(
                stemming: options["stemming"]?.stringValue.flatMap(TextIndexOptions.Stemming.init) ?? .none,
                stopWords: words)
        }
        return FieldIndexDescription(
            definition: FieldIndexDefinition(
                path: try FieldPath(parsing: try string("key")), type: type,
                isTenant: tree["tenant"]?.boolValue ?? false, text: text), state: try choice("state"))
    }

    func facetValue() throws -> FacetValue {
        let count = try integer("count")
        switch tree["value"] {
        case .bool(let flag): return FacetValue(value: .bool(flag), count: count)
        case .string(let text): return FacetValue(value: .string(Array(text.utf8)), count: count)
        case .number(.signed(let value)): return FacetValue(value: .number(ExactNumber(value)), count: count)
        case .number(.unsigned(let value)):
            return FacetValue(value: .number(ExactNumber(value)), count: count)
        case .number(.double(let value)): return FacetValue(value: .number(ExactNumber(value)), count: count)
        default: throw missing("value")
        }
    }

    func aliases() throws -> [Alias] {
        try (try object("aliases").tree.objectValue ?? []).map { member in
            guard let collection = member.value.stringValue else { throw missing(member.name) }
            return Alias(name: member.name, collection: collection)
        }
    }

    func importStatus() throws -> ImportStatus {
        ImportStatus(
            received: try integer("received"), done: try integer("done"), total: tree["total"]?.integerValue)
    }

    func receipt() throws -> WriteReceipt {
        WriteReceipt(
            lsn: try lsn("lsn"), durability: try choice("durable"),
            created: tree["created"]?.integerValue ?? 0,
            updated: (tree["updated"] ?? tree["changed"])?.integerValue ?? 0,
            deleted: tree["deleted"]?.integerValue ?? 0)
    }

    func documentsReceipt() throws -> WriteReceipt {
        var receipt = try receipt()
        receipt.created = try integer("embedded")
        receipt.updated = try integer("unchanged")
        return receipt
    }

    func summaries() throws -> [CollectionSummary] {
        try list("collections").map {
            CollectionSummary(
                name: try $0.string("name"), points: try $0.integer("points"), state: try $0.choice("state"))
        }
    }

    /// A health report does not count points.
    func health() throws -> HealthReport {
        let members = try object("collections").tree.objectValue ?? []
        let collections = try members.map { member in
            let state = ResultTree(member.value, at: start)
            return CollectionSummary(
                name: member.name, points: 0, state: try state.choice("state"),
                reason: member.value["reason"]?.stringValue, alerts: try state.qualityAlerts())
        }
        let snapshots = try (tree["snapshots"]?.objectValue ?? []).map { member in
            DamagedSnapshot(
                name: member.name, reason: try ResultTree(member.value, at: start).string("reason"))
        }
        return HealthReport(collections: collections, damagedSnapshots: snapshots)
    }

    func grant() throws -> Grant {
        let collections = try object("collections").tree
        return Grant(
            role: try choice("role"), collections: collections.arrayValue?.compactMap(\.stringValue))
    }

    func serverInfo() throws -> ServerInfo {
        let memory = (try object("memory").tree.objectValue ?? []).map { member in
            (purpose: member.name, bytes: member.value.integerValue ?? 0)
        }
        return ServerInfo(
            version: try string("version"), uptimeMS: Int64(try integer("uptime_ms")),
            kernelTier: try string("kernel_tier"), memory: memory,
            limits: Limits(announced: try object("limits").tree), collections: try summaries(),
            model: tree["model"].flatMap { ModelDescription($0) },
            moreModels: (tree["more_models"]?.arrayValue ?? []).compactMap { ModelDescription($0) },
            embeddingCache: try tree["embedding_cache"].map {
                try ResultTree($0, at: start).cacheStatistics()
            })
    }

    private func cacheStatistics() throws -> EmbeddingCacheStatistics {
        var cache = EmbeddingCacheStatistics()
        cache.memoryHits = try integer("memory_hits")
        cache.fileHits = try integer("file_hits")
        cache.misses = try integer("misses")
        cache.entries = try integer("entries")
        cache.bytesInMemory = try integer("bytes_in_memory")
        cache.bytesOnDisk = try integer("bytes_on_disk")
        cache.damaged = try integer("damaged")
        return cache
    }

    func collectionDescription() throws -> CollectionDescription {
        var description = CollectionDescription(
            name: try string("name"), config: try object("config").collectionConfig(),
            points: try integer("points"), indexedPoints: try integer("indexed_points"),
            segments: try list("segments").map { try $0.segment() }, state: try choice("state"),
            bytesOnDisk: try integer("bytes_on_disk"), bytesInMemory: try integer("bytes_in_memory"),
            lsn: try lsn("lsn"),
            recall: tree["recall"] == nil ? [] : try list("recall").map { try $0.recallDescription() })
        if tree["quality"] != nil {
            description.quality = try list("quality").map { try $0.qualityDescription() }
        }
        return description
    }

    private func qualityDescription() throws -> QualityDescription {
        QualityDescription(
            space: try string("space"),
            baseline: tree["baseline"]?.objectValue == nil
                ? nil : try object("baseline").qualityMeasurement(),
            history: try list("history").map { try $0.qualityMeasurement() }, alerts: try qualityAlerts())
    }

    /// Absent where there are none.
    private func qualityAlerts() throws -> [QualityAlert] {
        guard tree["alerts"] != nil else { return [] }
        return try list("alerts").map {
            QualityAlert(
                kind: try $0.choice("kind"), space: try $0.string("space"), message: try $0.string("message"))
        }
    }

    private func qualityMeasurement() throws -> QualityMeasurement {
        var latency: QualityMeasurement.Latency?
        if tree["latency"]?.objectValue != nil {
            let times = try object("latency")
            latency = QualityMeasurement.Latency(
                p50: try times.integer("p50_us"), p95: try times.integer("p95_us"),
                p99: try times.integer("p99_us"))
        }
        return QualityMeasurement(
            atMS: Int64(try integer("at_ms")), points: try integer("points"),
            sampled: try integer("sampled"), norm: try number("norm"),
            normDeviation: try number("norm_deviation"), centroidShift: try number("centroid_shift"),
            nearDuplicates: try number("near_duplicates"), coherence: try number("coherence"),
            hubness: try number("hubness"), queries: try integer("queries"),
            lowConfidence: tree["low_confidence"]?.doubleValue, scoreGap: tree["score_gap"]?.doubleValue,
            latency: latency)
    }

    private func recallDescription() throws -> RecallDescription {
        RecallDescription(
            space: try string("space"), segment: try lsn("segment").value,
            searchedOn: try string("searched_on"), filter: try string("filter"), k: try integer("k"),
            source: try string("from"), queries: try integer("queries"), rows: try integer("rows"),
            measuredMS: Int64(try integer("measured_ms")), standardEF: tree["standard_ef"]?.integerValue,
            points: try list("curve").map { point in
                RecallDescription.Point(
                    ef: try point.integer("ef"), recall: try point.number("recall"),
                    low: try point.number("low"), high: try point.number("high"))
            })
    }

    private func collectionConfig() throws -> CollectionConfig {
        let vectors = try object("vectors")
        let spaces: [SpaceConfig]
        if vectors.tree["size"]?.integerValue != nil {
            spaces = [try vectors.space(named: CollectionConfig.defaultSpaceName)]
        } else {
            spaces = try (vectors.tree.objectValue ?? []).map { member in
                try ResultTree(member.value, at: start).space(named: member.name)
            }
        }
        guard !spaces.isEmpty else { throw missing("vectors") }
        return CollectionConfig(
            spaces: spaces, durability: try choice("durability"), textKey: try string("text_key"))
    }

    private func space(named name: String) throws -> SpaceConfig {
        guard let metric = Metric(name: try string("metric")) else {
            throw JSONError(.invalidValue("unknown metric"), at: start)
        }
        let hnsw = try object("hnsw")
        return SpaceConfig(
            name: name, size: try integer("size"), metric: metric,
            quantization: try object("quantization").choice("kind"),
            hnsw: HNSWConfig(m: try hnsw.integer("m"), efConstruct: try hnsw.integer("ef_construct")),
            model: tree["model"]?.stringValue, modelFingerprint: tree["model_fingerprint"]?.stringValue)
    }

    private func segmentParts() throws -> [SegmentPart] {
        let parts = try object("parts")
        return try SegmentPart.Name.allCases.compactMap { name in
            guard parts.tree[name.rawValue] != nil else { return nil }
            let part = try parts.object(name.rawValue)
            return SegmentPart(
                name: name, bytes: try part.integer("bytes"), resident: try part.integer("resident"))
        }
    }

    private func segment() throws -> SegmentDescription {
        SegmentDescription(
            id: try lsn("id").value, state: try choice("state"), rows: try integer("rows"),
            points: try integer("points"), bytes: try integer("bytes"),
            parts: try segmentParts(),
            spaces: try list("spaces").map { space in
                SegmentSpaceDescription(
                    name: try space.string("name"), vectors: try space.integer("vectors"),
                    indexed: try space.integer("indexed"), searchedOn: try space.string("searched_on"))
            })
    }
}
