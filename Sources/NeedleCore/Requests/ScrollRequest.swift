/// By which values points are scrolled through.
///
/// Booleans come before numbers, numbers (by value) before strings (by bytes). Of several values at the key the least
/// counts, descending the greatest. Points without one come last in both directions; ties are in the order of ids.
package struct ScrollOrder: Hashable, Sendable {
    package var path: FieldPath
    package var isDescending: Bool

    package init(path: FieldPath, isDescending: Bool = false) {
        self.path = path
        self.isDescending = isDescending
    }
}

/// One page of a scroll, by id (integers ascending, then strings by bytes) unless an order is given.
package struct ScrollRequest: Sendable {
    package var filter: Filter?
    package var order: ScrollOrder?
    package var limit: Int
    /// What the page before gave; `nil` begins a new scroll at the newest state.
    package var cursor: String?
    package var selection: PointSelection
    /// A page whose points would take more bytes than this on the wire ends early, with a cursor.
    package var maximumBytes: Int

    package init(
        filter: Filter? = nil, order: ScrollOrder? = nil, limit: Int = 100, cursor: String? = nil,
        selection: PointSelection = PointSelection(), maximumBytes: Int = 48 << 20
    ) {
        self.filter = filter
        self.order = order
        self.limit = limit
        self.cursor = cursor
        self.selection = selection
        self.maximumBytes = maximumBytes
    }
}

/// A page and how to go on; no cursor means that it was the last one.
package struct ScrollPage: Sendable {
    package var points: [PointRecord]
    package var cursor: String?
    package var lsn: LSN

    package init(points: [PointRecord], cursor: String?, lsn: LSN) {
        self.points = points
        self.cursor = cursor
        self.lsn = lsn
    }
}
