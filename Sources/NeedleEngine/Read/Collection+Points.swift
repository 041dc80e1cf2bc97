package import NeedleCore
import NeedlePayloads

extension Collection {
    /// Points by id, in the order asked, each once, and the ids that are not there. O(ids · segments).
    package func get(
        _ ids: [PointID], selection: PointSelection, context: OperationContext
    ) throws(DatabaseError) -> (points: [PointRecord], missing: [PointID]) {
        let view = view()
        let reader = RecordReader(config: config, selection: selection, lsn: view.lsn)
        var points: [PointRecord] = []
        var missing: [PointID] = []
        var seen = Set<PointID>(minimumCapacity: ids.count)
        for id in ids where seen.insert(id).inserted {
            try context.check()
            if let location = try view.locate(id) {
                points.append(try reader.record(location.row, of: location.segment))
            } else {
                missing.append(id)
            }
        }
        return (points, missing)
    }

    /// How many points there are, or how many match; exact.
    package func count(_ filter: Filter?, context: OperationContext) throws(DatabaseError) -> Int {
        let view = view()
        guard let filter else { return try view.count(context: context) }
        try view.set.requireAll()
        let scan = FilterScan(filter, view: view, context: context)
        var count = 0
        for segment in view.set.newestFirst {
            count += try scan.selection(of: segment).count
        }
        return count
    }
}
