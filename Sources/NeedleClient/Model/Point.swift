// Points on their way in (`Point`) and out (`StoredPoint`).

/// The components of a vector, in order. Sent exactly, as float32.
public typealias Vector = [Float]

/// A point to be written: an id, what it is found by, and a payload.
///
/// Give one of `vector` (a collection with one unnamed space), `vectors` (by space name) or `text` (a
/// collection with a built-in model; the server embeds it). An upsert replaces the whole point.
public struct Point: Sendable {
    /// The point's identity within its collection.
    public var id: PointID
    /// The vector of the only, unnamed space.
    public var vector: Vector?
    /// Vectors by the name of their space; empty when unused.
    public var vectors: [String: Vector]
    /// Text that the server embeds into every space that has a model and no vector here. It is kept in the
    /// payload under the collection's text key, so the payload must not hold that key itself.
    public var text: String?
    /// What the point carries.
    public var payload: Payload
    /// The write is refused (`conflict`) unless the point has this version now; 0 means it must be absent.
    public var ifVersion: UInt64?
    /// Milliseconds since 1970 from which the point is hidden.
    public var expiresAt: Int64?

    /// A point of a collection with one vector space.
    public init(id: PointID, vector: Vector, payload: Payload = Payload()) {
        self.init(id: id, vector: vector, vectors: [:], text: nil, payload: payload)
    }

    /// A point of a collection with several named spaces; at least one vector.
    public init(id: PointID, vectors: [String: Vector], text: String? = nil, payload: Payload = Payload()) {
        self.init(id: id, vector: nil, vectors: vectors, text: text, payload: payload)
    }

    /// A point that the server embeds with the collection's model.
    public init(id: PointID, text: String, payload: Payload = Payload()) {
        self.init(id: id, vector: nil, vectors: [:], text: text, payload: payload)
    }

    package init(id: PointID, vector: Vector?, vectors: [String: Vector], text: String?, payload: Payload) {
        self.id = id
        self.vector = vector
        self.vectors = vectors
        self.text = text
        self.payload = payload
    }
}

/// A point as the server has it. What the request did not ask for is `nil`.
public struct StoredPoint: Sendable {
    /// The point's identity.
    public var id: PointID
    /// The log sequence number of the write that last changed the point.
    public var version: UInt64
    /// The payload, or the chosen members of it.
    public var payload: Payload?
    /// The vector of the only, unnamed space, bit for bit as it was written.
    public var vector: Vector?
    /// The vectors by space name, in a collection with named spaces.
    public var vectors: [String: Vector]?
    /// Milliseconds since 1970 from which the point is hidden, if it expires.
    public var expiresAt: Int64?
}

/// Which part of the payload an answer carries.
public enum PayloadSelection: Hashable, Sendable {
    /// The whole payload.
    case all
    /// No payload.
    case none
    /// These members at the top level, in the payload's own order.
    case keys([String])
}
