// The flat layout of an HNSW graph (Malkov and Yashunin, 2016/2018, arXiv:1603.09320), the same bytes in a
// growing region and in a mapped file. All numbers are little-endian; rows are numbered as in the vector
// table.
//
//   levels         u8  [rowCount]                    0: the row is not in the graph, else its top level + 1
//                                                    (1...16)
//   nodes          u8  [rowCount * stride]           per row a record as `NodeLayout` has it: the row's codes,
//                                                    if the graph is quantized, then its list at level 0
//   upper offsets  u32 [rowCount]                    the row's first upper record; 0 where levels <= 1
//   upper links    u32 [upperRecordCount * (1 + m)]  per record: count, then room for m neighbours; a row of
//                                                    top level L has L records in a run, for levels 1 ... L
//   scalars        `GraphHeader`                     m, rows, upper records, entry row, its top level + 1,
//                                                    kind of codes, dimension
//
// A list's words past its count are leftovers without meaning (rows of the graph or 0).
//
// Reading needs no lock while others insert: every word is an atomic, and a link is stored with release and
// loaded with acquire (plain moves on x86-64), so whoever meets a row number also sees that row's vector,
// level and lists. A list that is being rewritten may show old and new neighbours mixed, or one twice, but
// only rows of the graph.
//
// Reading trusts no number: a link outside the rows and an upper record outside its section are passed over,
// so damage that slipped past the checksums costs recall, never memory safety.

package import NeedleCore
import Synchronization

/// A borrowed graph, fixed in its extent (`rowCount`, entry) at the moment the view is made.
@unsafe package struct GraphView: Sendable {
    // SAFETY: whoever makes the view keeps the memory mapped while it is in use. Sizes are checked in `init`;
    // words are only ever accessed as atomics, or written before the row's number is first published.
    nonisolated(unsafe) let levels: UnsafePointer<Atomic<UInt8>>
    nonisolated(unsafe) let nodes: UnsafeRawPointer
    nonisolated(unsafe) let upperOffsets: UnsafePointer<Atomic<UInt32>>
    nonisolated(unsafe) let upperLinks: UnsafePointer<Atomic<UInt32>>
    package let header: GraphHeader
    /// What made the codes in the records; nil: the graph is walked on the float vectors.
    package let quantizer: Quantizer?
    /// A first look at rows before their codes are read; only for int8.
    package var sketches: SketchTable?
    let layout: NodeLayout

    init(
        header: GraphHeader, quantizer: Quantizer?, levels: UnsafePointer<Atomic<UInt8>>,
        nodes: UnsafeRawPointer, upperOffsets: UnsafePointer<Atomic<UInt32>>,
        upperLinks: UnsafePointer<Atomic<UInt32>>
    ) {
        self.header = header
        self.quantizer = quantizer
        self.levels = levels
        self.nodes = nodes
        self.upperOffsets = upperOffsets
        self.upperLinks = upperLinks
        layout = header.layout
    }

    package var isEmpty: Bool { header.entryLevels == 0 }

    /// Whether the row was inserted.
    package func contains(_ row: UInt32) -> Bool {
        row < header.rowCount && levels[Int(row)].load(ordering: .acquiring) != 0
    }

    /// The list of `row` at level 0: its length, then the neighbours.
    @inline(__always)
    func baseRecord(_ row: UInt32) -> UnsafePointer<Atomic<UInt32>> {
        // SAFETY: a record is 4-byte aligned, and so is the list in it.
        (nodes + (Int(row) &* layout.stride &+ layout.linksOffset))
            .assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    /// The list of `row` at `level` (1 or more), or nil when the graph has none there.
    @inline(__always)
    func upperRecord(_ row: UInt32, level: Int) -> UnsafePointer<Atomic<UInt32>>? {
        let record = Int(upperOffsets[Int(row)].load(ordering: .relaxed)) + level - 1
        guard record < Int(header.upperRecordCount) else { return nil }
        return upperLinks + record &* layout.upperStride
    }
}

extension GraphView {
    /// A view of sections that lie in a file.
    ///
    /// - Parameter quantizer: the one that made the codes; nil when the records hold none.
    /// - Complexity: O(1): checks the header and the sections' sizes, not their contents (see `audit`).
    /// - Throws: `corruption` when they do not fit together.
    package init(
        header: GraphHeader, quantizer: Quantizer?, sections: GraphSections, file: String
    ) throws(DatabaseError) {
        func check(_ holds: Bool, _ what: String) throws(DatabaseError) {
            if !holds { throw .corruption(file: file, offset: 0, what: "graph: \(what)") }
        }
        try check(GraphHeader.neighbourRange.contains(Int(header.m)), "m is \(header.m)")
        try check(header.entryLevels <= GraphHeader.maximumLevels, "\(header.entryLevels) levels")
        try check(
            header.entryLevels == 0 || header.entryRow < header.rowCount, "entry row \(header.entryRow)")
        try check(header.fits(quantizer), "codes are not those of the quantizer")
        try check(sections.levels.count >= header.levelsBytes, "levels cut short")
        try check(sections.nodes.count >= header.nodesBytes, "nodes cut short")
        try check(sections.upperOffsets.count >= header.upperOffsetsBytes, "upper offsets cut short")
        try check(sections.upperLinks.count >= header.upperLinksBytes, "upper links cut short")
        for section in [sections.nodes, sections.upperOffsets, sections.upperLinks] {
            try check(Int(bitPattern: section.baseAddress) % 4 == 0, "a section is not aligned")
        }
        // An empty section may have no address; nothing is ever read from it.
        let nothing = UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
        func words(_ bytes: UnsafeRawBufferPointer) -> UnsafePointer<Atomic<UInt32>> {
            // SAFETY: Atomic<UInt32> has the layout of UInt32; the section is 4-byte aligned.
            (bytes.baseAddress ?? nothing).assumingMemoryBound(to: Atomic<UInt32>.self)
        }
        self.init(
            header: header, quantizer: quantizer,
            levels: (sections.levels.baseAddress ?? nothing).assumingMemoryBound(to: Atomic<UInt8>.self),
            nodes: sections.nodes.baseAddress ?? nothing, upperOffsets: words(sections.upperOffsets),
            upperLinks: words(sections.upperLinks))
    }

    /// The same graph with its nodes read from a copy of them.
    ///
    /// - Parameter nodes: `header.nodesBytes` bytes equal to the section's, aligned to 64, which live as long as
    ///   the view is used.
    package func reading(nodes: UnsafeRawPointer) -> GraphView {
        var copy = GraphView(
            header: header, quantizer: quantizer, levels: levels, nodes: nodes, upperOffsets: upperOffsets,
            upperLinks: upperLinks)
        copy.sketches = sketches
        return copy
    }

    /// The sections as bytes, to be written to a file. Nobody may insert while they are used.
    package var sections: GraphSections {
        GraphSections(
            levels: UnsafeRawBufferPointer(start: levels, count: header.levelsBytes),
            nodes: UnsafeRawBufferPointer(start: nodes, count: header.nodesBytes),
            upperOffsets: UnsafeRawBufferPointer(start: upperOffsets, count: header.upperOffsetsBytes),
            upperLinks: UnsafeRawBufferPointer(start: upperLinks, count: header.upperLinksBytes))
    }

    /// Neighbours of a row at a level, as they are now; for tests and tools.
    package func neighbours(of row: UInt32, level: Int) -> [UInt32] {
        guard contains(row), level < Int(levels[Int(row)].load(ordering: .acquiring)) else { return [] }
        guard let record = level == 0 ? baseRecord(row) : upperRecord(row, level: level) else { return [] }
        let room = layout.room(level: level)
        let count = min(Int(record[0].load(ordering: .acquiring)), room)
        return (0..<count).map { record[1 + $0].load(ordering: .acquiring) }
    }

    /// Checks every list of a graph that nobody is changing; for scrubbing and tests.
    ///
    /// - Returns: what is wrong, or nil. - Complexity: O(links).
    package func audit() -> String? {
        for row in 0..<header.rowCount {
            let rowLevels = Int(levels[Int(row)].load(ordering: .relaxed))
            if rowLevels > Int(GraphHeader.maximumLevels) { return "row \(row) has \(rowLevels) levels" }
            for level in 0..<rowLevels {
                guard let record = level == 0 ? baseRecord(row) : upperRecord(row, level: level) else {
                    return "row \(row) has no record at level \(level)"
                }
                let room = layout.room(level: level)
                if Int(record[0].load(ordering: .relaxed)) > room { return "row \(row): list too long" }
                for other in neighbours(of: row, level: level) {
                    guard contains(other), Int(levels[Int(other)].load(ordering: .relaxed)) > level else {
                        return "row \(row), level \(level): neighbour \(other) is not there"
                    }
                    if other == row { return "row \(row), level \(level): is its own neighbour" }
                }
            }
        }
        return nil
    }
}
