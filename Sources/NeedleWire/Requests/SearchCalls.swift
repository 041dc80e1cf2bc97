// Parameters of `point.search`, `point.search_batch` and `text.embed`.

package import NeedleCore

/// One search and how its vectors are to be written.
package struct Search: Sendable {
    package var query: SearchQuery
    package var vectorEncoding: VectorEncoding

    package init(query: SearchQuery, vectorEncoding: VectorEncoding = .array) {
        self.query = query
        self.vectorEncoding = vectorEncoding
    }

    /// Bounds of the protocol that no configuration moves.
    package static let limitRange = 1...10_000
    /// The most `offset` and `limit` may make together.
    package static let windowLimit = 10_000
    /// Width of the beam a client may ask for.
    package static let efRange = 1...65_536
    package static let oversamplingRange = 1.0...100.0
    package static let recallRange = 0.5...0.999
    /// Most points of a search that names a recall.
    package static let recallLimit = 100
    /// UTF-8 bytes of a text whose words are searched.
    package static let wordBytes = Filter.Limit.wordBytes
    /// Most keys whose words are searched.
    package static let keyLimit = 64
    /// The constant of reciprocal rank fusion.
    package static let fusionRange = 0...1_000_000
    package static let weightRange = 0.0...1_000_000.0
    /// Most examples of one kind that a recommendation names.
    package static let exampleLimit = 1_000
}

/// `point.search`.
package struct SearchPoints: Sendable {
    package var collection: String
    package var search: Search
    package var minimumLSN: LSN?

    package init(collection: String, search: Search, minimumLSN: LSN? = nil) {
        self.collection = collection
        self.search = search
        self.minimumLSN = minimumLSN
    }
}

/// `point.search_groups`: a search without words or diversity, whose `limit` and `offset` count groups.
package struct SearchGroups: Sendable {
    /// Points that all groups together may have, those of the offset counted.
    package static let pointLimit = 10_000
    package static let standardSize = 3

    package var collection: String
    package var search: Search
    package var grouping: Grouping
    package var minimumLSN: LSN?

    package init(collection: String, search: Search, grouping: Grouping, minimumLSN: LSN? = nil) {
        self.collection = collection
        self.search = search
        self.grouping = grouping
        self.minimumLSN = minimumLSN
    }
}

/// `point.search_batch`. What the batch says of `model` and `vector_encoding` is already in those of its
/// searches that do not say it themselves.
package struct SearchBatch: Sendable {
    package var collection: String
    /// At most `Limits.batchPoints`.
    package var searches: [Search]
    package var minimumLSN: LSN?

    package init(collection: String, searches: [Search], minimumLSN: LSN? = nil) {
        self.collection = collection
        self.searches = searches
        self.minimumLSN = minimumLSN
    }
}

/// `text.embed`.
package struct EmbedTexts: Hashable, Sendable {
    /// At most `Limits.batchPoints`.
    package var texts: [String]
    package var model: String?
    package var kind: EmbeddingKind
    package var vectorEncoding: VectorEncoding

    package init(
        texts: [String], model: String? = nil, kind: EmbeddingKind = .passage,
        vectorEncoding: VectorEncoding = .array
    ) {
        self.texts = texts
        self.model = model
        self.kind = kind
        self.vectorEncoding = vectorEncoding
    }
}
