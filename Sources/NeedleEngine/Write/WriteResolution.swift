import NeedleCore

/// What a prepared write does to the state it meets: the rows it writes, the ids it removes, and its exact
/// counts.
struct ResolvedWrite {
    var rows: [StoredPoint] = []
    var deletions: [PointID] = []
    var created = 0
    var updated = 0
    var deleted = 0

    /// A write that finds nothing to change logs nothing.
    var isEmpty: Bool { rows.isEmpty && deletions.isEmpty }
}

/// Resolves intentions against the newest state, pending writes included. Only the writer runs it.
///
/// Where a damaged segment may or may not hold a point: writing it anew goes on, because what the segment holds is
/// not served, and counts as creating it. Whatever depends on the answer (a condition, a deletion) is refused.
struct WriteResolution {
    let view: ReadView

    func resolve(_ write: PreparedWrite) throws(DatabaseError) -> ResolvedWrite {
        view.set.admit()
        switch write.operation {
        case .upsert(let points, let conditions):
            try checkConditions(conditions, points: points)
            return try upsert(points)
        case .delete(let choice):
            return try delete(choice, context: write.context)
        }
    }

    private func checkConditions(
        _ conditions: [PreparedWrite.Condition], points: [StoredPoint]
    ) throws(DatabaseError) {
        var conflicts: [Conflict] = []
        for condition in conditions {
            let id = points[condition.point].id
            let location = try view.locate(id)
            let version = location.map { $0.segment.columns.version(of: $0.row) } ?? .zero
            if version != condition.version { conflicts.append(Conflict(id: id, version: version)) }
        }
        guard conflicts.isEmpty else {
            throw DatabaseError(
                .conflict, "\(conflicts.count) of the points are not at the version the write requires",
                at: "points", conflicts: conflicts)
        }
    }

    private func upsert(_ points: [StoredPoint]) throws(DatabaseError) -> ResolvedWrite {
        var result = ResolvedWrite(rows: points)
        for point in points {
            if try isStored(point.id) { result.updated += 1 } else { result.created += 1 }
        }
        return result
    }

    private func isStored(_ id: PointID) throws(DatabaseError) -> Bool {
        do throws(DatabaseError) {
            return try view.locate(id) != nil
        } catch {
            guard error.kind == .corruption else { throw error }
            return false
        }
    }

    private func delete(_ choice: PointChoice, context: OperationContext) throws(DatabaseError)
        -> ResolvedWrite
    {
        var result = ResolvedWrite()
        switch choice {
        case .ids(let ids):
            var seen = Set<PointID>()
            for id in ids where seen.insert(id).inserted {
                if try view.locate(id) != nil { result.deletions.append(id) }
            }
        case .filter(let filter):
            try view.set.requireAll()
            let scan = FilterScan(filter, view: view, context: context)
            for segment in view.set.newestFirst {
                for row in try scan.rows(of: segment) {
                    result.deletions.append(try segment.columns.id(of: Int(row)))
                }
            }
        case .all:
            try view.set.requireAll()
            for segment in view.set.newestFirst {
                try context.check()
                try segment.requireRowColumns()
                for row in 0..<segment.visibleRows(at: view.lsn) where view.isVisible(row, in: segment) {
                    result.deletions.append(try segment.columns.id(of: row))
                }
            }
        }
        result.deleted = result.deletions.count
        return result
    }
}
