// Creating, describing, listing, deleting and optimizing collections.

import NeedleCore

/// How nearness is measured.
public enum Metric: String, Hashable, Sendable, CaseIterable {
    /// Cosine of the angle; higher is nearer.
    case cosine
    /// Inner product; higher is nearer.
    case dot
    /// Euclidean distance; lower is nearer.
    case euclid
}

/// How vectors are coded for traversal; the float32 originals are always kept.
public enum Quantization: String, Hashable, Sendable, CaseIterable {
    /// Not at all.
    case none
    /// One byte per component.
    case int8
    /// One bit per component.
    case binary
}

/// What a write has survived when it is acknowledged.
public enum Durability: String, Hashable, Sendable, CaseIterable {
    /// Written and synced: survives power loss.
    case fsync
    /// Handed to the operating system: survives the end of the server.
    case os
    /// Applied in memory; the log follows.
    case memory
}

/// One vector space of a collection to be created. What is `nil` is left to the server's defaults.
public struct VectorSpace: Hashable, Sendable {
    /// Dimensions; may be left out when there is a model.
    public var size: Int?
    /// The built-in model that fills this space from text, for example `all-MiniLM-L6-v2`.
    public var model: String?
    /// How nearness is measured; default cosine.
    public var metric: Metric?
    /// How vectors are coded for traversal; default int8.
    public var quantization: Quantization?
    /// Links of a row in the graph; default 16.
    public var m: Int?
    /// Width of the beam while building the graph; default 128.
    public var efConstruct: Int?

    /// A space for vectors of `size` components.
    public init(size: Int, metric: Metric? = nil, quantization: Quantization? = nil) {
        self.size = size
        self.metric = metric
        self.quantization = quantization
    }

    /// A space that the server fills from text.
    public init(model: String, quantization: Quantization? = nil) {
        self.model = model
        self.quantization = quantization
    }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        if let size {
            writer.key("size")
            writer.write(size)
        }
        if let model {
            writer.key("model")
            writer.write(model)
        }
        if let metric {
            writer.key("metric")
            writer.write(metric.rawValue)
        }
        if let quantization {
            writer.key("quantization")
            writer.beginObject()
            writer.key("kind")
            writer.write(quantization.rawValue)
            writer.endObject()
        }
        if m != nil || efConstruct != nil {
            writer.key("hnsw")
            writer.beginObject()
            if let m {
                writer.key("m")
                writer.write(m)
            }
            if let efConstruct {
                writer.key("ef_construct")
                writer.write(efConstruct)
            }
            writer.endObject()
        }
        writer.endObject()
    }
}

/// A collection in the list of all.
public struct CollectionSummary: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Its points.
    public var points: Int
    /// `ready`, `loading`, `degraded` or `quarantined`.
    public var state: String
}

/// What the server says of one collection.
public struct CollectionInfo: Sendable {
    /// Its name.
    public var name: String
    /// Its points.
    public var points: Int
    /// Points that the graph reaches already; the others are compared one by one until they are indexed.
    public var indexedPoints: Int
    /// `ready`, `loading`, `degraded` or `quarantined`.
    public var state: String
    /// Bytes of its files.
    public var bytesOnDisk: Int
    /// Bytes it keeps in memory.
    public var bytesInMemory: Int
    /// Its latest log sequence number.
    public var lsn: UInt64
    /// The vector spaces, in order; the unnamed one has an empty name. `size` and `metric` are always known
    /// here.
    public var spaces: [(name: String, space: VectorSpace)]
    /// What acknowledged writes have survived.
    public var durability: Durability?
    /// Where a point's text is kept in its payload.
    public var textKey: String
    /// Number of segments.
    public var segments: Int
    /// By vector space; empty unless asked for, and until there is one that is measured.
    public var quality: [SpaceQuality]
    /// The whole answer, for what has no property here.
    public var raw: JSONObject

    init(_ result: ResultObject) throws(NeedletailError) {
        raw = result.object
        name = try result.string("name")
        points = try result.int("points")
        indexedPoints = try result.int("indexed_points")
        state = try result.string("state")
        bytesOnDisk = raw["bytes_on_disk"]?.intValue ?? 0
        bytesInMemory = raw["bytes_in_memory"]?.intValue ?? 0
        lsn = try result.lsn()
        segments = raw["segments"]?.arrayValue?.count ?? raw["segments"]?.intValue ?? 0
        quality = raw["quality"] == nil ? [] : try result.objects("quality").map(SpaceQuality.init)
        let config = raw["config"]
        durability = config?["durability"]?.stringValue.flatMap(Durability.init)
        textKey = config?["text_key"]?.stringValue ?? "text"
        spaces = Self.spaces(config?["vectors"])
    }

    private static func spaces(_ vectors: JSONValue?) -> [(name: String, space: VectorSpace)] {
        guard let object = vectors?.objectValue else { return [] }
        let isSingle = object["size"]?.intValue != nil || object["model"]?.stringValue != nil
        if isSingle { return [("", VectorSpace(wire: object))] }
        return object.members.compactMap { member in
            member.value.objectValue.map { (member.key, VectorSpace(wire: $0)) }
        }
    }
}

extension VectorSpace {
    init(wire: JSONObject) {
        size = wire["size"]?.intValue
        model = wire["model"]?.stringValue
        metric = wire["metric"]?.stringValue.flatMap(Metric.init)
        quantization = wire["quantization"]?["kind"]?.stringValue.flatMap(Quantization.init)
        m = wire["hnsw"]?["m"]?.intValue
        efConstruct = wire["hnsw"]?["ef_construct"]?.intValue
    }
}

extension NeedletailClient {
    /// Creates a collection with one unnamed vector space; points carry ``Point/vector`` or ``Point/text``.
    ///
    /// - Returns: the collection's first log sequence number.
    /// - Throws: `already_exists`; `not_found` or `model_mismatch` when the server does not have the model.
    @discardableResult
    public func createCollection(
        _ name: String, _ space: VectorSpace, durability: Durability? = nil, textKey: String? = nil,
        timeout: Timeout = .standard
    ) async throws -> UInt64 {
        try await create(name, durability, textKey, timeout) { space.write(to: &$0) }
    }

    /// Creates a collection with named vector spaces; points carry ``Point/vectors``.
    ///
    /// - Precondition: the names are distinct; there is at least one.
    @discardableResult
    public func createCollection(
        _ name: String, spaces: [(name: String, space: VectorSpace)], durability: Durability? = nil,
        textKey: String? = nil, timeout: Timeout = .standard
    ) async throws -> UInt64 {
        try await create(name, durability, textKey, timeout) { writer in
            writer.beginObject()
            for (name, space) in spaces {
                writer.key(string: name)
                space.write(to: &writer)
            }
            writer.endObject()
        }
    }

    private func create(
        _ name: String, _ durability: Durability?, _ textKey: String?, _ timeout: Timeout,
        vectors: (inout JSONWriter) -> Void
    ) async throws -> UInt64 {
        // No op_key here: a repeat could only answer "already exists", so only unsent attempts are repeated.
        let request = OutgoingRequest("collection.create", repeatability: .onlyIfUnsent) { writer in
            writer.key("name")
            writer.write(name)
            writer.key("vectors")
            vectors(&writer)
            if let durability {
                writer.key("durability")
                writer.write(durability.rawValue)
            }
            if let textKey {
                writer.key("text_key")
                writer.write(textKey)
            }
        }
        return try ResultObject(try await perform(request, timeout: timeout)).lsn()
    }

    /// Describes a collection.
    ///
    /// - Parameter quality: also how good its vector spaces are, and were.
    public func collection(
        _ name: String, quality: Bool = false, timeout: Timeout = .standard
    ) async throws -> CollectionInfo {
        let request = OutgoingRequest("collection.get") { writer in
            writer.collection(name)
            if quality {
                writer.key("quality")
                writer.write(true)
            }
        }
        return try CollectionInfo(try ResultObject(try await perform(request, timeout: timeout)))
    }

    /// Lists all collections.
    public func collections(timeout: Timeout = .standard) async throws -> [CollectionSummary] {
        let result = try ResultObject(try await perform(OutgoingRequest("collection.list"), timeout: timeout))
        return try result.objects("collections").map { (entry) throws(NeedletailError) in
            CollectionSummary(
                name: try entry.string("name"), points: try entry.int("points"),
                state: try entry.string("state"))
        }
    }

    /// Deletes a collection with everything in it.
    public func deleteCollection(_ name: String, timeout: Timeout = .standard) async throws {
        let request = OutgoingRequest("collection.delete", repeatability: .onlyIfUnsent) {
            $0.collection(name)
        }
        _ = try await perform(request, timeout: timeout)
    }

    /// Indexes every point and merges segments.
    ///
    /// - Parameters:
    ///   - wait: whether to return only when that is done. Then no time-out applies unless one is given.
    ///   - onProgress: called on an event loop while waiting; must not block.
    /// - Returns: the name of the job.
    @discardableResult
    public func optimize(
        _ collection: String, wait: Bool = true, timeout: Timeout? = nil,
        onProgress: (@Sendable (Progress) -> Void)? = nil
    ) async throws -> String {
        let request = OutgoingRequest("collection.optimize") { writer in
            writer.collection(collection)
            if wait {
                writer.key("wait")
                writer.write(true)
            }
        }
        let bytes = try await perform(
            request, timeout: timeout ?? (wait ? .none : .standard), onProgress: onProgress)
        let job = try ResultObject(bytes).object["job"]
        return job?.stringValue ?? job?["job"]?.stringValue ?? job?.description ?? ""
    }
}
