import NeedleCore
import NeedlePayloads

/// A search whose points come in groups by the values at a key.
///
/// 1. The nearest points, more than are wanted, give the values that are nearest.
/// 2. While there are too few of them, the nearest points that have some other value give more. Each such round finds one
///    at least, if there is one, so `min(limit, values)` groups come back.
/// 3. Groups that are not full yet are searched by themselves, among the points with their value.
///
/// A first point of a group found in one round is no nearer than those of the rounds before, as far as the search
/// finds what is nearest.
struct GroupedSearch {
    let search: Search
    let grouping: Grouping
    private let values: ScalarValues

    struct Outcome {
        var groups: [PointGroup]
        var strategy: SearchStrategy
        var isComplete: Bool
    }

    /// A group on its way.
    private struct Group {
        let value: MatchValue
        var members: [Search.Candidate] = []
        /// There are no other points with the value.
        var isWhole = false
    }

    /// Points of one round, at least and at most.
    private static let roundPoints = 100...10_000

    init(search: Search, grouping: Grouping) {
        self.search = search
        self.grouping = grouping
        values = ScalarValues(grouping.path)
    }

    /// Groups wanted before the offset is cut off.
    private var wanted: Int { search.query.offset + search.query.limit }

    func run() throws(DatabaseError) -> Outcome {
        try search.withoutDamage { () throws(DatabaseError) in
            let segments = search.view.set.searchable
            search.trace?.begin()
            let base = try search.selections(of: segments)
            search.trace?.end("filter")
            var strategies: Set<SearchStrategy> = []
            var groups = try nearestValues(segments, base, &strategies)
            try fill(&groups, segments, base, &strategies)
            let finished = try finished(groups, in: segments)
            search.trace?.end("points")
            return Outcome(
                groups: finished,
                strategy: strategies.count == 1 ? strategies.first ?? .exact : .mixed,
                isComplete: segments.count == search.view.set.count)
        }
    }

    /// The same search for so many points.
    private func search(for count: Int) -> Search {
        var query = search.query
        query.offset = 0
        query.limit = count
        return search.asking(query)
    }

    // MARK: Which values

    private func nearestValues(
        _ segments: [any Segment], _ base: [PointSet]?, _ strategies: inout Set<SearchStrategy>
    ) throws(DatabaseError) -> [Group] {
        let range = Self.roundPoints
        let count = min(range.upperBound, max(range.lowerBound, 2 * wanted * grouping.size))
        let round = search(for: count)
        var groups: [Group] = []
        var places: [MatchValue: Int] = [:]
        var selections = base
        while true {
            let (ranking, strategy) = try round.rank(segments, selections)
            strategies.insert(strategy)
            let known = groups.count
            for candidate in ranking {
                for value in try values(of: candidate, in: segments) {
                    let place = places[value, default: groups.count]
                    if place == groups.count {
                        guard groups.count < wanted else { continue }
                        places[value] = place
                        groups.append(Group(value: value))
                    }
                    if place >= known, groups[place].members.count < grouping.size {
                        groups[place].members.append(candidate)
                    }
                }
            }
            // All points that have one of the new values were among them.
            let isAll = ranking.count < count
            if isAll { for place in known..<groups.count { groups[place].isWhole = true } }
            if isAll || groups.count == wanted { return groups }
            selections = try self.selections(
                .matchExcept(grouping.path, groups.map(\.value)), of: segments, within: base)
        }
    }

    /// A row's values, in their order.
    private func values(
        of candidate: Search.Candidate, in segments: [any Segment]
    ) throws(DatabaseError) -> [MatchValue] {
        let segment = segments[candidate.segment]
        return try values(of: Int(candidate.row), in: segment).sorted()
    }

    private func values(of row: Int, in segment: any Segment) throws(DatabaseError) -> Set<MatchValue> {
        let payload = try segment.payload(of: row, at: search.view.lsn)
        do throws(JSONError) {
            return try values.values(payload: payload.span)
        } catch {
            throw FilterScan.damaged(row, of: segment, error)
        }
    }

    private func selections(
        _ condition: Condition, of segments: [any Segment], within base: [PointSet]?
    ) throws(DatabaseError) -> [PointSet] {
        let scan = FilterScan(Filter(must: [condition]), view: search.view, context: search.context)
        return try scan.selections(of: segments, within: base)
    }

    // MARK: Their points

    /// Searches groups by themselves that may have more points than were met.
    private func fill(
        _ groups: inout [Group], _ segments: [any Segment], _ base: [PointSet]?,
        _ strategies: inout Set<SearchStrategy>
    ) throws(DatabaseError) {
        let places = groups.indices.filter {
            groups[$0].members.count < grouping.size && !groups[$0].isWhole
        }
        guard !places.isEmpty else { return }
        let rows = try rows(of: places.map { groups[$0].value }, segments, base)
        let search = search(for: grouping.size)
        for (number, place) in places.enumerated() {
            try search.context.check()
            let (ranking, strategy) = try search.rank(segments, rows.map { $0[number] })
            strategies.insert(strategy)
            // A search by graph may have missed one that was met before.
            let found = Set(ranking.map(Row.init))
            let missed = groups[place].members.filter { !found.contains(Row($0)) }
            let all = (ranking + missed).sorted { search.isNearer($0, $1, in: segments) }
            groups[place].members = Array(all.prefix(grouping.size))
        }
    }

    private struct Row: Hashable {
        let segment: Int
        let row: UInt32

        init(_ candidate: Search.Candidate) {
            segment = candidate.segment
            row = candidate.row
        }
    }

    /// Of each segment and value the rows that have it: from an index of keywords where it covers the segment, else from
    /// one look at the rows that have any of the values.
    private func rows(
        of wanted: [MatchValue], _ segments: [any Segment], _ base: [PointSet]?
    ) throws(DatabaseError) -> [[PointSet]] {
        var result: [[PointSet]] = []
        for (number, segment) in segments.enumerated() {
            let stripes = segment.fieldIndexes.usable.set.stripes(of: grouping.path)
            let isCovered =
                stripes.first?.type == .keyword
                && (stripes.last?.rows.upperBound ?? 0) >= segment.visibleRows(at: search.view.lsn)
            if isCovered {
                var sets: [PointSet] = []
                for value in wanted { sets.append(try selection([value], of: segment, base?[number])) }
                result.append(sets)
            } else {
                let places = Dictionary(
                    uniqueKeysWithValues: wanted.enumerated().map { ($0.element, $0.offset) })
                var lists = [[UInt32]](repeating: [], count: wanted.count)
                for row in try selection(wanted, of: segment, base?[number]) {
                    for value in try values(of: Int(row), in: segment) {
                        if let place = places[value] { lists[place].append(row) }
                    }
                }
                result.append(lists.map { PointSet($0) })
            }
        }
        return result
    }

    private func selection(
        _ wanted: [MatchValue], of segment: any Segment, _ base: PointSet?
    ) throws(DatabaseError) -> PointSet {
        let filter = Filter(must: [.matchAny(grouping.path, wanted)])
        return try FilterScan(filter, view: search.view, context: search.context)
            .selection(of: segment, within: base)
    }

    // MARK: The answer

    private func finished(
        _ groups: [Group], in segments: [any Segment]
    ) throws(DatabaseError) -> [PointGroup] {
        let kept = groups.map { (value: $0.value, members: $0.members.filter(search.meetsThreshold)) }
            .filter { !$0.members.isEmpty }
            .sorted { left, right in
                let (a, b) = (left.members[0], right.members[0])
                return Row(a) == Row(b) ? left.value < right.value : search.isNearer(a, b, in: segments)
            }
        var result: [PointGroup] = []
        for group in kept.dropFirst(search.query.offset).prefix(search.query.limit) {
            result.append(
                PointGroup(
                    value: group.value, hits: try search.records(of: group.members, in: segments)))
        }
        return result
    }
}
