import NeedleCore
import NeedleStorage
import NeedleVectors
import Synchronization

/// A segment in its final form: an immutable mapped file, and the deletions and newer payloads beside it.
///
/// Opening costs O(sections): rows, ids and graphs are used where they lie (invariant 11). All rows are
/// visible to whoever sees the segment at all, but for those that the deletion table names. What is read was
/// compared with its checksums before, one way or another (invariant 6, `Integrity/`); a graph that turns out to
/// be damaged is not used any more. Safe to share between threads.
final class SealedSegment: Segment, Sendable {
    let reader: SegmentReader
    let columns: RowColumns
    let deletions: DeletionTable
    let overlay: PayloadOverlay
    let fieldIndexes: FieldIndexSlot
    private let spaces: [SealedSpace]
    /// Set when the segment's content contradicts itself: see `condemn`.
    let condemnation = AtomicLazyReference<Condemnation>()

    /// - Throws: `corruption` when a section that the configuration asks for is missing or damaged.
    init(
        reader: SegmentReader, config: CollectionConfig, deletions: DeletionTable,
        overlay: PayloadOverlay? = nil, fieldIndexes: FieldIndexSlot = FieldIndexSlot()
    ) throws(DatabaseError) {
        self.overlay = overlay ?? PayloadOverlay(rows: reader.rowCount)
        self.fieldIndexes = fieldIndexes
        precondition(deletions.capacity >= reader.rowCount)
        self.reader = reader
        self.deletions = deletions
        columns = try Self.columns(of: reader)
        guard reader.header.spaces.count == config.spaces.count else {
            throw .corruption(
                file: reader.path, offset: 0,
                what:
                    "\(reader.header.spaces.count) vector spaces where the collection has \(config.spaces.count)"
            )
        }
        var spaces: [SealedSpace] = []
        for (index, space) in config.spaces.enumerated() {
            spaces.append(try SealedSpace(reader: reader, index: index, config: space))
        }
        self.spaces = spaces
        reader.closeFile()
    }

    var id: UInt64 { reader.header.segmentID }
    var rowCount: Int { reader.rowCount }
    var fileBytes: Int { reader.byteCount }
    /// About what a file with only the living rows would take.
    var liveBytes: Int {
        fileBytes / max(1, rowCount) * max(0, rowCount - deletions.count) + overlay.byteCount
    }
    var hasExpiringRows: Bool { columns.expiries != nil }

    func visibleRows(at lsn: LSN) -> Int { rowCount }

    func row(of id: PointID, hash: UInt64, at lsn: LSN) throws(DatabaseError) -> Int? {
        try requireRowColumns()
        guard let row = try lookup(id), !deletions.isDeleted(row, at: lsn) else { return nil }
        return row
    }

    /// Without the table of ids, the ids themselves are asked: O(rows).
    private func lookup(_ id: PointID) throws(DatabaseError) -> Int? {
        do throws(DatabaseError) {
            return try reader.lookup(id)
        } catch {
            guard reader.isIDTableDamaged else { throw error }
            return try reader.lastRow(of: id)
        }
    }

    func rowsByID(at lsn: LSN) throws(DatabaseError) -> RowOrder {
        try requireRowColumns()
        guard let section = reader.section(.idOrder), section.count == rowCount else {
            throw .corruption(file: reader.path, offset: 0, what: "the order of ids is missing")
        }
        do throws(DatabaseError) {
            try reader.verify(section)
        } catch {
            return try RowOrder.sorting(rowCount, of: columns)
        }
        guard let order = reader.view(.idOrder, as: UInt32.self) else {
            throw .corruption(file: reader.path, offset: 0, what: "the order of ids is missing")
        }
        return RowOrder(
            storage: .mapped(UnsafeBufferPointer(start: order.base, count: order.count)), rows: rowCount)
    }

    func space(_ index: Int) -> SearchableSpace {
        let space = spaces[index]
        var graph = isGraphWhole(space: index) ? space.currentGraph : nil
        graph?.sketches = space.sketches.sketches
        return SearchableSpace(
            columns: space.columns, hasWideRows: space.wideRows > 0, indexed: rowCount, graph: graph,
            originals: space.originals, checks: isVerified ? nil : checks(of: space, index))
    }

    private func checks(of space: SealedSpace, _ index: Int) -> SpaceChecks {
        SpaceChecks(
            reader: reader, vectors: space.vectorSection, nodes: reader.section(.graphNodes, space: index),
            isWalkedOnVectors: space.graph?.quantizer == nil)
    }

    /// Graphs that cannot be what they say they are, though their checksums are right.
    var graphFaults: [DatabaseError] { spaces.compactMap(\.graphFault) }
    var hasFaultyGraph: Bool { spaces.contains { $0.graphFault != nil } }

    func settledRows(space index: Int) -> Int { rowCount }

    /// Whether some graph may still get sketches, or a copy of its nodes in memory; both are made of what was
    /// checked.
    func awaitsResidence(_ ledger: ResidenceLedger, options: EngineOptions) -> Bool {
        guard isVerified else { return false }
        return spaces.contains { $0.awaitsSketches(ledger) || $0.awaitsNodes(ledger, options: options) }
    }

    /// Whether some graph may still get sketches.
    func awaitsSketches(_ ledger: ResidenceLedger) -> Bool { spaces.contains { $0.awaitsSketches(ledger) } }

    /// Does one such step, sketches first: a search reads them most. One thread.
    ///
    /// - Returns: false when the context broke it off.
    /// - Throws: `corruption` when the nodes do not match their checksums.
    func takeResidence(
        _ ledger: ResidenceLedger, options: EngineOptions, context: OperationContext
    ) throws(DatabaseError) -> Bool {
        for space in spaces {
            guard let graph = space.currentGraph else { continue }
            if space.awaitsSketches(ledger) {
                return space.sketches.fill(for: graph, options: options, ledger: ledger, context: context)
            }
            if space.awaitsNodes(ledger, options: options), let section = space.nodeSection {
                return try space.nodes.fill(
                    from: graph, reader: reader, section: section, ledger: ledger, context: context)
            }
        }
        return false
    }

    /// Around reading every row's original in order.
    func beginReadingAll() { for space in spaces { space.originals.beginReadingAll() } }
    func endReadingAll() { for space in spaces { space.originals.endReadingAll() } }

    /// Bytes of memory beyond the mapping.
    var residentBytes: Int {
        spaces.reduce(overlay.byteCount) { $0 + $1.sketches.byteCount + $1.nodes.byteCount }
    }

    func describe(points: Int, config: CollectionConfig) -> SegmentDescription {
        SegmentDescription(
            id: id, state: .sealed, rows: rowCount, points: points, bytes: fileBytes, parts: parts,
            spaces: zip(config.spaces, spaces).map { config, space in
                SegmentSpaceDescription(
                    name: config.name, vectors: space.vectors, indexed: space.vectors - space.wideRows,
                    searchedOn: SearchedOn.name(of: space.graph?.quantizer))
            })
    }

    /// What the file's sections and the memory beside it are for. O(pages of the file).
    private var parts: [SegmentPart] {
        var parts = SectionKind.purposes.map { purpose in
            let sections = reader.sections.filter { purpose.kinds.contains($0.kind) }
            return SegmentPart(
                name: purpose.part, bytes: sections.reduce(0) { $0 + $1.byteCount },
                resident: sections.reduce(0) { $0 + reader.residentBytes(of: $1) })
        }
        parts[0].resident += spaces.reduce(0) { $0 + $1.nodes.byteCount }
        let sketches = spaces.reduce(0) { $0 + $1.sketches.byteCount }
        parts.append(SegmentPart(name: .sketches, bytes: sketches, resident: sketches))
        return parts
    }

    private static func columns(of reader: SegmentReader) throws(DatabaseError) -> RowColumns {
        func need<Element: BitwiseCopyable>(
            _ kind: SectionKind, as type: Element.Type
        ) throws(DatabaseError) -> SectionView<Element> {
            guard let view = reader.view(kind, as: type) else {
                throw .corruption(file: reader.path, offset: 0, what: "section \(kind.rawValue) is missing")
            }
            return view
        }
        let strings = try need(.stringHeap, as: UInt8.self)
        let payloads = try need(.payloadHeap, as: UInt8.self)
        return RowColumns(
            ids: UnsafeRawPointer(try need(.rowIDs, as: UInt64.self).base),
            strings: strings.base, stringsLength: strings.count,
            versions: reader.versions.base, expiries: reader.expiries?.base,
            payloadOffsets: try need(.payloadOffsets, as: UInt64.self).base,
            payloads: payloads.base, payloadsLength: payloads.count, origin: reader.path,
            file: Unmanaged.passUnretained(reader))
    }
}

/// One vector space of a sealed segment.
struct SealedSpace: Sendable {
    let columns: SpaceColumns
    let vectorSection: SegmentSection
    let graph: GraphView?
    let originals: MappedOriginals
    /// Why there is no graph although the file has one.
    let graphFault: DatabaseError?
    let sketches = SketchSlot()
    /// Where the graph's nodes lie in the file; `nil` when there is no graph.
    let nodeSection: SegmentSection?
    let nodes = ResidentNodes()
    /// Rows that have a vector, and those of them that no float kernel may see.
    let vectors: Int
    let wideRows: Int

    init(reader: SegmentReader, index: Int, config: SpaceConfig) throws(DatabaseError) {
        func missing(_ what: String) -> DatabaseError {
            .corruption(file: reader.path, offset: 0, what: "vector space \(index): \(what)")
        }
        guard let vectors = reader.vectors(space: index),
            let vectorSection = reader.section(.vectors, space: index)
        else { throw missing("no vectors") }
        originals = MappedOriginals(reader: reader, section: vectorSection)
        self.vectorSection = vectorSection
        let inverseNorms = reader.inverseNorms(space: index)
        guard config.metric != .cosine || inverseNorms != nil else { throw missing("no norms") }
        guard reader.header.spaces[index].dimensions == config.size,
            reader.header.spaces[index].metric == config.metric
        else { throw missing("another size or metric than the collection's") }
        let presence = reader.presence(space: index)
        columns = SpaceColumns(
            dimension: config.size, metric: config.metric, vectors: vectors.base,
            inverseNorms: config.metric == .cosine ? inverseNorms?.base : nil,
            presence: presence?.base)
        guard let section = reader.section(.statistics, space: index), section.count >= 2,
            let statistics = reader.view(.statistics, space: index, as: UInt64.self)
        else {
            throw missing("no statistics")
        }
        var counts = (0, 0)
        // A damaged block is remembered: the segment is not searched then, nor is it lost.
        do throws(DatabaseError) {
            try reader.verify(section)
            counts = (Int(clamping: statistics[0]), Int(clamping: statistics[1]))
        } catch {
            guard error.kind == .corruption else { throw error }
        }
        (self.vectors, wideRows) = counts
        do throws(DatabaseError) {
            graph = try GraphSectionCodec.graph(of: reader, space: index, config: config)
            graphFault = nil
        } catch {
            guard error.isOfStoredData else { throw error }
            graph = nil
            graphFault = error
        }
        nodeSection = reader.section(.graphNodes, space: index)
    }

    /// The graph where its nodes are read fastest now.
    var currentGraph: GraphView? {
        guard let base = nodes.base else { return graph }
        return graph?.reading(nodes: base)
    }

    func awaitsSketches(_ ledger: ResidenceLedger) -> Bool { graph != nil && sketches.isOpen(ledger) }

    func awaitsNodes(_ ledger: ResidenceLedger, options: EngineOptions) -> Bool {
        guard let graph, graph.header.nodesBytes >= options.residentFrom else { return false }
        return nodes.isOpen(ledger)
    }
}
