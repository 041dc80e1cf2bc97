import NeedleCore
import NeedlePayloads

/// What a prepared write does to the state it meets: the rows it writes, the ids it removes, and its exact
/// counts.
struct ResolvedWrite {
    var rows: [StoredPoint] = []
    var deletions: [PointID] = []
    var payloads: ResolvedPayloads?
    var created = 0
    var updated = 0
    var deleted = 0

    /// A write that finds nothing to change logs nothing.
    var isEmpty: Bool { rows.isEmpty && deletions.isEmpty && payloads == nil }
}

/// A change of payloads, and what it makes of each of the rows that it meets.
struct ResolvedPayloads {
    /// What the log holds: the points, not the filter that chose them, and the change, not what comes of it.
    var change: PayloadChange
    var ids: [PointID]
    var rows: [NewPayload]
}

/// A row and the payload that it gets.
struct NewPayload {
    var segment: any Segment
    var row: Int
    var payload: [UInt8]
}

/// Resolves intentions against the newest state, pending writes included. Only the writer runs it.
///
/// Where a damaged segment may or may not hold a point: writing it anew goes on, because what the segment holds is
/// not served, and counts as creating it. Whatever depends on the answer (a condition, a deletion) is refused.
struct WriteResolution {
    let view: ReadView
    let config: CollectionConfig
    let limits: Limits

    func resolve(_ write: PreparedWrite) throws(DatabaseError) -> ResolvedWrite {
        view.set.admit()
        switch write.operation {
        case .upsert(let points, let conditions):
            try checkConditions(conditions, points: points)
            return try upsert(points)
        case .delete(let choice):
            return try delete(choice, context: write.context)
        case .changePayload(let change, let choice):
            return try self.change(change, choice, context: write.context)
        case .setVectors(let points):
            return try setVectors(points)
        case .documents(let documents):
            return try upsert(documents, context: write.context)
        case .deleteDocuments(let ids):
            return try deleteDocuments(ids, context: write.context)
        }
    }

    private func checkConditions(
        _ conditions: [PreparedWrite.Condition], points: [StoredPoint]
    ) throws(DatabaseError) {
        var conflicts: [Conflict] = []
        for condition in conditions {
            let id = points[condition.point].id
            let location = try view.locate(id)
            let version = location.map { $0.segment.version(of: $0.row, at: view.lsn) } ?? .zero
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
        try forEachRow(of: choice, context: context) { (segment, row) throws(DatabaseError) in
            result.deletions.append(try segment.columns.id(of: row))
        }
        result.deleted = result.deletions.count
        return result
    }

    /// Calls back for the row of every visible point that is meant, each once.
    private func forEachRow(
        of choice: PointChoice, context: OperationContext,
        _ body: (any Segment, Int) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        switch choice {
        case .ids(let ids):
            var seen = Set<PointID>()
            for id in ids where seen.insert(id).inserted {
                if let location = try view.locate(id) { try body(location.segment, location.row) }
            }
        case .filter(let filter):
            try view.set.requireAll()
            let scan = FilterScan(filter, view: view, context: context)
            for segment in view.set.newestFirst {
                try scan.selection(of: segment).forEachRow { (row) throws(DatabaseError) in
                    try body(segment, Int(row))
                }
            }
        case .all:
            try view.set.requireAll()
            for segment in view.set.newestFirst {
                try context.check()
                try segment.requireRowColumns()
                for row in 0..<segment.visibleRows(at: view.lsn) where view.isVisible(row, in: segment) {
                    try body(segment, row)
                }
            }
        }
    }

    // MARK: Parts of points

    private func change(
        _ change: PayloadChange, _ choice: PointChoice, context: OperationContext
    ) throws(DatabaseError) -> ResolvedWrite {
        let changing = try PayloadChanging(change)
        // A point that has a text would lose it.
        var textKey: String?
        if case .replace = change, config.spaces.contains(where: { $0.model != nil }) {
            textKey = config.textKey
        }
        var resolved = ResolvedPayloads(change: change, ids: [], rows: [])
        try forEachRow(of: choice, context: context) { (segment, row) throws(DatabaseError) in
            if resolved.rows.count % 256 == 255 { try context.check() }
            if let textKey, try changing.isMember(textKey, of: row, segment, at: view.lsn) {
                throw PayloadText.isText(textKey, at: "payload")
            }
            let new = try changing.changed(row, of: segment, at: view.lsn)
            guard new.payload.count <= limits.lineBytes else {
                throw DatabaseError(
                    .limitExceeded, "the payload of a point would become longer than a line", at: "payload",
                    expected: "at most \(limits.lineBytes) bytes", got: "\(new.payload.count) bytes")
            }
            resolved.rows.append(new)
            resolved.ids.append(try segment.columns.id(of: row))
        }
        var result = ResolvedWrite()
        guard !resolved.rows.isEmpty else { return result }
        result.updated = resolved.rows.count
        result.payloads = resolved
        return result
    }

    /// The points as they are, but for some vectors: new rows, like those of an upsert.
    private func setVectors(_ points: [PreparedWrite.NewVectors]) throws(DatabaseError) -> ResolvedWrite {
        var result = ResolvedWrite()
        for point in points {
            guard let location = try view.locate(point.id) else { continue }
            let (segment, row) = (location.segment, location.row)
            var vectors = point.vectors
            for (index, space) in config.spaces.enumerated()
            where !point.vectors.contains(where: { $0.space == index }) {
                if let vector = try segment.storedVector(of: row, space: index, space) {
                    vectors.append(vector)
                }
            }
            vectors.sort { $0.space < $1.space }
            result.rows.append(
                StoredPoint(
                    id: point.id, expiresAt: segment.columns.expiry(of: row),
                    payload: Array(try segment.payload(of: row, at: view.lsn)), vectors: vectors))
        }
        result.updated = result.rows.count
        return result
    }
}
