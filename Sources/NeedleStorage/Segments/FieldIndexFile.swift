package import NeedleCore

/// A field index of a sealed segment as a file beside it: a segment file (docs/format/segment.md) with one section,
/// named after the segment and the write that created the index. It never changes; what is in it can be made again
/// from the segment's payloads, so damage costs time and no data. Owns the mapping. Safe to share between threads.
package final class FieldIndexFile: Sendable {
    package let path: String
    /// Payloads that changed behind this LSN are not in it.
    package let knownLSN: LSN
    private let file: SideFile
    private let section: SegmentSection

    /// `<segment id, 12 digits>-<LSN of the index>.fields`, and `-<LSN>` before the dot when it knows changed payloads.
    package static func name(segmentID: UInt64, index: LSN, knownLSN: LSN = .zero) -> String {
        let stem = ManifestSegment.fileName(id: segmentID).dropLast(".segment".utf8.count)
        return "\(stem)-\(index.value)\(knownLSN == .zero ? "" : "-\(knownLSN.value)")\(suffix)"
    }

    /// The index that a file of this name belongs to; `nil` for a file of another kind.
    package static func index(ofFile name: String) -> LSN? {
        guard name.hasSuffix(suffix) else { return nil }
        let parts = name.dropLast(suffix.utf8.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3 else { return nil }
        return UInt64(parts[1]).map { LSN($0) }
    }

    private static let suffix = ".fields"

    /// Writes a file; durable and in its place when this returns.
    package static func write(
        _ bytes: UnsafeRawBufferPointer, to path: String, _ fileSystem: any FileSystem,
        incarnation: Incarnation, segmentID: UInt64, rowCount: Int, knownLSN: LSN = .zero
    ) throws(DatabaseError) {
        let header = SegmentHeader(
            incarnation: incarnation, segmentID: segmentID, rowCount: rowCount, minLSN: .zero,
            maxLSN: knownLSN, spaces: [])
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
        let file = try SideFile(
            fileSystem, path: path, incarnation: incarnation, segmentID: segmentID, rowCount: rowCount)
        section = try file.section(.fieldIndexes)
        knownLSN = file.header.maxLSN
        self.path = path
        self.file = file
    }

    /// Compares all of a file with its checksums that is taken for what it says it is.
    ///
    /// - Returns: the segment that it belongs to, and its rows.
    package static func check(
        _ fileSystem: any FileSystem, path: String
    ) throws(DatabaseError) -> (segmentID: UInt64, rowCount: Int) {
        let file = try SideFile(fileSystem, path: path)
        try file.verify(try file.section(.fieldIndexes))
        return (file.header.segmentID, file.header.rowCount)
    }

    /// The index, valid while this object is held; to be used after `verify` only.
    package var bytes: UnsafeRawBufferPointer {
        file.bytes(of: section)
    }

    package var byteCount: Int { file.byteCount }

    /// Compares all blocks with their checksums, header and table too, whether they were compared before or not.
    ///
    /// - Throws: `corruption` naming the first that is damaged; what the disk says.
    package func scrub() throws(DatabaseError) {
        try file.scrub()
    }

    /// Compares all blocks with their checksums that were not compared yet. O(file) the first time.
    ///
    /// - Throws: `corruption` naming the block.
    package func verify() throws(DatabaseError) {
        try file.verify(section)
    }
}
