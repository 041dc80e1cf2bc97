import NeedleCore
import NeedlePayloads

/// The points that fit some words best, by BM25 over one or several keys: the keyword side of a hybrid search.
///
/// From text indexes as far as they reach; rows behind them, and keys without one, are read, so that every acknowledged
/// write is found and scores are the same with any indexes and with none.
struct KeywordScan {
    /// Which rows may be found.
    struct Admission {
        /// Of each segment the visible rows that the filter leaves; all of them without one.
        var selections: [PointSet]?
        /// Asked of visible rows whose score is high enough.
        var admits: (_ segment: Int, _ row: UInt32) throws(DatabaseError) -> Bool
    }

    let view: ReadView
    /// By which the answer names them.
    let segments: [any Segment]
    let paths: [FieldPath]
    let context: OperationContext

    /// The keys of a search that names none: those with a text index, by name; without any the key of the texts.
    static func paths(of hybrid: HybridSearch, view: ReadView, config: CollectionConfig) -> [FieldPath] {
        if let keys = hybrid.keys { return keys }
        if view.analyses.isEmpty { return [FieldPath(key: config.textKey)] }
        return view.analyses.keys.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
    }

    /// Best first, ties by id; only points that hold one of the words. O(rows that no index covers, and what the words'
    /// lists cost).
    ///
    /// - Parameter limit: at least 1.
    func best(_ text: String, limit: Int, _ admission: Admission) throws(DatabaseError) -> [RankedRow] {
        let query = KeywordQuery(text: text, analyses: paths.map { view.analyses[$0] ?? .plain })
        guard !query.isVoid else { return [] }
        do throws(DatabaseError) {
            return try best(query, limit: limit, admission)
        } catch {
            guard error.kind == .corruption else { throw error }
            // An index that contradicts itself is built again, and the payloads say the same.
            for segment in segments { segment.fieldIndexes.discardAll() }
            return try best(query, limit: limit, admission)
        }
    }

    private func best(
        _ query: KeywordQuery, limit: Int, _ admission: Admission
    ) throws(DatabaseError) -> [RankedRow] {
        var statistics = KeywordStatistics(query)
        var parts: [KeywordSegment] = []
        for (number, segment) in segments.enumerated() {
            parts.append(try part(segment, number, query, &statistics))
        }
        var search = KeywordSearch(BM25(query, statistics), limit: limit, context: context) { left, right in
            Self.isID(of: left, before: right, in: segments)
        }
        for (number, part) in parts.enumerated() {
            let segment = segments[number]
            let rows = segment.visibleRows(at: view.lsn)
            let restriction = admission.selections.map { $0[number] }
            let view = view
            try search.search(part, for: query, restriction: restriction) { (row) throws(DatabaseError) in
                // An index may have been built over rows that came later.
                guard Int(row) < rows, view.isVisible(Int(row), in: segment) else { return false }
                return try admission.admits(number, row)
            }
        }
        return search.finish()
    }

    /// The indexes of a segment, and what the rows behind them hold.
    private func part(
        _ segment: any Segment, _ number: Int, _ query: KeywordQuery, _ statistics: inout KeywordStatistics
    ) throws(DatabaseError) -> KeywordSegment {
        try segment.requireRowColumns()
        let indexes = segment.fieldIndexes.usable
        let outdated = indexes.outdatedRows(of: segment, at: view.lsn)
        var part = KeywordSegment(number: number, stripes: [], scanned: [], replaced: outdated)
        for (field, path) in paths.enumerated() {
            let analysis = query.fields[field].analysis
            let stripes = indexes.set.stripes(of: path).compactMap { $0.text(analysis) }
            for stripe in stripes { try statistics.add(stripe, field: field, of: query) }
            part.stripes.append(stripes)
        }
        var reader = TextRowReader(query, paths: paths)
        let rows = segment.visibleRows(at: view.lsn)
        let indexed = min(part.indexedRows, rows)
        for row in outdated where row < indexed {
            let scanned = try read(Int(row), of: segment, &reader)
            for field in paths.indices { statistics.add(scanned, field: field, of: query) }
            if scanned.holdsAny { part.scanned.append(scanned) }
        }
        for row in indexed..<rows {
            if row % 256 == 0 { try context.check() }
            let scanned = try read(row, of: segment, &reader)
            for field in paths.indices
            where row >= part.stripes[field].last?.rows.upperBound ?? 0 || outdated.contains(UInt32(row)) {
                statistics.add(scanned, field: field, of: query)
            }
            if scanned.holdsAny { part.scanned.append(scanned) }
        }
        return part
    }

    private func read(
        _ row: Int, of segment: any Segment, _ reader: inout TextRowReader
    ) throws(DatabaseError) -> ScannedRow {
        let payload = try segment.payload(of: row, at: view.lsn)
        do throws(JSONError) {
            return try reader.read(payload: payload.span, row: UInt32(row))
        } catch {
            throw FilterScan.damaged(row, of: segment, error)
        }
    }

    /// The order of ids; of ids that cannot be read the order of rows.
    private static func isID(
        of left: RankedRow, before right: RankedRow, in segments: [any Segment]
    ) -> Bool {
        do throws(DatabaseError) {
            return try segments[left.segment].columns.isID(
                of: Int(left.row), before: Int(right.row), in: segments[right.segment].columns)
        } catch {
            return (left.segment, left.row) < (right.segment, right.row)
        }
    }
}
