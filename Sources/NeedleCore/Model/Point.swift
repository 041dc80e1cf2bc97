// Points on their way in and out. Which spaces a collection has is the engine's knowledge, so a vector that comes
// from a client keeps the shape it was sent in.

/// Vectors as a client gives them.
package enum VectorInput: Hashable, Sendable {
    /// `"vector"`: for a collection with one unnamed space.
    case single([Float])
    /// `"vectors"`: by space name, in the order sent; names distinct.
    case named([NamedVector])
    /// Only `"text"`, or nothing.
    case absent
}

package struct NamedVector: Hashable, Sendable {
    package var space: String
    package var vector: [Float]

    package init(space: String, vector: [Float]) {
        self.space = space
        self.vector = vector
    }
}

/// One point of an upsert.
package struct PointWrite: Sendable {
    package var id: PointID
    package var vectors: VectorInput
    package var text: String?
    package var payload: Payload
    /// The write is refused unless the point's version is this one; 0 = must be absent.
    package var ifVersion: LSN?
    /// Milliseconds since 1970 from which the point is hidden.
    package var expiresAt: Int64?

    package init(
        id: PointID, vectors: VectorInput, text: String? = nil, payload: Payload = .empty,
        ifVersion: LSN? = nil, expiresAt: Int64? = nil
    ) {
        self.id = id
        self.vectors = vectors
        self.text = text
        self.payload = payload
        self.ifVersion = ifVersion
        self.expiresAt = expiresAt
    }
}

/// A point as it is read back. What the request did not ask for is `nil`.
package struct PointRecord: Hashable, Sendable {
    package var id: PointID
    package var version: LSN
    package var expiresAt: Int64?
    package var payload: Payload?
    /// One entry per space the point has, in the collection's order; the unnamed space has an empty name.
    package var vectors: [NamedVector]?

    package init(id: PointID, version: LSN, expiresAt: Int64?, payload: Payload?, vectors: [NamedVector]?) {
        self.id = id
        self.version = version
        self.expiresAt = expiresAt
        self.payload = payload
        self.vectors = vectors
    }
}

/// A search hit: a record and how near it is, in the metric's own terms (`cosine` and `dot`: higher is better).
package struct SearchHit: Sendable {
    package var record: PointRecord
    package var score: Double

    package init(record: PointRecord, score: Double) {
        self.record = record
        self.score = score
    }
}
