package import NeedleCore
import Synchronization

/// The indexes of a segment: for a key, stripes that follow each other from row 0 on. Rows behind the last are not
/// indexed yet. Immutable; readers take it as it is.
package struct FieldIndexSet: Sendable {
    private let stripes: [FieldPath: [FieldIndex]]

    package static let none = FieldIndexSet([:])

    /// - Precondition: the stripes of a key begin at row 0 and follow each other without a gap.
    package init(_ stripes: [FieldPath: [FieldIndex]]) {
        for list in stripes.values {
            var end = 0
            for stripe in list {
                precondition(stripe.rows.lowerBound == end, "stripes follow each other")
                end = stripe.rows.upperBound
            }
        }
        self.stripes = stripes
    }

    package var isEmpty: Bool { stripes.isEmpty }

    package func stripes(of path: FieldPath) -> [FieldIndex] { stripes[path] ?? [] }

    package var byteCount: Int { stripes.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.byteCount } } }
}

/// The rows of one segment that a filter is asked about.
package struct FilterSubject {
    /// Rows [0, rows).
    package var rows: Int
    package var indexes: FieldIndexSet
    /// Rows whose payload is newer than what the indexes were built from: nothing that those say counts for them.
    package var overlaid: PointSet
    /// The rows that have one of these ids.
    package var rowsOfIDs: (Set<PointID>) throws(DatabaseError) -> PointSet

    package init(
        rows: Int, indexes: FieldIndexSet, overlaid: PointSet = .empty,
        rowsOfIDs: @escaping (Set<PointID>) throws(DatabaseError) -> PointSet
    ) {
        self.rows = rows
        self.indexes = indexes
        self.overlaid = overlaid
        self.rowsOfIDs = rowsOfIDs
    }
}

/// A filter as indexes answer it: bounds of the rows that match, from the bounds of its leaves.
///
/// Whatever the indexes are, what lies between the bounds is decided by `matcher` on the payloads, so the answer is
/// the same with any indexes and with none. A value type; safe to share.
package struct FilterPlan: Sendable {
    package let filter: Filter
    private let analyses: [FieldPath: TextAnalysis]
    private let made = MadeMatcher()

    /// - Parameter analyses: of keys with a text index, as the indexes were built.
    package init(_ filter: Filter, analyses: [FieldPath: TextAnalysis] = [:]) {
        self.filter = CanonicalFilter.of(filter)
        self.analyses = analyses
    }

    /// Made when the first row has to be looked at: where indexes know everything, none is.
    package var matcher: FilterMatcher { made.matcher(of: filter, analyses) }

    /// Bounds of the rows that match, dead ones included.
    package func bounds(of subject: FilterSubject) throws(DatabaseError) -> RowBounds {
        try bounds(filter, subject)
    }

    private func bounds(_ filter: Filter, _ subject: FilterSubject) throws(DatabaseError) -> RowBounds {
        var must: RowBounds?
        for condition in filter.must {
            let found = try bounds(condition, subject)
            let both = must?.and(found) ?? found
            if both.possible.isEmpty { return both }
            must = both
        }
        var result = must ?? RowBounds(PointSet(0..<subject.rows))
        if !filter.should.isEmpty {
            var any = RowBounds(.empty)
            for condition in filter.should { any = any.or(try bounds(condition, subject)) }
            result = result.and(any)
        }
        for condition in filter.mustNot {
            if result.possible.isEmpty { return result }
            result = result.and(try bounds(condition, subject).not(within: subject.rows))
        }
        if let minimum = filter.minimumShould, minimum.minimumCount > 0, !minimum.conditions.isEmpty {
            var all: [RowBounds] = []
            for condition in minimum.conditions { all.append(try bounds(condition, subject)) }
            result = result.and(
                RowBounds(
                    certain: PointSet.atLeast(minimum.minimumCount, of: all.map(\.certain)),
                    possible: PointSet.atLeast(minimum.minimumCount, of: all.map(\.possible))))
        }
        return result
    }

    private func bounds(
        _ condition: Condition, _ subject: FilterSubject
    ) throws(DatabaseError) -> RowBounds {
        switch condition {
        case .filter(let inner): return try bounds(inner, subject)
        case .hasID(let ids):
            return RowBounds(try subject.rowsOfIDs(ids).intersection(PointSet(0..<subject.rows)))
        default: return try leaf(condition, subject)
        }
    }

    /// Of a condition on a key.
    private func leaf(
        _ condition: Condition, _ subject: FilterSubject
    ) throws(DatabaseError) -> RowBounds {
        var unknown: RowBounds { RowBounds(certain: .empty, possible: PointSet(0..<subject.rows)) }
        guard let path = condition.path else { return unknown }
        let stripes = subject.indexes.stripes(of: path)
        let indexed = stripes.last?.rows.upperBound ?? 0
        if indexed == 0 { return unknown }
        let words: WordMatcher? =
            if case .words(_, let test) = condition {
                WordMatcher(test, analyses[path] ?? .plain)
            } else {
                nil
            }
        var certain: [PointSet] = []
        var possible: [PointSet] = []
        for stripe in stripes {
            guard let bounds = try stripe.bounds(of: condition, words: words) else { return unknown }
            certain.append(bounds.certain)
            possible.append(bounds.possible)
        }
        if indexed < subject.rows { possible.append(PointSet(indexed..<subject.rows)) }
        // Stripes may have grown beyond the rows that are asked about.
        let found = RowBounds(certain: .union(of: certain), possible: .union(of: possible))
            .clamped(below: subject.rows)
        guard !subject.overlaid.isEmpty else { return found }
        return found.forgetting(subject.overlaid).clamped(below: subject.rows)
    }
}

/// A matcher that is made once, by whoever asks first.
private final class MadeMatcher: Sendable {
    private final class Box: Sendable {
        let matcher: FilterMatcher

        init(_ matcher: FilterMatcher) { self.matcher = matcher }
    }

    private let box = AtomicLazyReference<Box>()

    func matcher(of filter: Filter, _ analyses: [FieldPath: TextAnalysis]) -> FilterMatcher {
        if let box = box.load() { return box.matcher }
        return box.storeIfNil(Box(FilterMatcher(filter, analyses: analyses))).matcher
    }
}

extension Condition {
    /// The key that the condition is about; `nil` for those on ids and filters.
    package var path: FieldPath? {
        switch self {
        case .matchAny(let path, _), .matchExcept(let path, _), .range(let path, _), .words(let path, _),
            .geo(let path, _),
            .valuesCount(let path, _), .isNull(let path), .isEmpty(let path), .nested(let path, _):
            path
        case .hasID, .filter: nil
        }
    }
}
