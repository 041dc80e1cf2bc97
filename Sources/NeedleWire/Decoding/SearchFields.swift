// One search within params: of `point.search`, of a batch, of a recommendation.

import NeedleCore

/// The keys of one search, as they come.
struct SearchFields {
    /// A search of a batch, which may leave the encoding to the batch.
    struct Outcome {
        var search: Search
        var encoding: VectorEncoding?
    }

    private let limits: Limits
    private var target: SearchTarget?
    /// Where the key of the target stands.
    private var targetPlace = 0
    private var hybrid = HybridFields()
    private var diversity: Diversity?
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
    private var explains = false
    private var model: String?
    private(set) var encoding: VectorEncoding?

    init(limits: Limits) {
        self.limits = limits
    }

    /// Reads the value of `key`; false if a search has no such key.
    mutating func take(_ key: borrowing JSONText, from reader: inout JSONReader) throws -> Bool {
        switch key {
        case "vector", "point_id": try takeTarget(key, from: &reader)
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
        case "text", "fusion", "keys": try hybrid.take(key, from: &reader)
        case "mmr": diversity = try reader.optional { try $0.diversity() }
        case "explain": explains = try reader.optionalBool() ?? false
        default: return false
        }
        return true
    }

    /// The whole search.
    ///
    /// - Parameters:
    ///   - examples: a target that is no key of it.
    ///   - object: where it begins.
    func search(for examples: SearchTarget? = nil, object: Int) throws -> Search {
        let (target, words) = try hybrid.resolve(examples ?? target, at: targetPlace, object: object)
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
        query.hybrid = words
        query.diversity = diversity
        query.explains = explains
        return Search(query: query, vectorEncoding: encoding ?? .array)
    }

    private mutating func takeTarget(_ key: borrowing JSONText, from reader: inout JSONReader) throws {
        if try reader.readNullIfPresent() { return }
        guard target == nil else { throw HybridFields.severalTargets(at: key.offset) }
        targetPlace = key.offset
        target = key.equals("vector") ? .vector(try reader.vector(limits)) : .point(try reader.pointID())
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
