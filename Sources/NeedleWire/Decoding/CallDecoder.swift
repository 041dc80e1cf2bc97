// From `params` to a call, for each method.

import NeedleCore

/// Reads the params of one request. The reader stands before an object.
struct CallDecoder {
    let limits: Limits
    var common = CommonParams()

    init(limits: Limits) {
        self.limits = limits
    }

    mutating func call(_ method: Method, _ reader: inout JSONReader) throws -> Call {
        switch method {
        case .ping: try plain(.ping, &reader)
        case .info: try plain(.info, &reader)
        case .health: try plain(.health, &reader)
        case .cancel: try cancel(&reader)
        case .login: try login(&reader)
        case .createCollection: try createCollection(&reader)
        case .listCollections: try plain(.listCollections, &reader)
        case .getCollection: try getCollection(&reader)
        case .deleteCollection: try deleteCollection(&reader)
        case .updateCollection: try updateCollection(&reader)
        case .optimizeCollection: try optimizeCollection(&reader)
        case .createIndex: try createIndex(&reader)
        case .deleteIndex: try deleteIndex(&reader)
        case .listIndexes: try listIndexes(&reader)
        case .upsertPoints: try upsertPoints(&reader)
        case .getPoints: try getPoints(&reader)
        case .deletePoints: try deletePoints(&reader)
        case .setPayload, .replacePayload, .deletePayload: try changePayload(method, &reader)
        case .setVectors: try setVectors(&reader)
        case .upsertDocuments: try upsertDocuments(&reader)
        case .getDocument: try getDocument(&reader)
        case .deleteDocuments: try deleteDocuments(&reader)
        case .countPoints: try countPoints(&reader)
        case .scrollPoints: try scrollPoints(&reader)
        case .facetPoints: try facetPoints(&reader)
        case .searchPoints: try searchPoints(&reader)
        case .searchBatch: try searchBatch(&reader)
        case .searchGroups: try searchGroups(&reader)
        case .recommendPoints: try recommendPoints(&reader)
        case .embedTexts: try embedTexts(&reader)
        case .startReembedding: try startReembedding(&reader)
        case .reembeddingStatus: .reembeddingStatus(try collectionAlone(&reader))
        case .cutOver: try cutOver(&reader)
        case .rollBack: .rollBack(try collectionAlone(&reader))
        case .createSnapshot: try createSnapshot(&reader)
        case .listSnapshots: try listSnapshots(&reader)
        case .deleteSnapshot: .deleteSnapshot(try snapshotName(&reader))
        case .verifySnapshot: .verifySnapshot(try snapshotName(&reader))
        case .restoreSnapshot: try restoreSnapshot(&reader)
        case .listJobs: try plain(.listJobs, &reader)
        case .getJob: .getJob(try jobName(&reader))
        case .cancelJob: .cancelJob(try jobName(&reader))
        case .setAliases: try setAliases(&reader)
        case .deleteAliases: try deleteAliases(&reader)
        case .listAliases: try plain(.listAliases, &reader)
        case .readSnapshot: try readSnapshot(&reader)
        case .beginImport: try plain(.beginImport, &reader)
        case .writeImport: try writeImport(&reader)
        case .commitImport: try commitImport(&reader)
        case .abortImport: try abortImport(&reader)
        }
    }

    /// A method without params of its own.
    private mutating func plain(_ call: Call, _ reader: inout JSONReader) throws -> Call {
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) { try common.take(key, from: &reader) }
        return call
    }

    private mutating func cancel(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var id: RequestID?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "id": id = try reader.optional { try $0.requestID() }
            default: try common.take(key, from: &reader)
            }
        }
        guard let id else { throw Refusal.missing("id", in: object) }
        return .cancel(id)
    }

    private mutating func login(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var apiKey: String?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "api_key": apiKey = try reader.optionalString()
            default: try common.take(key, from: &reader)
            }
        }
        guard let apiKey else { throw Refusal.missing("api_key", in: object) }
        return .login(apiKey: apiKey)
    }

    private mutating func embedTexts(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var texts: [String]?
        var kind: EmbeddingKind?
        let limit = limits.batchPoints
        while let key = try reader.nextKey(&members) {
            switch key {
            case "texts":
                texts = try reader.optional { try $0.list(of: "texts", limit: limit) { try $0.readString() } }
            case "kind":
                kind = try reader.optional {
                    try $0.choice(among: [("passage", EmbeddingKind.passage), ("query", .query)])
                }
            default: try common.take(key, from: &reader, allowing: [.model, .vectorEncoding])
            }
        }
        guard let texts else { throw Refusal.missing("texts", in: object) }
        return .embedTexts(
            EmbedTexts(
                texts: texts, model: common.model, kind: kind ?? .passage,
                vectorEncoding: common.vectorEncoding ?? .array))
    }
}
