// Params of `point.search` and `point.search_batch`.

import NeedleCore

extension CallDecoder {
    mutating func searchPoints(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var fields = SearchFields(limits: limits)
        while let key = try reader.nextKey(&members) {
            if try fields.take(key, from: &reader) { continue }
            try common.take(key, from: &reader, allowing: .read)
        }
        let collection = try common.requiredCollection(in: object)
        return .searchPoints(
            SearchPoints(
                collection: collection, search: try fields.search(object: object),
                minimumLSN: common.minimumLSN))
    }

    mutating func recommendPoints(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var fields = SearchFields(limits: limits)
        var positive: [PointID] = []
        var negative: [PointID] = []
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "positive": positive = try reader.optional { try $0.examples("positive", limits) } ?? []
            case "negative": negative = try reader.optional { try $0.examples("negative", limits) } ?? []
            case "vector", "text", "point_id": throw reader.unknown(key)
            default:
                if try fields.take(key, from: &reader) { continue }
                try common.take(key, from: &reader, allowing: .read)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard !positive.isEmpty else { throw Refusal.missing("positive", in: object) }
        let search = try fields.search(
            for: .examples(positive: positive, negative: negative), object: object)
        return .recommendPoints(
            SearchPoints(collection: collection, search: search, minimumLSN: common.minimumLSN))
    }

    mutating func searchBatch(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var searches: [SearchFields.Outcome]?
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "searches":
                searches = try reader.optional {
                    try $0.list(of: "searches", limit: limits.batchPoints) { try $0.search(limits) }
                }
            default: try common.take(key, from: &reader, allowing: [.readPoints, .model])
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let searches else { throw Refusal.missing("searches", in: object) }
        let complete = searches.map { outcome in
            var search = outcome.search
            if search.query.model == nil { search.query.model = common.model }
            search.vectorEncoding = outcome.encoding ?? common.vectorEncoding ?? .array
            return search
        }
        return .searchBatch(
            SearchBatch(collection: collection, searches: complete, minimumLSN: common.minimumLSN))
    }
}

extension JSONReader {
    /// Distinct ids of examples, in their order.
    fileprivate mutating func examples(_ name: String, _ limits: Limits) throws -> [PointID] {
        var seen: Set<PointID> = []
        return try list(of: name, limit: min(limits.batchPoints, Search.exampleLimit)) { try $0.pointID() }
            .filter { seen.insert($0).inserted }
    }

    fileprivate mutating func search(_ limits: Limits) throws -> SearchFields.Outcome {
        _ = try peekKind()
        let object = offset
        var members = try beginObject()
        var fields = SearchFields(limits: limits)
        while let key = try nextKey(&members) {
            guard try fields.take(key, from: &self) else { throw unknown(key) }
        }
        return SearchFields.Outcome(search: try fields.search(object: object), encoding: fields.encoding)
    }
}

/// The keys of one search, as they come.
struct SearchFields {
    /// A search of a batch, which may leave the encoding to the batch.
    struct Outcome {
        var search: Search
        var encoding: VectorEncoding?
    }

    private let limits: Limits
    private var target: SearchTarget?
    private var space: String?
    private var limit = 10
    private var offset = 0
    /// Where the value of `offset` stands; complaints about the sum go there.
    private var offsetPlace: Int?
    private var scoreThreshold: Double?
    private var filter: Filter?
    private var effort = SearchEffort.standard
    /// Where `recall` stands; complaints about a limit that it does not allow go there.
    private var recallPlace: Int?
    private var rescores = true
    private var oversampling: Double?
    private var selection = PointSelection()
    private var model: String?
    private(set) var encoding: VectorEncoding?

    init(limits: Limits) {
        self.limits = limits
    }

    /// Reads the value of `key`; false if a search has no such key.
    mutating func take(_ key: borrowing JSONText, from reader: inout JSONReader) throws -> Bool {
        switch key {
        case "vector", "text", "point_id": try takeTarget(key, from: &reader)
        case "limit": limit = try reader.optional { try $0.readInt(in: Search.limitRange) } ?? 10
        case "filter":
            let limits = limits
            filter = try reader.optional { try $0.filter(limits) }
        case "params":
            if try !reader.readNullIfPresent() { try takeParams(from: &reader) }
        case "with_payload": selection.payload = try reader.payloadSelection(limits)
        case "with_vector": selection.withVector = try reader.optionalBool() ?? false
        case "offset":
            _ = try reader.peekKind()
            offsetPlace = reader.offset
            offset = try reader.optional { try $0.readInt(in: 0...Search.windowLimit) } ?? 0
        case "using": space = try reader.optionalString()
        case "score_threshold": scoreThreshold = try reader.optional { try $0.readDouble() }
        case "model": model = try reader.optional { try $0.boundedString(CommonParams.modelBytes) }
        case "vector_encoding": encoding = try reader.optional { try $0.choice(VectorEncoding.self) }
        case "fusion": try reader.refuseUnlessNull("\"fusion\"", at: key.offset)
        case "keys": try reader.refuseUnlessNull("\"keys\"", at: key.offset)
        case "mmr": try reader.refuseUnlessNull("\"mmr\"", at: key.offset)
        case "explain":
            _ = try reader.peekKind()
            let place = reader.offset
            if try reader.optionalBool() == true { throw Refusal.notSupported("\"explain\"", at: place) }
        default: return false
        }
        return true
    }

    /// The whole search.
    ///
    /// - Parameter object: where it begins.
    func search(object: Int) throws -> Search {
        guard let target else {
            throw Refusal(message: "one of \"vector\", \"text\" and \"point_id\" is missing", offset: object)
        }
        return try search(for: target, object: object)
    }

    /// The whole search, for a target that is no key of it.
    func search(for target: SearchTarget, object: Int) throws -> Search {
        guard limit + offset <= Search.windowLimit else {
            throw Refusal(
                message: "\"offset\" and \"limit\" together are more than \(Search.windowLimit)",
                offset: offsetPlace ?? object, expected: "at most \(Search.windowLimit) together",
                got: "\(limit + offset)")
        }
        if let recallPlace, limit > Search.recallLimit {
            throw Refusal(
                message: "\"recall\" goes with a limit of at most \(Search.recallLimit)", offset: recallPlace,
                expected: "a limit of at most \(Search.recallLimit)", got: "\(limit)")
        }
        var query = SearchQuery(
            target: target, space: space, limit: limit, offset: offset, scoreThreshold: scoreThreshold,
            filter: filter, effort: effort, selection: selection, model: model)
        query.rescores = rescores
        query.oversampling = oversampling
        return Search(query: query, vectorEncoding: encoding ?? .array)
    }

    private mutating func takeTarget(_ key: borrowing JSONText, from reader: inout JSONReader) throws {
        if try reader.readNullIfPresent() { return }
        guard target == nil else {
            throw Refusal(message: "exactly one of \"vector\", \"text\" and \"point_id\"", offset: key.offset)
        }
        switch key {
        case "vector": target = .vector(try reader.vector(limits))
        case "text": target = .text(try reader.readString())
        default: target = .point(try reader.pointID())
        }
    }

    private mutating func takeParams(from reader: inout JSONReader) throws {
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "ef":
                let range = Search.efRange
                guard let ef = try reader.optional({ try $0.readInt(in: range) }) else { continue }
                try setEffort(.ef(ef), at: key.offset)
            case "exact":
                guard try reader.optionalBool() == true else { continue }
                try setEffort(.exact, at: key.offset)
            case "recall":
                let range = Search.recallRange
                guard let recall = try reader.optional({ try $0.double(in: range) }) else { continue }
                try setEffort(.recall(recall), at: key.offset)
                recallPlace = key.offset
            case "rescore": rescores = try reader.optionalBool() ?? true
            case "oversampling":
                oversampling = try reader.optional { try $0.double(in: Search.oversamplingRange) }
            default: throw reader.unknown(key)
            }
        }
    }

    private mutating func setEffort(_ effort: SearchEffort, at key: Int) throws {
        guard self.effort == .standard else {
            throw Refusal(message: "at most one of \"ef\", \"recall\" and \"exact\"", offset: key)
        }
        self.effort = effort
    }
}
