import NeedleCore
import NeedlePayloads
import NeedleStorage

/// Finds the rows that a filter matches: from field indexes as far as they know, by looking at payloads where they do
/// not. Always right, with any indexes and with none.
struct FilterScan {
    let view: ReadView
    let plan: FilterPlan
    let context: OperationContext

    init(_ filter: Filter, view: ReadView, context: OperationContext) {
        self.view = view
        self.context = context
        plan = FilterPlan(filter, analyses: view.analyses)
    }

    /// Visible rows of the segment that match.
    ///
    /// - Parameter rows: only these, if given.
    /// - Complexity: O(rows that indexes leave open, payloads included + rows that match, if any row is dead or expires).
    func selection(of segment: any Segment, within rows: PointSet? = nil) throws(DatabaseError) -> PointSet {
        // As the growing segment mostly is.
        if segment.visibleRows(at: view.lsn) == 0 { return PointSet(0..<0) }
        var bounds = try bounds(of: segment)
        if let rows { bounds = bounds.and(RowBounds(rows)) }
        let undecided = bounds.undecided
        if undecided.isEmpty { return visible(bounds.certain, of: segment) }
        var looked: [UInt32] = []
        var steps = 0
        try undecided.forEachRow { (row) throws(DatabaseError) in
            steps += 1
            if steps % 64 == 1 { try context.check() }
            if view.isVisible(Int(row), in: segment), try looks(Int(row), of: segment) { looked.append(row) }
        }
        return visible(bounds.certain, of: segment).union(PointSet(looked))
    }

    /// The same of each segment.
    ///
    /// - Parameter rows: of each segment only these, if given.
    func selections(
        of segments: [any Segment], within rows: [PointSet]? = nil
    ) throws(DatabaseError) -> [PointSet] {
        var selections: [PointSet] = []
        for (index, segment) in segments.enumerated() {
            selections.append(try selection(of: segment, within: rows?[index]))
        }
        return selections
    }

    /// What the indexes know of the segment's rows.
    func bounds(of segment: any Segment) throws(DatabaseError) -> RowBounds {
        try segment.requireRowColumns()
        do throws(DatabaseError) {
            return try plan.bounds(of: subject(segment, segment.fieldIndexes.usable))
        } catch {
            guard error.kind == .corruption else { throw error }
            // An index that contradicts itself is built again, and the payloads say the same.
            segment.fieldIndexes.discardAll()
            return try plan.bounds(of: subject(segment, .none))
        }
    }

    private func subject(_ segment: any Segment, _ indexes: UsableIndexes) -> FilterSubject {
        FilterSubject(
            rows: segment.visibleRows(at: view.lsn), indexes: indexes.set,
            overlaid: indexes.outdatedRows(of: segment, at: view.lsn)
        ) { (ids) throws(DatabaseError) in
            var rows: [UInt32] = []
            for id in ids {
                let row = try segment.row(of: id, hash: IDHash.hash(id), at: view.lsn)
                if let row { rows.append(UInt32(row)) }
            }
            return PointSet(rows)
        }
    }

    /// Those of some rows that are neither deleted nor expired.
    private func visible(_ rows: PointSet, of segment: any Segment) -> PointSet {
        if segment.deletions.count == 0, !segment.hasExpiringRows { return rows }
        var kept: [UInt32] = []
        rows.forEachRow { if view.isVisible(Int($0), in: segment) { kept.append($0) } }
        return kept.count == rows.count ? rows : PointSet(kept)
    }

    /// Whether a visible row matches, as its payload says.
    func looks(_ row: Int, of segment: any Segment) throws(DatabaseError) -> Bool {
        let matcher = plan.matcher
        let id = matcher.asksForID ? try segment.columns.id(of: row) : nil
        let payload = try segment.payload(of: row, at: view.lsn)
        do throws(JSONError) {
            return try matcher.matches(payload: payload.span, id: id)
        } catch {
            throw Self.damaged(row, of: segment, error)
        }
    }

    /// Whether a visible row matches, by the bounds of its segment where they tell.
    func matches(_ row: Int, of segment: any Segment, _ bounds: RowBounds) throws(DatabaseError) -> Bool {
        guard bounds.possible.contains(UInt32(row)) else { return false }
        if bounds.certain.contains(UInt32(row)) { return true }
        return try looks(row, of: segment)
    }

    static func damaged(_ row: Int, of segment: any Segment, _ error: JSONError) -> DatabaseError {
        .corruption(
            file: segment.columns.origin, offset: error.offset,
            what: "payload of row \(row) is not JSON: \(error.message)")
    }
}
