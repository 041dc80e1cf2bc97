/// One page of a scroll, by id: integers ascending, then strings by bytes.
package struct ScrollRequest: Sendable {
    package var filter: Filter?
    package var limit: Int
    /// What the page before gave; `nil` begins a new scroll at the newest state.
    package var cursor: String?
    package var selection: PointSelection
    /// A page whose points would take more bytes than this on the wire ends early, with a cursor.
    package var maximumBytes: Int

    package init(
        filter: Filter? = nil, limit: Int = 100, cursor: String? = nil,
        selection: PointSelection = PointSelection(), maximumBytes: Int = 48 << 20
    ) {
        self.filter = filter
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
