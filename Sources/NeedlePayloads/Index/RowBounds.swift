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

    /// Rows that have to be looked at.
    package var undecided: PointSet { possible.subtracting(certain) }

    func and(_ other: RowBounds) -> RowBounds {
        RowBounds(
            certain: certain.intersection(other.certain), possible: possible.intersection(other.possible))
    }

    func or(_ other: RowBounds) -> RowBounds {
        RowBounds(certain: certain.union(other.certain), possible: possible.union(other.possible))
    }

    func not(within rows: Int) -> RowBounds {
        RowBounds(certain: possible.complement(within: rows), possible: certain.complement(within: rows))
    }

    /// The same when nothing is known of some rows.
    func forgetting(_ rows: PointSet) -> RowBounds {
        RowBounds(certain: certain.subtracting(rows), possible: possible.union(rows))
    }
}
