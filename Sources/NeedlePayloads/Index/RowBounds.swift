/// What is known of the rows for which something holds: it does for the `certain` ones, and for none beside the
/// `possible` ones. What lies between has to be looked at.
///
/// Sets combine by Kleene's logic, so a filter whose leaves are known in part is known as well as they allow.
package struct RowBounds: Sendable {
    package var certain: PointSet
    /// Holds `certain`.
    package var possible: PointSet

    package init(certain: PointSet, possible: PointSet) {
        self.certain = certain
        self.possible = possible
    }

    /// Exactly these rows.
    package init(_ rows: PointSet) { self.init(certain: rows, possible: rows) }

    /// Whether both are one set: what is known of it need not be worked out twice.
    private var isExact: Bool { certain.isSame(as: possible) }

    /// Rows that have to be looked at.
    package var undecided: PointSet { isExact ? .empty : possible.subtracting(certain) }

    package func and(_ other: RowBounds) -> RowBounds {
        let both = certain.intersection(other.certain)
        if isExact, other.isExact { return RowBounds(both) }
        return RowBounds(certain: both, possible: possible.intersection(other.possible))
    }

    func or(_ other: RowBounds) -> RowBounds {
        let either = certain.union(other.certain)
        if isExact, other.isExact { return RowBounds(either) }
        return RowBounds(certain: either, possible: possible.union(other.possible))
    }

    func not(within rows: Int) -> RowBounds {
        let rest = possible.complement(within: rows)
        if isExact { return RowBounds(rest) }
        return RowBounds(certain: rest, possible: certain.complement(within: rows))
    }

    /// Of the rows [0, rows) only.
    func clamped(below rows: Int) -> RowBounds {
        let certain = certain.clamped(below: rows)
        if isExact { return RowBounds(certain) }
        return RowBounds(certain: certain, possible: possible.clamped(below: rows))
    }

    /// The same when nothing is known of some rows.
    func forgetting(_ rows: PointSet) -> RowBounds {
        RowBounds(certain: certain.subtracting(rows), possible: possible.union(rows))
    }
}
