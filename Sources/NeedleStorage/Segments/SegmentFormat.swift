// The bytes of a segment file (docs/format/segment.md): a header page, sections, the section directory, and
// a table of checksums of all its blocks. All integers are little-endian, and sections are used where
// they lie in a mapping. Numbers here are part of the format: never change them.

package import NeedleCore

#if !_endian(little)
    #error("segment files are used in place and need a little-endian machine")
#endif

/// What a section holds. Kinds that a reader does not know are left alone.
package struct SectionKind: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// 16 bytes a row: value or offset in the string heap (u64), bytes of the string or 0 for an integer
    /// (u32), 0.
    package static let rowIDs = SectionKind(rawValue: 1)
    /// The bytes of all string ids.
    package static let stringHeap = SectionKind(rawValue: 2)
    /// Open addressing with linear probing: row + 1, or 0 (u32).
    package static let idHash = SectionKind(rawValue: 3)
    /// Rows in the order of their ids (u32).
    package static let idOrder = SectionKind(rawValue: 4)
    /// The LSN that wrote each row (u64).
    package static let versions = SectionKind(rawValue: 5)
    /// When each row expires, in ms since 1970, 0 for never (i64). Absent when none does.
    package static let expiries = SectionKind(rawValue: 6)
    /// Where each row's payload begins in the heap, and the end of the last (u64, rows + 1 of them).
    package static let payloadOffsets = SectionKind(rawValue: 7)
    package static let payloadHeap = SectionKind(rawValue: 8)

    /// Float32 vectors, dimensions x 4 bytes a row. Rows without one hold zeros.
    package static let vectors = SectionKind(rawValue: 16)
    /// 1 / length of each vector (f32).
    package static let inverseNorms = SectionKind(rawValue: 17)
    /// One byte per row, 1 or 0: whether it has a vector here. Absent when all have.
    package static let presence = SectionKind(rawValue: 18)

    /// Level of each row in the graph (u8).
    package static let graphLevels = SectionKind(rawValue: 32)
    /// Links on level 0, a record of fixed stride per row.
    package static let graphNodes = SectionKind(rawValue: 33)
    /// Where the links of each row on upper levels begin (u32).
    package static let graphUpperOffsets = SectionKind(rawValue: 34)
    package static let graphUpperLinks = SectionKind(rawValue: 35)
    /// Entry point, parameters, counts of the graph.
    package static let graphScalars = SectionKind(rawValue: 36)

    /// Reserved for later issues: codes and quantizers (B), indexes of fields and text, tenants, statistics
    /// (D).
    package static let codes = SectionKind(rawValue: 48)
    package static let quantizer = SectionKind(rawValue: 49)
    package static let fieldIndexes = SectionKind(rawValue: 64)
    package static let textIndex = SectionKind(rawValue: 65)
    package static let tenants = SectionKind(rawValue: 66)
    package static let statistics = SectionKind(rawValue: 67)

    /// Of a file of newer payloads (docs/format/payloads.md): rows (u32), LSNs (u64), offsets in the payload heap (u64).
    package static let changedRows = SectionKind(rawValue: 80)
    package static let changeLSNs = SectionKind(rawValue: 81)
    package static let changeOffsets = SectionKind(rawValue: 82)
}

/// A vector space as a segment knows it.
package struct SegmentSpace: Hashable, Sendable {
    package var dimensions: Int
    package var metric: Metric

    package init(dimensions: Int, metric: Metric) {
        self.dimensions = dimensions
        self.metric = metric
    }
}

/// What a segment says about itself.
package struct SegmentHeader: Hashable, Sendable {
    package var incarnation: Incarnation
    package var segmentID: UInt64
    /// Rows, deleted ones included.
    package var rowCount: Int
    /// Least and greatest version of a row; both zero when there is none.
    package var minLSN: LSN
    package var maxLSN: LSN
    /// In the order of the collection's configuration.
    package var spaces: [SegmentSpace]

    package init(
        incarnation: Incarnation, segmentID: UInt64, rowCount: Int, minLSN: LSN, maxLSN: LSN,
        spaces: [SegmentSpace]
    ) {
        self.incarnation = incarnation
        self.segmentID = segmentID
        self.rowCount = rowCount
        self.minLSN = minLSN
        self.maxLSN = maxLSN
        self.spaces = spaces
    }
}

/// One entry of the section directory.
package struct SegmentSection: Hashable, Sendable {
    package var kind: SectionKind
    /// Index of the vector space, or `nil` for what belongs to none.
    package var space: Int?
    /// From the beginning of the file; a multiple of 64.
    package var offset: Int
    package var byteCount: Int
    /// Bytes of one element.
    package var stride: Int
    package var count: Int

    package var range: Range<Int> { offset..<(offset + byteCount) }
}

enum SegmentFormat {
    static let magic: [UInt8] = Array("NTSEG".utf8) + [0, 13, 10]
    static let version: UInt32 = 1
    static let features: UInt32 = 0
    static let headerBytes = 4096
    /// Bytes of a block in files that are written: a search of a graph that was just opened meets a row here and a row
    /// there, and checks the block of each before it uses it. The header says what a file has.
    static let blockBytes = 8_192
    static let blockSizes = 8_192...65_536
    /// What the writer hands to the system at once; a multiple of `blockBytes`.
    static let writtenBytes = 65_536
    static let entryBytes = 64
    static let alignment = 64
    /// Sections of at least this size begin on a page.
    static let pageAlignedFrom = 65_536
    static let pageBytes = 4096
    static let maximumRows = Int(UInt32.max) - 1
    static let maximumSpaces = 64
    static let maximumSections = 4096
    static let spacesOffset = 256
    static let noSpace = UInt32.max
}

/// Where the parts of a file lie that the header names.
struct SegmentLayout: Hashable, Sendable {
    var fileBytes: Int
    var sectionCount: Int
    var directoryOffset: Int
    var directoryChecksum: UInt32
    /// The blocks end here and their table begins.
    var tableOffset: Int
    var tableChecksum: UInt32
    /// A power of two, greater than the header.
    var blockBytes: Int = SegmentFormat.blockBytes

    /// Blocks of the file, the last of which may be short. The first begins behind the header, which has a
    /// checksum of its own.
    var blockCount: Int { (tableOffset + blockBytes - 1) / blockBytes }

    func block(_ index: Int) -> Range<Int> {
        let start = index == 0 ? SegmentFormat.headerBytes : index * blockBytes
        return start..<min((index + 1) * blockBytes, tableOffset)
    }
}
