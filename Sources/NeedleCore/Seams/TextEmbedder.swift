/// What a text is for: models may want another prefix for questions than for passages.
package enum EmbeddingKind: String, Sendable {
    case passage
    case query
}

/// Who made a vector.
package struct ModelDescription: Hashable, Sendable {
    package var name: String
    /// SHA-256 (hex) over weights, tokenizer, pooling, normalisation, prefixes and dimensions (invariant 10).
    package var fingerprint: String
    package var dimensions: Int
    /// Tokens a text is cut at, the special ones counted.
    package var maximumTokens: Int

    package init(name: String, fingerprint: String, dimensions: Int, maximumTokens: Int) {
        self.name = name
        self.fingerprint = fingerprint
        self.dimensions = dimensions
        self.maximumTokens = maximumTokens
    }
}

/// Vectors for a batch of texts, in the order of the texts.
package struct EmbeddingBatch: Sendable {
    package var vectors: [[Float]]
    /// Tokens that went through the model, in all.
    package var tokens: Int
    /// How many texts were cut at the model's limit.
    package var truncated: Int

    package init(vectors: [[Float]], tokens: Int, truncated: Int) {
        self.vectors = vectors
        self.tokens = tokens
        self.truncated = truncated
    }
}

/// Turns texts into vectors of unit length. The engine and the server know the model only through this.
///
/// Implementations are safe to call from several threads at once.
package protocol TextEmbedder: AnyObject, Sendable {
    var model: ModelDescription { get }

    /// - Throws: `cancelled`, `deadline`, or `internal` when the model itself fails.
    func embed(
        _ texts: [String], kind: EmbeddingKind, context: OperationContext
    ) throws(DatabaseError) -> EmbeddingBatch
}
