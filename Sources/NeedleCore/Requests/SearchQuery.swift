/// What a search looks for.
package enum SearchTarget: Sendable {
    case vector([Float])
    /// Embedded by the server before the engine sees the query.
    case text(String)
    /// The neighbours of a stored point, the point itself left out.
    case point(PointID)
    /// What is like the first points and unlike the second ones; they themselves are left out. At least one of the
    /// first; no id twice in one of them.
    case examples(positive: [PointID], negative: [PointID])
}

/// How hard a search tries: at most one of the three ways of saying it.
package enum SearchEffort: Hashable, Sendable {
    /// The collection's default.
    case standard
    /// Width of the beam.
    case ef(Int)
    /// The recall wanted, 0.5 … 0.999; the effort follows from what the collection measured of itself.
    case recall(Double)
    /// Every visible point is compared.
    case exact
}

/// A nearest-neighbour query against one space of a collection.
package struct SearchQuery: Sendable {
    package var target: SearchTarget
    package var space: String?
    package var limit: Int
    package var offset: Int
    /// Inclusive: a lower bound, for euclid without words an upper one.
    package var scoreThreshold: Double?
    package var filter: Filter?
    package var effort: SearchEffort
    /// Whether what codes found is ordered again by the original vectors. If not, scores of what a graph found
    /// are estimates.
    package var rescores = true
    /// How many times the wanted number of points is rescored, at least 1; nil leaves it to the server.
    package var oversampling: Double?
    /// What words find joins what vectors find.
    package var hybrid: HybridSearch?
    package var diversity: Diversity?
    /// Whether the answer says how it was found. Other searches pay nothing for it.
    package var explains = false
    package var selection: PointSelection
    /// Model name or fingerprint the client believes in; checked.
    package var model: String?

    /// Neither words nor diversity order what vectors find, and nothing is to be explained.
    package var isByVectorsAlone: Bool { hybrid == nil && diversity == nil && !explains }

    package init(
        target: SearchTarget, space: String? = nil, limit: Int = 10, offset: Int = 0,
        scoreThreshold: Double? = nil, filter: Filter? = nil, effort: SearchEffort = .standard,
        selection: PointSelection = PointSelection(), model: String? = nil
    ) {
        self.target = target
        self.space = space
        self.limit = limit
        self.offset = offset
        self.scoreThreshold = scoreThreshold
        self.filter = filter
        self.effort = effort
        self.selection = selection
        self.model = model
    }
}

/// How an answer was found. Raw values are names on the wire.
package enum SearchStrategy: String, Sendable {
    case graph
    case exact
    case filteredGraph = "filtered_graph"
    case mixed
}

/// The answer to a search.
package struct SearchResult: Sendable {
    package var hits: [SearchHit]
    /// False only when part of the data could not be consulted.
    package var complete: Bool
    package var strategy: SearchStrategy
    package var tookMicroseconds: Int
    /// The state the answer shows.
    package var lsn: LSN
    /// How it was found, when that was asked for: an object for people (docs/explain.md).
    package var explanation: JSONValue?

    package init(hits: [SearchHit], complete: Bool, strategy: SearchStrategy, tookMicroseconds: Int, lsn: LSN)
    {
        self.hits = hits
        self.complete = complete
        self.strategy = strategy
        self.tookMicroseconds = tookMicroseconds
        self.lsn = lsn
    }
}
