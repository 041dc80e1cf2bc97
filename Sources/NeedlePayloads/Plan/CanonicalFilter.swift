import NeedleCore

/// Filters without what makes no difference: filters that only wrap, parts that always hold, conditions that are there
/// twice, the order of conditions. What matches stays the same.
enum CanonicalFilter {
    static func of(_ filter: Filter) -> Filter {
        if isPlain(filter) { return filter }
        var must: [Condition] = []
        for condition in filter.must { append(condition, to: &must) }
        var should = filter.should.map(simplify)
        // One that always holds satisfies the part.
        if should.contains(where: isAlwaysTrue) { should = [] }
        should = distinct(should)
        if should.count == 1 {
            append(should[0], to: &must)
            should = []
        }
        var minimum = filter.minimumShould
        if let asked = minimum {
            let conditions = asked.conditions.map(simplify)
            let isVoid = asked.minimumCount == 0 || conditions.isEmpty
            // Here a condition that is there twice counts twice.
            minimum =
                isVoid
                ? nil : Filter.MinimumShould(conditions: sorted(conditions), minimumCount: asked.minimumCount)
        }
        return Filter(
            must: distinct(must), should: should, mustNot: distinct(filter.mustNot.map(simplify)),
            minimumShould: minimum)
    }

    /// Whether there is nothing to simplify: one condition, without parts.
    private static func isPlain(_ filter: Filter) -> Bool {
        guard filter.should.isEmpty, filter.minimumShould == nil,
            filter.must.count + filter.mustNot.count == 1
        else { return false }
        switch filter.must.first ?? filter.mustNot[0] {
        case .filter, .nested: return false
        case .matchAny(_, let values), .matchExcept(_, let values): return values.count == 1
        default: return true
        }
    }

    /// Adds a condition that must hold; a filter gives its parts.
    private static func append(_ condition: Condition, to must: inout [Condition]) {
        let simple = simplify(condition)
        guard case .filter(let inner) = simple, inner.should.isEmpty, inner.mustNot.isEmpty,
            inner.minimumShould == nil
        else { return must.append(simple) }
        must += inner.must
    }

    private static func simplify(_ condition: Condition) -> Condition {
        switch condition {
        case .filter(let inner):
            let simple = of(inner)
            let isOne =
                simple.must.count == 1 && simple.should.isEmpty && simple.mustNot.isEmpty
                && simple.minimumShould == nil
            return isOne ? simple.must[0] : .filter(simple)
        case .nested(let path, let inner): return .nested(path, of(inner))
        case .matchAny(let path, let values): return .matchAny(path, Set(values).sorted())
        case .matchExcept(let path, let values): return .matchExcept(path, Set(values).sorted())
        default: return condition
        }
    }

    private static func isAlwaysTrue(_ condition: Condition) -> Bool {
        if case .filter(let inner) = condition { inner == Filter() } else { false }
    }

    private static func distinct(_ conditions: [Condition]) -> [Condition] {
        guard conditions.count > 1 else { return conditions }
        var seen: Set<Condition> = []
        return sorted(conditions.filter { seen.insert($0).inserted })
    }

    private static func sorted(_ conditions: [Condition]) -> [Condition] {
        guard conditions.count > 1 else { return conditions }
        return conditions.map { (key: $0.orderKey, condition: $0) }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.condition)
    }
}
