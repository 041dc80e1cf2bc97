// Writing a segment file: sections in any order, streamed once, checksummed on the way. The file gets its
// name only when all of it is durable (invariant 5), so a reader never meets half of one.

package import NeedleCore

/// What came out.
package struct SegmentFile: Hashable, Sendable {
    package var path: String
    package var byteCount: Int
    package var rowCount: Int
}

/// Streams one segment file. Memory: 64 KiB and four bytes per block. Not thread safe.
///
/// ```swift
/// var writer = try SegmentWriter(fileSystem, path: path, header: header)
/// try writer.writeIDs { ids[$0] }
/// try writer.section(.versions, stride: 8, bytes: …)
/// try writer.begin(.vectors, space: 0, stride: 4 * dimensions)
/// for … { try writer.append(…) }
/// try writer.end()
/// let file = try writer.finish()
/// ```
/// A writer that goes without `finish` leaves nothing under the final name; call `abandon` to remove its
/// temporary file at once.
package struct SegmentWriter: ~Copyable {
    private let fileSystem: any FileSystem
    private let path: String
    private let header: SegmentHeader
    private let file: any StorageFile
    private var sections: [SegmentSection] = []
    /// Whole blocks, and the beginning of another, that are not in the file yet; they begin at `pendingStart`.
    private var pending: [UInt8] = []
    private var pendingStart = SegmentFormat.headerBytes
    private var checksums: [UInt32] = []
    private var isOpen = false

    private var temporaryPath: String { path + ".tmp" }

    /// Begins a file. A temporary file that a crash left is replaced.
    ///
    /// - Precondition: at most 64 spaces and 2^32 - 2 rows.
    package init(_ fileSystem: any FileSystem, path: String, header: SegmentHeader) throws(DatabaseError) {
        precondition(
            header.rowCount >= 0 && header.rowCount <= SegmentFormat.maximumRows, "rows fit into 32 bits")
        precondition(header.spaces.count <= SegmentFormat.maximumSpaces, "at most 64 spaces")
        self.fileSystem = fileSystem
        self.path = path
        self.header = header
        try fileSystem.unlinkIfPresent(path + ".tmp")
        file = try fileSystem.create(path + ".tmp")
        pending.reserveCapacity(SegmentFormat.writtenBytes)
    }

    package var rowCount: Int { header.rowCount }

    // MARK: Sections

    /// Begins a section; `append` its elements, then `end` it.
    ///
    /// - Parameter expectedBytes: if known, lets a big section begin on a page.
    package mutating func begin(
        _ kind: SectionKind, space: Int? = nil, stride: Int, expectedBytes: Int = .max
    ) throws(DatabaseError) {
        precondition(!isOpen, "one section after the other")
        precondition(stride > 0 && sections.count < SegmentFormat.maximumSections, "a section with elements")
        precondition(space.map { header.spaces.indices.contains($0) } ?? true, "a space of the header")
        let alignment =
            expectedBytes >= SegmentFormat.pageAlignedFrom ? SegmentFormat.pageBytes : SegmentFormat.alignment
        let over = position % alignment
        if over > 0 { try append([UInt8](repeating: 0, count: alignment - over).span.bytes) }
        sections.append(
            SegmentSection(kind: kind, space: space, offset: position, byteCount: 0, stride: stride, count: 0)
        )
        isOpen = true
    }

    /// Appends bytes to the open section: any part of an element is fine.
    package mutating func append(_ bytes: RawSpan) throws(DatabaseError) {
        var offset = 0
        while offset < bytes.byteCount {
            let room = pendingEnd - position
            let count = min(room, bytes.byteCount - offset)
            bytes.extracting(offset..<(offset + count)).withUnsafeBytes { pending.append(contentsOf: $0) }
            offset += count
            if position == pendingEnd { try flush() }
        }
    }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) throws(DatabaseError) {
        try append(bytes.bytes)
    }

    package mutating func end() throws(DatabaseError) {
        precondition(isOpen, "a section is open")
        isOpen = false
        var section = sections[sections.count - 1]
        section.byteCount = position - section.offset
        section.count = section.byteCount / section.stride
        precondition(section.count * section.stride == section.byteCount, "whole elements only")
        precondition(
            SegmentShape.isRight(section, header), "section \(section.kind.rawValue) has the wrong shape")
        sections[sections.count - 1] = section
    }

    /// A whole section at once.
    package mutating func section(
        _ kind: SectionKind, space: Int? = nil, stride: Int, bytes: RawSpan
    ) throws(DatabaseError) {
        try begin(kind, space: space, stride: stride, expectedBytes: bytes.byteCount)
        try append(bytes)
        try end()
    }

    /// A whole section of an array of integers or floats.
    package mutating func section<Element: BitwiseCopyable>(
        _ kind: SectionKind, space: Int? = nil, elements: [Element]
    ) throws(DatabaseError) {
        try section(kind, space: space, stride: MemoryLayout<Element>.stride, bytes: elements.span.bytes)
    }

    private var position: Int { pendingStart + pending.count }
    private var pendingEnd: Int {
        (pendingStart / SegmentFormat.writtenBytes + 1) * SegmentFormat.writtenBytes
    }

    private mutating func flush() throws(DatabaseError) {
        guard !pending.isEmpty else { return }
        checksums += Self.checksums(of: pending, at: pendingStart)
        try file.write(pending, at: pendingStart)
        pendingStart = position
        pending.removeAll(keepingCapacity: true)
    }

    /// The header's page belongs to no block, so the first one is shorter.
    private static func checksums(of pending: [UInt8], at offset: Int) -> [UInt32] {
        let bytes = pending.span.bytes
        var checksums: [UInt32] = []
        var start = 0
        while start < bytes.byteCount {
            let room = SegmentFormat.blockBytes - (offset + start) % SegmentFormat.blockBytes
            let end = min(start + room, bytes.byteCount)
            checksums.append(CRC32C.checksum(bytes.extracting(start..<end)))
            start = end
        }
        return checksums
    }

    // MARK: The end

    /// Writes directory, checksums and header, makes all of it durable, and gives the file its name.
    package consuming func finish() throws(DatabaseError) -> SegmentFile {
        precondition(!isOpen, "the last section has ended")
        do throws(DatabaseError) {
            let layout = try writeTail()
            try file.write(SegmentHeaderCodec.encode(header, layout), at: 0)
            try file.sync()
            file.close()
            try fileSystem.rename(temporaryPath, to: path)
            try fileSystem.syncDirectory(PosixFileSystem.parent(of: path))
            return SegmentFile(path: path, byteCount: layout.fileBytes, rowCount: header.rowCount)
        } catch {
            removeTemporary()
            throw error
        }
    }

    private mutating func writeTail() throws(DatabaseError) -> SegmentLayout {
        let over = position % SegmentFormat.alignment
        if over > 0 { try append([UInt8](repeating: 0, count: SegmentFormat.alignment - over).span.bytes) }
        let directoryOffset = position
        let directory = SegmentHeaderCodec.encode(sections)
        try append(directory.span.bytes)
        let tableOffset = position
        try flush()
        let table = checksums.map(\.littleEndian)
        try file.write(table.span.bytes, at: tableOffset)
        return SegmentLayout(
            fileBytes: tableOffset + 4 * table.count, sectionCount: sections.count,
            directoryOffset: directoryOffset,
            directoryChecksum: CRC32C.checksum(directory), tableOffset: tableOffset,
            tableChecksum: CRC32C.checksum(table.span.bytes))
    }

    /// Removes the temporary file.
    package consuming func abandon() {
        removeTemporary()
    }

    private func removeTemporary() {
        file.close()
        // Best effort: the next opening of the collection removes it as well.
        do { try fileSystem.unlinkIfPresent(temporaryPath) } catch {}
    }
}
