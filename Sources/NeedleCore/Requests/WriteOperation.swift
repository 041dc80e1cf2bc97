/// What a write asks for. The engine resolves it to effects before anything is logged (invariant 2).
package enum WriteOperation: Sendable {
    /// Replaces whole points. Of two with one id the last wins.
    case upsert([PointWrite], ifAbsent: Bool)
    case delete(PointChoice)
    case changePayload(PayloadChange, PointChoice)
    /// Replaces vectors and keeps the rest of each point; ids that are not there are ignored.
    case setVectors([PointVectors])
    /// Cuts texts into chunks, which become points; chunks that are no more go. Of two with one id the last wins.
    case upsertDocuments([DocumentWrite], ChunkSizes)
    /// By document id.
    case deleteDocuments([String])
}

/// What is done to the payloads of some points.
package enum PayloadChange: Hashable, Sendable {
    /// Top-level keys of this one replace those that are there, each in its place; new ones are appended.
    case set(Payload)
    case replace(Payload)
    /// Top-level keys that go; those that are not there make no difference.
    case deleteKeys([String])
}

/// New vectors of one point.
package struct PointVectors: Sendable {
    package var id: PointID
    package var vectors: VectorInput

    package init(id: PointID, vectors: VectorInput) {
        self.id = id
        self.vectors = vectors
    }
}
