// Nearest neighbours.

import NeedleCore

/// How hard a search tries.
public enum SearchEffort: Hashable, Sendable {
    /// The collection's default.
    case standard
    /// Width of the beam in the graph: wider finds more and takes longer.
    case ef(Int)
    /// The recall wanted, 0.5 … 0.999; the server picks the width.
    case recall(Double)
    /// Every point is compared.
    case exact
}

/// What to look for, where, and what to bring back.
public struct SearchRequest: Sendable {
    /// What a search looks for.
    public enum Query: Sendable {
        /// The neighbours of a vector, which has the space's dimensions.
        case vector(Vector)
        /// The neighbours of a text, embedded by the server with the space's model.
        case text(String)
        /// The neighbours of a stored point, the point itself left out.
        case point(PointID)
        /// What is like the first points and unlike the second ones, all of them left out. At least one of the first,
        /// at most 1,000 of each. Not within a batch.
        case examples(positive: [PointID], negative: [PointID])
    }

    /// What to look for.
    public var query: Query
    /// The vector space, needed only when the collection has several.
    public var space: String?
    /// Hits wanted, 1 … 10,000.
    public var limit: Int
    /// Hits to skip first; with `limit` at most 10,000.
    public var offset = 0
    /// Inclusive: a lower bound for cosine, dot and hybrid searches, an upper one for euclid.
    public var scoreThreshold: Double?
    /// Only points that match.
    public var filter: Filter?
    /// How hard to try.
    public var effort = SearchEffort.standard
    /// Whether what quantized codes found is ordered again by the original vectors. If not, scores of what a graph
    /// found are estimates.
    public var rescores = true
    /// How many times the wanted number of points is rescored, 1 … 100; `nil` leaves it to the server.
    public var oversampling: Double?
    /// Words to look for too.
    public var hybrid: HybridSearch?
    /// Whether the hits are to be unlike each other.
    public var diversity: Diversity?
    /// Whether the answer says how it was found, in ``SearchAnswer/explanation``.
    public var explains = false
    /// What of the payload comes back.
    public var payload = PayloadSelection.all
    /// Whether vectors come back.
    public var withVector = false
    /// Name or fingerprint of the model the caller believes in; checked (`model_mismatch`).
    public var model: String?

    /// A search by any kind of query.
    public init(_ query: Query, limit: Int = 10, filter: Filter? = nil) {
        self.query = query
        self.limit = limit
        self.filter = filter
    }

    /// The neighbours of a vector.
    public init(vector: Vector, limit: Int = 10, filter: Filter? = nil) {
        self.init(.vector(vector), limit: limit, filter: filter)
    }

    /// The neighbours of a text, in a collection with a model.
    public init(text: String, limit: Int = 10, filter: Filter? = nil) {
        self.init(.text(text), limit: limit, filter: filter)
    }

    /// The neighbours of a stored point.
    public init(point: PointID, limit: Int = 10, filter: Filter? = nil) {
        self.init(.point(point), limit: limit, filter: filter)
    }

    /// Whether `point.recommend` answers it.
    var isByExamples: Bool {
        if case .examples = query { true } else { false }
    }

    func write(to writer: inout JSONWriter) {
        switch query {
        case .vector(let vector):
            writer.key("vector")
            writer.write(vector)
        case .text(let text):
            writer.key("text")
            writer.write(text)
        case .point(let id):
            writer.key("point_id")
            writer.write(id)
        case .examples(let positive, let negative):
            writer.key("positive")
            writer.array(positive[...]) { $0.write($1) }
            if negative.isEmpty { break }
            writer.key("negative")
            writer.array(negative[...]) { $0.write($1) }
        }
        hybrid?.write(to: &writer)
        diversity?.write(to: &writer)
        if let space {
            writer.key("using")
            writer.write(space)
        }
        writer.key("limit")
        writer.write(limit)
        if offset != 0 {
            writer.key("offset")
            writer.write(offset)
        }
        if let scoreThreshold {
            writer.key("score_threshold")
            writer.write(scoreThreshold)
        }
        if let filter {
            writer.key("filter")
            writer.write(filter.json)
        }
        writeEffort(to: &writer)
        writer.writeSelection(payload: payload, vector: withVector)
        if explains {
            writer.key("explain")
            writer.write(true)
        }
        if let model {
            writer.key("model")
            writer.write(model)
        }
    }

    private func writeEffort(to writer: inout JSONWriter) {
        guard effort != .standard || !rescores || oversampling != nil else { return }
        writer.key("params")
        writer.beginObject()
        switch effort {
        case .standard: break
        case .ef(let width):
            writer.key("ef")
            writer.write(width)
        case .recall(let recall):
            writer.key("recall")
            writer.write(recall)
        case .exact:
            writer.key("exact")
            writer.write(true)
        }
        if !rescores {
            writer.key("rescore")
            writer.write(false)
        }
        if let oversampling {
            writer.key("oversampling")
            writer.write(oversampling)
        }
        writer.endObject()
    }

    /// JSON has no infinities: a precondition of the writer becomes an error of the caller here.
    func check() throws(NeedletailError) {
        if let scoreThreshold, !scoreThreshold.isFinite {
            throw NeedletailError(
                .invalidArgument, "the score threshold is not finite", at: "score_threshold")
        }
        if let oversampling, !oversampling.isFinite {
            throw NeedletailError(
                .invalidArgument, "the oversampling is not finite", at: "params.oversampling")
        }
        try hybrid?.check(query)
        if let diversity, !diversity.lambda.isFinite {
            throw NeedletailError(.invalidArgument, "lambda is not finite", at: "mmr.lambda")
        }
        if case .recall(let recall) = effort, !recall.isFinite {
            throw NeedletailError(.invalidArgument, "the recall is not finite", at: "params.recall")
        }
    }
}

/// A point that was found.
public struct Hit: Sendable {
    /// The point, as much of it as was asked for.
    public var point: StoredPoint
    /// Nearness in the metric's terms: cosine and dot, higher is better; euclid, the distance, lower is
    /// better.
    public var score: Double

    /// The point's identity.
    public var id: PointID { point.id }
    /// The payload, if it was asked for.
    public var payload: Payload? { point.payload }
}

/// The answer to a search, best first; equal scores by id.
public struct SearchAnswer: Sendable {
    /// The hits.
    public var hits: [Hit] = []
    /// False only when part of the data could not be consulted.
    public var isComplete = true
    /// How the answer was found: `graph`, `exact`, `filtered_graph` or `mixed`.
    public var strategy = ""
    /// Time the server took, in microseconds.
    public var tookMicroseconds = 0
    /// The state of the collection the answer shows.
    public var lsn: UInt64 = 0
    /// How the answer was found, when that was asked for: conditions, segments, phases.
    public var explanation: JSONValue?

    static func read(_ reader: inout JSONReader) throws(JSONError) -> SearchAnswer {
        var names = try reader.beginObject()
        var answer = SearchAnswer()
        while let name = try reader.nextKey(&names) {
            switch name {
            case "points":
                answer.hits = try reader.hits()
            case "complete": answer.isComplete = try reader.readBool()
            case "strategy": answer.strategy = try reader.readString()
            case "took_us": answer.tookMicroseconds = Int(try reader.readInt64())
            case "lsn": answer.lsn = try reader.readUInt64()
            case "explain": answer.explanation = try JSONValue.read(&reader)
            default: try reader.skipValue()
            }
        }
        return answer
    }
}

extension JSONReader {
    mutating func hits() throws(JSONError) -> [Hit] {
        try list { (reader) throws(JSONError) in
            let start = reader.offset
            let (point, score) = try reader.storedPoint()
            guard let score else { throw JSONError(.missingKey("score"), at: start) }
            return Hit(point: point, score: score)
        }
    }
}

extension NeedletailClient {
    /// The nearest points.
    ///
    /// - Parameter minimumLSN: waits until the write with this number is visible; writes answer theirs.
    public func search(
        _ collection: String, _ request: SearchRequest, minimumLSN: UInt64? = nil,
        timeout: Timeout = .standard
    ) async throws -> SearchAnswer {
        try request.check()
        let outgoing = OutgoingRequest(request.isByExamples ? "point.recommend" : "point.search") { writer in
            writer.collection(collection, minimumLSN: minimumLSN)
            request.write(to: &writer)
        }
        return try readResult(try await perform(outgoing, timeout: timeout), SearchAnswer.read)
    }

    /// Several searches at once: all are answered or none. Split at the server's limit for batches.
    public func search(
        _ collection: String, batch requests: [SearchRequest], minimumLSN: UInt64? = nil,
        timeout: Timeout = .standard
    ) async throws -> [SearchAnswer] {
        for request in requests {
            try request.check()
            guard !request.isByExamples else {
                throw NeedletailError(
                    .invalidArgument, "a batch takes no search by examples: send it alone", at: "searches")
            }
        }
        return try await split(requests) { (part: ArraySlice<SearchRequest>) in
            let outgoing = OutgoingRequest("point.search_batch") { writer in
                writer.collection(collection, minimumLSN: minimumLSN)
                writer.key("searches")
                writer.array(part) { writer, request in
                    writer.beginObject()
                    request.write(to: &writer)
                    writer.endObject()
                }
            }
            return try readResult(try await self.perform(outgoing, timeout: timeout)) {
                (reader) throws(JSONError) in
                var names = try reader.beginObject()
                var answers: [SearchAnswer] = []
                while let name = try reader.nextKey(&names) {
                    switch name {
                    case "results": answers = try reader.list(SearchAnswer.read)
                    default: try reader.skipValue()
                    }
                }
                return answers
            }
        }
    }
}
