// What concerns the server as a whole, and text embedding.

import NeedleCore

/// What the server says of itself.
public struct ServerInfo: Sendable {
    /// Its version.
    public var version: String
    /// The whole answer: uptime, kernel tier, memory by purpose, limits, collections.
    public var raw: JSONObject
    /// What the cache of texts' vectors has done since the start; `nil` when there is none.
    public var embeddingCache: EmbeddingCache?

    /// Vectors of texts that were embedded before.
    public struct EmbeddingCache: Hashable, Sendable {
        /// Texts whose vector was in memory.
        public var memoryHits: Int
        /// Texts whose vector was in the file.
        public var fileHits: Int
        /// Texts that went through the model.
        public var misses: Int
        /// Share of the texts that were found; 0 before the first.
        public var hitRate: Double {
            let all = memoryHits + fileHits + misses
            return all == 0 ? 0 : Double(memoryHits + fileHits) / Double(all)
        }
    }
}

/// Whether the server and each of its collections are well.
public struct ServerHealth: Hashable, Sendable {
    /// The state of one collection.
    public struct Collection: Hashable, Sendable {
        /// Its name.
        public var name: String
        /// `ready`, `loading`, `degraded` or `quarantined`.
        public var state: String
        /// Why it is not ready.
        public var reason: String?
        /// What has become worse about its vector spaces; it may be as ready as ever.
        public var alerts: [QualityAlert]

        package init(name: String, state: String, reason: String? = nil, alerts: [QualityAlert] = []) {
            self.name = name
            self.state = state
            self.reason = reason
            self.alerts = alerts
        }
    }

    /// `ok` or `degraded`; alerts do not change it.
    public var status: String
    /// The collections.
    public var collections: [Collection]
    /// Snapshots that were found damaged, and what is wrong with each.
    public var damagedSnapshots: [String: String]

    package init(status: String, collections: [Collection], damagedSnapshots: [String: String] = [:]) {
        self.status = status
        self.collections = collections
        self.damagedSnapshots = damagedSnapshots
    }
}

/// What a text is embedded for.
public enum EmbeddingKind: String, Hashable, Sendable, CaseIterable {
    /// A text to be found.
    case passage
    /// A question.
    case query
}

/// Vectors for texts, in the order of the texts.
public struct EmbeddingAnswer: Sendable {
    /// One vector of unit length per text.
    public var vectors: [Vector] = []
    /// Name of the model.
    public var model = ""
    /// What identifies the model exactly.
    public var fingerprint = ""
    /// Components of each vector.
    public var dimensions = 0
    /// Tokens that went through the model, in all.
    public var tokens = 0
    /// Texts that were cut at the model's limit.
    public var truncated = 0
}

extension NeedletailClient {
    /// Asks whether the server listens.
    ///
    /// - Returns: the server's time, in milliseconds since 1970.
    @discardableResult
    public func ping(timeout: Timeout = .standard) async throws -> Int {
        try ResultObject(try await perform(OutgoingRequest("server.ping"), timeout: timeout)).int("now_ms")
    }

    /// What the server says of itself.
    public func serverInfo(timeout: Timeout = .standard) async throws -> ServerInfo {
        let result = try ResultObject(try await perform(OutgoingRequest("server.info"), timeout: timeout))
        let cache = result.object["embedding_cache"]?.objectValue
        return ServerInfo(
            version: try result.string("version"), raw: result.object,
            embeddingCache: cache.map {
                ServerInfo.EmbeddingCache(
                    memoryHits: $0["memory_hits"]?.intValue ?? 0, fileHits: $0["file_hits"]?.intValue ?? 0,
                    misses: $0["misses"]?.intValue ?? 0)
            })
    }

    /// Whether the server and its collections are well.
    public func health(timeout: Timeout = .standard) async throws -> ServerHealth {
        let result = try ResultObject(try await perform(OutgoingRequest("server.health"), timeout: timeout))
        let members = result.object["collections"]?.objectValue?.members ?? []
        let snapshots = result.object["snapshots"]?.objectValue?.members ?? []
        return ServerHealth(
            status: try result.string("status"),
            collections: try members.map { (member) throws(NeedletailError) in
                ServerHealth.Collection(
                    name: member.key, state: member.value["state"]?.stringValue ?? "",
                    reason: member.value["reason"]?.stringValue,
                    alerts: try QualityAlert.all(in: ResultObject(member.value.objectValue ?? [:])))
            },
            damagedSnapshots: Dictionary(
                snapshots.map { ($0.key, $0.value["reason"]?.stringValue ?? "") },
                uniquingKeysWith: { first, _ in first }))
    }

    /// Embeds texts with the server's model. Split at the server's limit for batches.
    ///
    /// - Throws: `model_mismatch` or `not_found` when the server does not have the model.
    public func embed(
        _ texts: [String], model: String? = nil, kind: EmbeddingKind = .passage, timeout: Timeout = .standard
    ) async throws -> EmbeddingAnswer {
        let parts = try await split(texts) { (part: ArraySlice<String>) in
            let request = OutgoingRequest("text.embed") { writer in
                writer.key("texts")
                writer.array(part) { $0.write($1) }
                writer.key("kind")
                writer.write(kind.rawValue)
                writer.key("vector_encoding")
                writer.write(literal: "base64")
                if let model {
                    writer.key("model")
                    writer.write(model)
                }
            }
            return [try readResult(try await self.perform(request, timeout: timeout), EmbeddingAnswer.read)]
        }
        var answer = parts.first ?? EmbeddingAnswer()
        for part in parts.dropFirst() {
            answer.vectors += part.vectors
            answer.tokens += part.tokens
            answer.truncated += part.truncated
        }
        return answer
    }

    /// Calls any method of the protocol, for those that have no Swift method here.
    ///
    /// - Parameter isRead: whether a repeat is harmless; only then are lost requests tried again.
    public func call(
        _ method: StaticString, _ params: JSONObject = [:], isRead: Bool = false, timeout: Timeout = .standard
    ) async throws -> JSONValue {
        let request = OutgoingRequest(method, repeatability: isRead ? .safe : .onlyIfUnsent) { writer in
            for member in params.members {
                writer.key(string: member.key)
                writer.write(member.value)
            }
        }
        return .object(try ResultObject(try await perform(request, timeout: timeout)).object)
    }
}

extension EmbeddingAnswer {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> EmbeddingAnswer {
        var names = try reader.beginObject()
        var answer = EmbeddingAnswer()
        while let name = try reader.nextKey(&names) {
            switch name {
            case "vectors":
                answer.vectors = try reader.list { (reader) throws(JSONError) in try reader.vector() }
            case "tokens": answer.tokens = Int(try reader.readInt64())
            case "truncated": answer.truncated = Int(try reader.readInt64())
            case "model":
                let model = try JSONValue.read(&reader)
                answer.model = model["name"]?.stringValue ?? ""
                answer.fingerprint = model["fingerprint"]?.stringValue ?? ""
                answer.dimensions = model["dimensions"]?.intValue ?? 0
            default: try reader.skipValue()
            }
        }
        return answer
    }
}
