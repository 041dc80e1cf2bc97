import NeedleCore
import NeedleVectors

/// What was measured on one space of one segment, with one kind of queries.
struct SpaceRecall: Hashable, Sendable {
    /// The graph it was measured on.
    var graph: GraphStamp
    var filterClass: FilterClass = .unfiltered
    /// Rows that the graph reached, and how many of them were alive.
    var rows: Int
    var live: Int
    /// Queries sampled by then: tells whether there are new ones.
    var sampled: Int
    /// Milliseconds since 1970.
    var measuredMS: Int64
    /// Measured on a sample of full size.
    var isRefined = false
    /// One a depth, by rising k.
    var curves: [RecallCurve]

    var queries: Int { curves.first?.points.first?.queries ?? 0 }

    /// The curve for so many wanted rows: the next measured depth, else the deepest.
    func curve(wanted: Int) -> RecallCurve? {
        curves.first { $0.k >= wanted } ?? curves.last
    }
}

/// Tells whether a graph is still the one that was measured: sealing may link it anew, lay it out anew, or give it
/// other codes or sketches. O(1): a few lists are looked at. Rows appended since make another stamp too.
struct GraphStamp: Hashable, Sendable {
    /// What distances are computed on: curves of one kind say nothing of another.
    var codeKind: UInt32
    var links: UInt64

    private static let lists = 16

    init(codeKind: UInt32, links: UInt64) {
        self.codeKind = codeKind
        self.links = links
    }

    init(_ graph: GraphView, rows: Int) {
        codeKind = graph.header.codeKind
        // Sketches let a traversal pass over rows, so a beam finds a little less with them.
        var hash = UInt64(graph.header.entryRow) << 1 | (graph.sketches == nil ? 0 : 1)
        for place in 0..<min(rows, Self.lists) {
            let row = UInt32(place * rows / min(rows, Self.lists))
            for other in graph.neighbours(of: row, level: 0) {
                hash = SeededGenerator.mix(hash ^ UInt64(other))
            }
        }
        links = hash
    }
}

/// Where the queries of a measurement came from.
enum RecallSource: UInt32, Sendable, CaseIterable {
    /// Stored points, each as though it were not stored.
    case points = 0
    /// What clients asked.
    case queries = 1

    var name: String { self == .points ? "points" : "queries" }
}

/// What is measured by itself: a space of a segment, with queries of one kind.
struct RecallKey: Hashable, Sendable {
    var segment: UInt64
    var space: Int
    var source: RecallSource
}

/// Everything measured on a collection, as searches take it: replaced as a whole, never changed.
struct RecallTable: Sendable {
    private(set) var entries: [RecallKey: SpaceRecall] = [:]

    subscript(key: RecallKey) -> SpaceRecall? {
        get { entries[key] }
        set { entries[key] = newValue }
    }

    /// The same, if there is a curve for such codes.
    subscript(key: RecallKey, codeKind codeKind: UInt32) -> SpaceRecall? {
        guard let known = entries[key], known.graph.codeKind == codeKind, !known.curves.isEmpty else {
            return nil
        }
        return known
    }

    /// The newest measurement of the space in any segment: for segments that have none of their own. O(entries).
    func newest(space: Int, source: RecallSource, codeKind: UInt32) -> SpaceRecall? {
        var best: (key: RecallKey, known: SpaceRecall)?
        for (key, known) in entries where key.space == space && key.source == source {
            guard known.graph.codeKind == codeKind, !known.curves.isEmpty else { continue }
            if let best, (best.known.measuredMS, best.key.segment) > (known.measuredMS, key.segment) {
                continue
            }
            best = (key, known)
        }
        return best?.known
    }

    /// Forgets segments that are gone.
    mutating func keep(segments: Set<UInt64>) {
        entries = entries.filter { segments.contains($0.key.segment) }
    }
}
