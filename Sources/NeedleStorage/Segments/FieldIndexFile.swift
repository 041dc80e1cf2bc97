package import NeedleCore

/// A field index of a sealed segment as a file beside it: a segment file (docs/format/segment.md) with one section,
/// named after the segment and the write that created the index. It never changes; what is in it can be made again
/// from the segment's payloads, so damage costs time and no data. Owns the mapping. Safe to share between threads.
package final class FieldIndexFile: Sendable {
    package let path: String
    private let region: MappedRegion
    private let section: SegmentSection
    private let blocks: VerifiedBlocks

    /// `<segment id, 12 digits>-<LSN of the index>.fields`
    package static func name(segmentID: UInt64, index: LSN) -> String {
        let stem = ManifestSegment.fileName(id: segmentID).dropLast(".segment".utf8.count)
        return "\(stem)-\(index.value)\(suffix)"
    }

    /// The index that a file of this name belongs to; `nil` for a file of another kind.
    package static func index(ofFile name: String) -> LSN? {
        guard name.hasSuffix(suffix), let dash = name.firstIndex(of: "-") else { return nil }
        return UInt64(name[name.index(after: dash)...].dropLast(suffix.utf8.count)).map { LSN($0) }
    }

    private static let suffix = ".fields"

    /// Writes a file; durable and in its place when this returns.
    package static func write(
        _ bytes: UnsafeRawBufferPointer, to path: String, _ fileSystem: any FileSystem,
        incarnation: Incarnation, segmentID: UInt64, rowCount: Int
    ) throws(DatabaseError) {
        let header = SegmentHeader(
            incarnation: incarnation, segmentID: segmentID, rowCount: rowCount, minLSN: .zero, maxLSN: .zero,
            spaces: [])
        var writer = try SegmentWriter(fileSystem, path: path, header: header)
        do throws(DatabaseError) {
            try writer.section(.fieldIndexes, stride: 1, bytes: bytes.bytes)
        } catch {
            writer.abandon()
            throw error
        }
        _ = try writer.finish()
    }

    /// Opens and maps a file. O(1): no block is read before `verify`.
    ///
    /// - Throws: `not_found`; `corruption` when it is no index of this segment.
    package init(
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
                what: "an index of segment \(header.segmentID) of collection \(header.incarnation)")
        }
        let directory = try file.readExactly(
            layout.tableOffset - layout.directoryOffset, at: layout.directoryOffset)
        let sections = try SegmentHeaderCodec.decodeDirectory(
            directory.span.bytes, layout: layout, header: header, file: path)
        guard let section = sections.first(where: { $0.kind == .fieldIndexes }) else {
            throw .corruption(file: path, offset: layout.directoryOffset, what: "it has no field index")
        }
        self.path = path
        self.region = region
        self.section = section
        blocks = try VerifiedBlocks(fileSystem, file: file, layout: layout, path: path)
        isKept = true
        blocks.closeFile()
    }

    /// The index, valid while this object is held; to be used after `verify` only.
    package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: region.bytes[section.range])
    }

    package var byteCount: Int { region.count }

    /// Compares all blocks with their checksums, header and table too, whether they were compared before or not.
    ///
    /// - Throws: `corruption` naming the first that is damaged; what the disk says.
    package func scrub() throws(DatabaseError) {
        defer { blocks.closeFile() }
        for number in 0..<blocks.count { try blocks.check(number) }
        try blocks.checkEnds()
    }

    /// Compares all blocks with their checksums that were not compared yet. O(file) the first time.
    ///
    /// - Throws: `corruption` naming the block.
    package func verify() throws(DatabaseError) {
        try blocks.verify(section.range)
        blocks.closeFile()
    }
}
