/// Into which groups a search's points are put: one for each string, number or boolean at a key. A point with several
/// values is in several groups, one without a value in none.
package struct Grouping: Hashable, Sendable {
    package var path: FieldPath
    /// Points of a group, at least 1.
    package var size: Int

    package init(path: FieldPath, size: Int) {
        self.path = path
        self.size = size
    }
}

/// The points of one value, the nearest first.
package struct PointGroup: Sendable {
    package var value: MatchValue
    package var hits: [SearchHit]

    package init(value: MatchValue, hits: [SearchHit]) {
        self.value = value
        self.hits = hits
    }
}

/// The answer to a search in groups.
package struct GroupedResult: Sendable {
    /// In the order of their nearest points.
    package var groups: [PointGroup]
    /// False only when part of the data could not be consulted.
    package var complete: Bool
    package var strategy: SearchStrategy
    package var tookMicroseconds: Int
    /// The state the answer shows.
    package var lsn: LSN
    /// How it was found, when that was asked for.
    package var explanation: JSONValue?

    package init(
        groups: [PointGroup], complete: Bool, strategy: SearchStrategy, tookMicroseconds: Int, lsn: LSN
    ) {
        self.groups = groups
        self.complete = complete
        self.strategy = strategy
        self.tookMicroseconds = tookMicroseconds
        self.lsn = lsn
    }
}
