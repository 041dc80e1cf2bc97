// Changing parts of points: their payloads, their vectors.

import NeedleCore

/// New vectors of one point; those of its other spaces stay.
public struct PointVectors: Sendable {
    /// The point; one that is not there is ignored.
    public var id: PointID
    /// By the names of the spaces.
    public var vectors: [String: Vector]
    /// In a collection with one space.
    public var vector: Vector?

    /// Vectors by the names of their spaces.
    public init(id: PointID, vectors: [String: Vector]) {
        self.id = id
        self.vectors = vectors
    }

    /// The vector of the only space.
    public init(id: PointID, vector: Vector) {
        self.id = id
        vectors = [:]
        self.vector = vector
    }
}

extension NeedletailClient {
    /// Sets top-level keys of payloads, and keeps the others.
    ///
    /// - Parameter opKey: as of ``upsert(_:_:ifAbsent:opKey:timeout:)``.
    /// - Returns: with ``WriteResult/changed``, the points found; ids that are not there are ignored.
    @discardableResult
    public func setPayload(
        _ collection: String, _ payload: Payload, of choice: PointChoice, opKey: String? = nil,
        timeout: Timeout = .standard
    ) async throws -> WriteResult {
        try await change("point.set_payload", collection, choice, opKey, timeout) { writer in
            writer.key("payload")
            writer.writeRaw(payload.bytes)
        }
    }

    /// Replaces whole payloads.
    @discardableResult
    public func replacePayload(
        _ collection: String, with payload: Payload, of choice: PointChoice, opKey: String? = nil,
        timeout: Timeout = .standard
    ) async throws -> WriteResult {
        try await change("point.replace_payload", collection, choice, opKey, timeout) { writer in
            writer.key("payload")
            writer.writeRaw(payload.bytes)
        }
    }

    /// Deletes top-level keys of payloads.
    @discardableResult
    public func deletePayload(
        _ collection: String, keys: [String], of choice: PointChoice, opKey: String? = nil,
        timeout: Timeout = .standard
    ) async throws -> WriteResult {
        try await change("point.delete_payload", collection, choice, opKey, timeout) { writer in
            writer.key("keys")
            writer.array(keys) { $0.write($1) }
        }
    }

    private func change(
        _ method: StaticString, _ collection: String, _ choice: PointChoice, _ opKey: String?,
        _ timeout: Timeout,
        _ change: (inout JSONWriter) -> Void
    ) async throws -> WriteResult {
        let request = OutgoingRequest(method) { writer in
            writer.collection(collection)
            writer.operationKey(opKey)
            writer.choice(choice)
            change(&writer)
        }
        return try WriteResult(try await perform(request, timeout: timeout))
    }

    /// Replaces vectors, and keeps payloads and the vectors of other spaces.
    @discardableResult
    public func setVectors(
        _ collection: String, _ points: [PointVectors], opKey: String? = nil, timeout: Timeout = .standard
    ) async throws -> WriteResult {
        let request = OutgoingRequest("point.set_vectors") { writer in
            writer.collection(collection)
            writer.operationKey(opKey)
            writer.key("points")
            writer.array(points) { $0.write($1) }
        }
        return try WriteResult(try await perform(request, timeout: timeout))
    }
}

extension JSONWriter {
    mutating func choice(_ choice: PointChoice) {
        switch choice {
        case .ids(let ids):
            key("ids")
            array(ids) { $0.write($1) }
        case .filter(let filter):
            key("filter")
            write(filter.json)
        case .all:
            key("all")
            write(true)
        }
    }

    fileprivate mutating func write(_ point: PointVectors) {
        beginObject()
        key("id")
        write(point.id)
        vectors(point.vector, point.vectors)
        endObject()
    }
}
