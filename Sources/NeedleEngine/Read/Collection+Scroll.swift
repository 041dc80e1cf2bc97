package import NeedleCore
import NeedlePayloads

extension Collection {
    /// A page of points by id, or by the values at a key; all pages of one scroll show one moment.
    ///
    /// By id O(page · segments) once the moment's growing segments are sorted, which the first page does. By values see
    /// `OrderedPager`.
    package func scroll(_ request: ScrollRequest, context: OperationContext) throws(DatabaseError)
        -> ScrollPage
    {
        let now = clock.monotonicNanoseconds()
        let (id, scroll, after): (UInt64, Scroll, PointID?)
        if let cursor = request.cursor {
            (id, scroll, after) = try moments.resume(cursor, at: now)
            guard request.filter == nil || request.filter == scroll.filter else {
                throw DatabaseError(
                    .invalidParams, "the filter is not the one that the scroll began with", at: "filter",
                    expected: "the same filter, or none")
            }
            guard request.order == nil || request.order == scroll.order else {
                throw DatabaseError(
                    .invalidParams, "the order is not the one that the scroll began with", at: "order_by",
                    expected: "the same order, or none")
            }
        } else {
            (id, scroll) = try moments.begin(
                view(), filter: request.filter, order: request.order, at: now)
            after = nil
        }
        let page =
            if let order = scroll.order {
                try OrderedPager(
                    scroll: scroll, order: order, request: request, config: config, context: context
                ).page(after: after)
            } else {
                try ScrollPager(scroll: scroll, request: request, config: config, context: context)
                    .page(after: after)
            }
        guard let last = page.last else {
            // A scroll of several pages stays until it expires: its last page may be asked for again.
            if request.cursor == nil { moments.end(id) }
            return ScrollPage(points: page.points, cursor: nil, lsn: scroll.moment.view.lsn)
        }
        let cursor = moments.cursor(for: id, after: last)
        return ScrollPage(points: page.points, cursor: cursor, lsn: scroll.moment.view.lsn)
    }
}

/// Walks the segments of a moment side by side in the order of ids.
struct ScrollPager {
    let scroll: Scroll
    let request: ScrollRequest
    let config: CollectionConfig
    let context: OperationContext

    private struct Walk {
        let segment: any Segment
        let order: RowOrder
        var position: Int
        /// The id at `position`, or `nil` at the end.
        var id: PointID?
        /// Of the filter, if there is one.
        var bounds: RowBounds?
    }

    /// - Returns: the page, and its last id when there may be more.
    func page(after: PointID?) throws(DatabaseError) -> (points: [PointRecord], last: PointID?) {
        let view = scroll.moment.view
        let scan = scroll.filter.map { FilterScan($0, view: view, context: context) }
        let reader = RecordReader(config: config, selection: request.selection, lsn: view.lsn)
        var walks = try begin(after: after, scan)
        var points: [PointRecord] = []
        var bytes = 0
        var steps = 0
        while let next = nearest(walks) {
            steps += 1
            if steps % 256 == 0 { try context.check() }
            let segment = walks[next].segment
            let row = try walks[next].order.row(at: walks[next].position)
            if view.isVisible(row, in: segment), try matches(row, of: walks[next], scan) {
                let record = try reader.record(row, of: segment)
                let size = Self.wireBytes(of: record)
                let isFull =
                    points.count == request.limit || (bytes + size > request.maximumBytes && !points.isEmpty)
                if isFull, let last = points.last { return (points, last.id) }
                points.append(record)
                bytes += size
            }
            try advance(&walks[next])
        }
        return (points, nil)
    }

    private func matches(_ row: Int, of walk: Walk, _ scan: FilterScan?) throws(DatabaseError) -> Bool {
        guard let scan, let bounds = walk.bounds else { return true }
        return try scan.matches(row, of: walk.segment, bounds)
    }

    private func begin(after: PointID?, _ scan: FilterScan?) throws(DatabaseError) -> [Walk] {
        try scroll.moment.view.set.requireAll()
        var walks: [Walk] = []
        for segment in scroll.moment.view.set.newestFirst {
            let order = try scroll.moment.order(of: segment)
            var walk = Walk(segment: segment, order: order, position: 0)
            if let scan { walk.bounds = try scan.bounds(of: segment) }
            if let after { walk.position = try firstPosition(after: after, in: walk) }
            try load(&walk)
            walks.append(walk)
        }
        return walks
    }

    /// Binary search over the ids of a segment.
    private func firstPosition(after id: PointID, in walk: Walk) throws(DatabaseError) -> Int {
        var low = 0
        var high = walk.order.count
        while low < high {
            let middle = (low + high) / 2
            if id < (try walk.segment.columns.id(of: walk.order.row(at: middle))) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low
    }

    private func load(_ walk: inout Walk) throws(DatabaseError) {
        walk.id =
            if walk.position < walk.order.count {
                try walk.segment.columns.id(of: walk.order.row(at: walk.position))
            } else {
                nil
            }
    }

    private func advance(_ walk: inout Walk) throws(DatabaseError) {
        walk.position += 1
        try load(&walk)
    }

    private func nearest(_ walks: [Walk]) -> Int? {
        var best: Int?
        for (index, walk) in walks.enumerated() {
            guard let id = walk.id else { continue }
            if let known = best, let other = walks[known].id, other <= id { continue }
            best = index
        }
        return best
    }

    /// About what the record takes on the wire, never less.
    static func wireBytes(of record: PointRecord) -> Int {
        let vectors =
            record.vectors?.reduce(0) { $0 + $1.vector.count * 17 + $1.space.utf8.count * 6 + 16 } ?? 0
        return 700 + (record.payload?.json.count ?? 0) + vectors
    }
}
