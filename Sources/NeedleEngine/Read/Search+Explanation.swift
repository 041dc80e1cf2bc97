import NeedleCore
import NeedlePayloads

// How an answer was found, as the object that people read (docs/explain.md).

extension Search {
    /// Evaluates every condition of the filter by itself, which the search did not do, on the moment that it saw.
    func explanation(of trace: SearchTrace) throws(DatabaseError) -> JSONValue {
        var members: [JSONValue.Member] = []
        if let filter = query.filter { members.append(.init("filter", try explanation(of: filter, trace))) }
        members.append(.init("segments", .array(trace.segments.map { explanation(of: $0) })))
        if let hybrid = query.hybrid { members.append(.init("words", explanation(of: hybrid))) }
        let phases = trace.phases.map { JSONValue.Member($0.name, .count(Int($0.nanoseconds / 1000))) }
        members.append(.init("phases_us", .object(phases)))
        return .object(members)
    }

    private func explanation(of trace: SegmentTrace) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("segment", .count(Int(trace.segment.id))),
            .init("state", .string(trace.segment is SealedSegment ? "sealed" : "growing")),
            .init("rows", .count(trace.rows)),
        ]
        if let matching = trace.matching { members.append(.init("matching", .count(matching))) }
        members += [.init("strategy", .string(trace.way)), .init("why", .string(trace.why))]
        if let ef = trace.ef { members.append(.init("ef", .count(ef))) }
        members += [
            .init("nodes_visited", .count(trace.nodesVisited)),
            .init(
                "distances",
                .object([
                    .init("coded", .count(trace.codedDistances)), .init("full", .count(trace.fullDistances)),
                ])),
            .init("rescored", .count(trace.rescored)), .init("widenings", .count(trace.widenings)),
            .init("found", .count(trace.found)), .init("us", .count(Int(trace.nanoseconds / 1000))),
        ]
        return .object(members)
    }

    private func explanation(of hybrid: HybridSearch) -> JSONValue {
        let paths = KeywordScan.paths(of: hybrid, view: view, config: config)
        return .object([
            .init(
                "keys",
                .array(
                    paths.map { path in
                        .object([
                            .init("key", .string(path.text)),
                            .init("index", view.analyses[path] == nil ? .null : .string("text")),
                        ])
                    })),
            .init("candidates", .count(depth)),
        ])
    }

    // MARK: The filter

    private func explanation(of filter: Filter, _ trace: SearchTrace) throws(DatabaseError) -> JSONValue {
        let whole = try count(filter)
        var leaves: [JSONValue] = []
        for leaf in filter.leaves {
            let count = try count(Filter(must: [leaf.condition]))
            var members: [JSONValue.Member] = [
                .init("at", .string(leaf.place)), .init("condition", .string(leaf.condition.kind)),
            ]
            if let path = leaf.condition.path { members.append(.init("key", .string(path.text))) }
            members.append(.init("index", count.index.map { .string($0) } ?? .null))
            leaves.append(.object(members + count.members))
        }
        return .object(whole.members + [.init("leaves", .array(leaves))])
    }

    private struct FilterCount {
        /// What the indexes say before any payload is looked at.
        var certain = 0
        var undecided = 0
        var matching = 0
        /// The type of the index that answers a condition, somewhere.
        var index: String?

        var members: [JSONValue.Member] {
            let way = undecided == 0 ? "index" : certain == 0 && index == nil ? "scan" : "index_and_scan"
            return [
                .init("way", .string(way)), .init("estimated", .count(certain + undecided / 2)),
                .init("matching", .count(matching)), .init("scanned", .count(undecided)),
            ]
        }
    }

    private func count(_ filter: Filter) throws(DatabaseError) -> FilterCount {
        let scan = FilterScan(filter, view: view, context: context)
        var count = FilterCount()
        for segment in view.set.searchable {
            let bounds = try scan.bounds(of: segment)
            count.certain += bounds.certain.count
            count.undecided += bounds.undecided.count
            count.matching += try scan.selection(of: segment).count
            if filter.must.count == 1, let path = filter.must[0].path {
                count.index =
                    count.index ?? segment.fieldIndexes.usable.set.stripes(of: path).first?.type.rawValue
            }
        }
        return count
    }
}

extension JSONValue {
    static func count(_ value: Int) -> JSONValue { .number(.signed(Int64(value))) }
}

extension Filter {
    /// Its conditions on keys and ids, at all depths, with their places.
    fileprivate var leaves: [(place: String, condition: Condition)] {
        var leaves: [(place: String, condition: Condition)] = []
        let parts = [
            ("must", must), ("should", should), ("must_not", mustNot),
            ("min_should.conditions", minimumShould?.conditions ?? []),
        ]
        for (name, conditions) in parts {
            for (index, condition) in conditions.enumerated() {
                let place = "\(name)[\(index)]"
                if case .filter(let inner) = condition {
                    leaves += inner.leaves.map { ("\(place).\($0.place)", $0.condition) }
                } else {
                    leaves.append((place, condition))
                }
            }
        }
        return leaves
    }
}

extension Condition {
    /// As the protocol calls it.
    fileprivate var kind: String {
        switch self {
        case .matchAny: "match"
        case .matchExcept: "match.except"
        case .range: "range"
        case .words(_, let test): "match.\(test.kind.rawValue)"
        case .geo(_, let shape):
            switch shape {
            case .radius: "geo_radius"
            case .box: "geo_box"
            case .polygon: "geo_polygon"
            }
        case .valuesCount: "values_count"
        case .isNull: "is_null"
        case .isEmpty: "is_empty"
        case .hasID: "has_id"
        case .nested: "nested"
        case .filter: "filter"
        }
    }
}
