import NeedleStorage

// What the loss of a section means. Everything derived can be made again from the originals, by rewriting the
// segment; until then searching does without graphs, and looking ids up without the id table.

extension SectionKind {
    /// Parts of a space's graph, codes included.
    var isOfGraph: Bool {
        switch self {
        case .graphLevels, .graphNodes, .graphUpperOffsets, .graphUpperLinks, .graphScalars, .quantizer,
            .codes:
            true
        default: false
        }
    }

    /// Finds rows by their id, and in its order.
    var isOfIDs: Bool { self == .idHash || self == .idOrder }

    /// The ids themselves.
    var isID: Bool { self == .rowIDs || self == .stringHeap }

    /// Can be made from other sections.
    var isDerived: Bool {
        isOfGraph || isOfIDs || self == .inverseNorms || self == .statistics
    }

    /// Read for every row that a read meets: checked as a whole before the first read, so that it needs no check
    /// row by row. Some 10 to 30 bytes a row.
    var isReadRowByRow: Bool {
        switch self {
        case .versions, .expiries, .presence, .inverseNorms, .statistics, .graphLevels, .graphUpperOffsets,
            .graphUpperLinks:
            true
        default: false
        }
    }

    /// Decides whether a row is seen at all.
    var isOfVisibility: Bool { self == .versions || self == .expiries || self == .presence }
}
