import NeedleCore

/// A file beside a segment in the container of segments (docs/format/segment.md): with its header's numbers, without
/// vector spaces. Owns the mapping. Safe to share between threads.
final class SideFile: Sendable {
    let header: SegmentHeader
    private let path: String
    private let region: MappedRegion
    private let sections: [SegmentSection]
    private let directoryOffset: Int
    private let blocks: VerifiedBlocks

    /// Opens and maps a file. O(1): no block is read before `verify`.
    ///
    /// - Throws: `not_found`; `corruption` when it does not belong to this segment.
    init(
        _ fileSystem: any FileSystem, path: String, incarnation: Incarnation, segmentID: UInt64, rowCount: Int
    ) throws(DatabaseError) {
        let file = try fileSystem.openForReading(path)
        var isKept = false
        defer { if !isKept { file.close() } }
        let region = try file.map()
        guard region.count >= SegmentFormat.headerBytes else {
            throw .corruption(file: path, offset: region.count, what: "the file ends inside its header")
        }
        let (header, layout) = try SegmentHeaderCodec.decode(
            try file.readExactly(SegmentFormat.headerBytes, at: 0), fileBytes: region.count, file: path)
        guard header.incarnation == incarnation, header.segmentID == segmentID, header.rowCount == rowCount
        else {
            throw .corruption(
                file: path, offset: 16,
                what: "it belongs to segment \(header.segmentID) of collection \(header.incarnation)")
        }
        let directory = try file.readExactly(
            layout.tableOffset - layout.directoryOffset, at: layout.directoryOffset)
        sections = try SegmentHeaderCodec.decodeDirectory(
            directory.span.bytes, layout: layout, header: header, file: path)
        self.header = header
        self.path = path
        self.region = region
        directoryOffset = layout.directoryOffset
        blocks = try VerifiedBlocks(fileSystem, file: file, layout: layout, path: path)
        isKept = true
        blocks.closeFile()
    }

    /// Opens a file that is taken for what it says it is: for looking at one by itself.
    convenience init(_ fileSystem: any FileSystem, path: String) throws(DatabaseError) {
        let file = try fileSystem.openForReading(path)
        defer { file.close() }
        let size = try file.size()
        let page = try file.readExactly(min(size, SegmentFormat.headerBytes), at: 0)
        let (header, _) = try SegmentHeaderCodec.decode(page, fileBytes: size, file: path)
        try self.init(
            fileSystem, path: path, incarnation: header.incarnation, segmentID: header.segmentID,
            rowCount: header.rowCount)
    }

    var byteCount: Int { region.count }

    /// - Throws: `corruption` when there is none.
    func section(_ kind: SectionKind) throws(DatabaseError) -> SegmentSection {
        guard let section = sections.first(where: { $0.kind == kind }) else {
            throw .corruption(
                file: path, offset: directoryOffset, what: "section \(kind.rawValue) is missing")
        }
        return section
    }

    /// Valid while this object is held; to be used after `verify` only.
    func bytes(of section: SegmentSection) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: region.bytes[section.range])
    }

    /// Compares all blocks with their checksums, header and table too, whether they were compared before or not.
    ///
    /// - Throws: `corruption` naming the first that is damaged; what the disk says.
    func scrub() throws(DatabaseError) {
        defer { blocks.closeFile() }
        for number in 0..<blocks.count { try blocks.check(number) }
        try blocks.checkEnds()
    }

    /// Compares the section's blocks with their checksums, those that were not compared yet.
    ///
    /// - Throws: `corruption` naming the block.
    func verify(_ section: SegmentSection) throws(DatabaseError) {
        try blocks.verify(section.range)
        blocks.closeFile()
    }
}
