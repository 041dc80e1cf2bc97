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

/// How long a text is for the model.
package struct TextLength: Hashable, Sendable {
    /// Tokens, the special ones counted.
    package var tokens: Int
    /// Whether it was cut at the model's limit.
    package var isTruncated: Bool

    package init(tokens: Int, isTruncated: Bool) {
        self.tokens = tokens
        self.isTruncated = isTruncated
    }
}

/// Vectors for a batch of texts, in the order of the texts.
package struct EmbeddingBatch: Sendable {
    package var vectors: [[Float]]
    /// Tokens that the texts have, in all.
    package var tokens: Int
    /// How many texts were cut at the model's limit.
    package var truncated: Int
    /// Of each text; empty where only the sums are known, as behind the wire.
    package var lengths: [TextLength]

    package init(vectors: [[Float]], tokens: Int, truncated: Int) {
        self.vectors = vectors
        self.tokens = tokens
        self.truncated = truncated
        lengths = []
    }

    package init(vectors: [[Float]], lengths: [TextLength]) {
        precondition(vectors.count == lengths.count, "a length for every text")
        self.vectors = vectors
        self.lengths = lengths
        tokens = lengths.reduce(0) { $0 + $1.tokens }
        truncated = lengths.count { $0.isTruncated }
    }
}

/// What a cache in front of a model has done since the start, and holds now.
package struct EmbeddingCacheStatistics: Hashable, Sendable {
    /// Texts whose vector was in memory, in the file, or had to be computed.
    package var memoryHits = 0
    package var fileHits = 0
    package var misses = 0
    package var entries = 0
    package var bytesInMemory = 0
    package var bytesOnDisk = 0
    /// Records of the file that were not what had been written; dropped, never served.
    package var damaged = 0

    package init() {}
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

    /// The same from memory alone, when that is possible for all texts: no waiting, no file, no model.
    func remembered(_ texts: [String], kind: EmbeddingKind) -> EmbeddingBatch?

    /// Cuts a text into parts that the model reads whole, in the order of the text. The same text gives the same chunks,
    /// whatever else happened.
    ///
    /// - Parameter limit: chunks at most.
    /// - Throws: `invalid_params` at `chunk` for sizes that the model cannot do, `limit_exceeded` for more chunks than
    ///   `limit`, `cancelled`, `deadline`.
    func chunks(
        of text: String, format: DocumentFormat, sizes: ChunkSizes, limit: Int, context: OperationContext
    ) throws(DatabaseError) -> [TextChunk]

    /// Of the cache in front of the model; `nil` without one.
    var cacheStatistics: EmbeddingCacheStatistics? { get }
}

extension TextEmbedder {
    package func remembered(_ texts: [String], kind: EmbeddingKind) -> EmbeddingBatch? { nil }
    package var cacheStatistics: EmbeddingCacheStatistics? { nil }
}

/// The models that are there. The first one is the default: for `text.embed` without a model.
///
/// A value; safe from any thread.
package struct Embedders: Sendable {
    package let all: [any TextEmbedder]

    package init(_ all: [any TextEmbedder] = []) {
        self.all = all
    }

    package var first: (any TextEmbedder)? { all.first }

    /// The model of this name or fingerprint; of two with one name the earlier one.
    package func named(_ model: String) -> (any TextEmbedder)? {
        all.first { $0.model.fingerprint == model } ?? all.first { $0.model.name == model }
    }
}
