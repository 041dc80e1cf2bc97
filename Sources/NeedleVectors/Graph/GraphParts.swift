// The parts of a graph as they lie in memory and in a file: its scalars, its sections, and a node's record.

/// How a node's record is laid out: the row's codes, if there are any, then its list at level 0.
///
/// Codes and list lie together because a search that has scored a row may want its neighbours next. Records
/// with codes begin on cache lines.
package struct NodeLayout: Hashable, Sendable {
    package let m: Int
    package let codes: CodeLayout?
    /// Where the list lies in a record, in bytes; a multiple of 4.
    let linksOffset: Int
    /// Bytes from one record to the next.
    package let stride: Int

    package init(m: Int, codes: CodeLayout?) {
        self.m = m
        self.codes = codes
        linksOffset = ((codes?.totalBytes ?? 0) + 3) / 4 * 4
        let bytes = linksOffset + 4 * (1 + 2 * m)
        stride = codes == nil ? bytes : (bytes + 63) / 64 * 64
    }

    /// Words of an upper record.
    var upperStride: Int { 1 + m }

    /// Neighbours that a list has room for.
    @inline(__always)
    func room(level: Int) -> Int { level == 0 ? 2 * m : m }
}

/// The scalars of a graph, as they go to disk (seven u32 in this order).
package struct GraphHeader: Hashable, Sendable {
    /// Neighbours per upper level; level 0 has twice as many.
    package var m: UInt32
    package var rowCount: UInt32
    package var upperRecordCount: UInt32
    /// Where searches begin; meaningless in an empty graph.
    package var entryRow: UInt32
    /// The entry's top level + 1; 0 means that the graph is empty.
    package var entryLevels: UInt32
    /// `CodeKind`'s raw value, or 0: no codes.
    package var codeKind: UInt32
    /// Of the codes; 0 when there are none.
    package var dimension: UInt32

    package init(
        m: UInt32, rowCount: UInt32, upperRecordCount: UInt32, entryRow: UInt32, entryLevels: UInt32,
        codeKind: UInt32 = 0, dimension: UInt32 = 0
    ) {
        self.m = m
        self.rowCount = rowCount
        self.upperRecordCount = upperRecordCount
        self.entryRow = entryRow
        self.entryLevels = entryLevels
        self.codeKind = codeKind
        self.dimension = dimension
    }

    package var layout: NodeLayout {
        NodeLayout(
            m: Int(m),
            codes: CodeKind(rawValue: codeKind).map { CodeLayout(kind: $0, dimension: Int(dimension)) })
    }

    /// Whether the codes are of the kind and size that the quantizer makes.
    func fits(_ quantizer: Quantizer?) -> Bool {
        codeKind == quantizer?.kind.rawValue ?? 0 && Int(dimension) == quantizer?.layout.dimension ?? 0
    }

    /// Of all sections.
    package var byteCount: Int { levelsBytes + nodesBytes + upperOffsetsBytes + upperLinksBytes }
    package var levelsBytes: Int { Int(rowCount) }
    package var nodesBytes: Int { Int(rowCount) * layout.stride }
    package var upperOffsetsBytes: Int { Int(rowCount) * 4 }
    package var upperLinksBytes: Int { Int(upperRecordCount) * layout.upperStride * 4 }

    /// Top levels are 0...15.
    package static let maximumLevels: UInt32 = 16
    /// What `m` may be.
    package static let neighbourRange: ClosedRange<Int> = 2...512
}

/// The four sections of a graph as bytes, borrowed.
@unsafe package struct GraphSections {
    package var levels: UnsafeRawBufferPointer
    package var nodes: UnsafeRawBufferPointer
    package var upperOffsets: UnsafeRawBufferPointer
    package var upperLinks: UnsafeRawBufferPointer

    package init(
        levels: UnsafeRawBufferPointer, nodes: UnsafeRawBufferPointer,
        upperOffsets: UnsafeRawBufferPointer,
        upperLinks: UnsafeRawBufferPointer
    ) {
        self.levels = levels
        self.nodes = nodes
        self.upperOffsets = upperOffsets
        self.upperLinks = upperLinks
    }
}
