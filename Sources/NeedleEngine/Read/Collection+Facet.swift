package import NeedleCore
import NeedlePayloads

extension Collection {
    /// How many points have each value at a key: exact, most frequent first, then by value. An index of keywords is
    /// counted set by set; rows without one are looked at.
    package func facet(
        _ path: FieldPath, filter: Filter?, limit: Int, context: OperationContext
    ) throws(DatabaseError) -> [FacetValue] {
        let view = view()
        try view.set.requireAll()
        let scan = FilterScan(filter ?? Filter(), view: view, context: context)
        let facet = FacetScan(path)
        var counts: [MatchValue: Int] = [:]
        for segment in view.set.newestFirst {
            let wanted = try scan.selection(of: segment)
            var left = wanted
            let indexes = segment.fieldIndexes.usable
            let outdated = indexes.outdatedRows(of: segment, at: view.lsn)
            for stripe in indexes.set.stripes(of: path) {
                let rows = PointSet(stripe.rows).subtracting(outdated)
                let counted = try stripe.count(valuesOf: wanted.intersection(rows), into: &counts)
                if counted { left = left.subtracting(rows) }
            }
            try left.forEachRow { (row) throws(DatabaseError) in
                if row % 256 == 0 { try context.check() }
                let payload = try segment.payload(of: Int(row), at: view.lsn)
                do throws(JSONError) {
                    try facet.count(payload: payload.span, into: &counts)
                } catch {
                    throw FilterScan.damaged(Int(row), of: segment, error)
                }
            }
        }
        return FacetScan.mostFrequent(counts, limit: limit)
    }
}
