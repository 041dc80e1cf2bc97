/// How hard one segment's graph is searched in one space: what a plan decides and what a measurement varies.
///
/// The one seam between choosing an effort and traversing: the choice knows nothing of codes, the traversal
/// nothing of recall.
struct SegmentEffort: Hashable, Sendable {
    /// Width of the beam.
    var ef: Int
    /// How many times the wanted number of rows is rescored with original vectors; `nil` leaves it to the
    /// traversal.
    var oversampling: Double?

    init(ef: Int, oversampling: Double? = nil) {
        self.ef = ef
        self.oversampling = oversampling
    }
}

/// What kind of filter a search had, as far as recall depends on it. Raw values are names on the wire and
/// numbers in files.
enum FilterClass: UInt32, Hashable, Sendable, CaseIterable {
    case unfiltered = 0
    // Classes by selectivity come with filtered traversal; until then a filter means an exact scan.

    var name: String {
        switch self {
        case .unfiltered: "unfiltered"
        }
    }
}
