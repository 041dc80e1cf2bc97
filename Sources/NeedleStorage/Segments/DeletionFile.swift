// Which rows of a segment are dead at a checkpoint: a file beside the segment, which itself never changes
// (invariant 5). Small: written and read as a whole, and checked as a whole.

package import NeedleCore

/// The content of a `.deletions` file.
package struct DeletionFile: Hashable, Sendable {
    package var incarnation: Incarnation
    package var segmentID: UInt64
    /// Deletions up to this LSN are in it; later ones are in the log.
    package var lsn: LSN
    /// Rows of the segment.
    package var rowCount: Int
    /// Dead rows, rising.
    package var rows: [UInt32]

    static let magic: [UInt8] = Array("NTDEL".utf8) + [0, 13, 10]
    static let version: UInt32 = 1
    static let features: UInt32 = 0
    static let headerBytes = 80

    /// How the rows are written. Part of the format.
    private enum Encoding: UInt32 {
        /// One bit a row, u64 words.
        case bitmap = 1
        /// Row numbers, rising (u32).
        case list = 2
    }

    /// - Precondition: rows rise and are less than `rowCount`.
    package init(incarnation: Incarnation, segmentID: UInt64, lsn: LSN, rowCount: Int, rows: [UInt32]) {
        self.incarnation = incarnation
        self.segmentID = segmentID
        self.lsn = lsn
        self.rowCount = rowCount
        self.rows = rows
        precondition(zip(rows, rows.dropFirst()).allSatisfy { $0 < $1 }, "rows rise")
        precondition(rows.last.map { Int($0) < rowCount } ?? true, "rows of the segment")
    }

    /// Writes the file atomically and durably.
    package func write(_ fileSystem: any FileSystem, path: String) throws(DatabaseError) {
        try AtomicFile.replace(fileSystem, path, with: encoded())
    }

    /// Reads a file that belongs to a segment.
    package static func read(
        _ fileSystem: any FileSystem, path: String, incarnation: Incarnation, segmentID: UInt64, rowCount: Int
    ) throws(DatabaseError) -> DeletionFile {
        let limit = headerBytes + (rowCount + 63) / 64 * 8 + 4
        let file = try fileSystem.openForReading(path)
        defer { file.close() }
        let size = try file.size()
        guard size <= limit else {
            throw .corruption(file: path, offset: limit, what: "longer than it can be")
        }
        let found = try DeletionFile(decoding: try file.readExactly(size, at: 0), file: path)
        guard found.incarnation == incarnation, found.segmentID == segmentID, found.rowCount == rowCount
        else {
            throw .corruption(file: path, offset: 16, what: "the deletions of another segment")
        }
        return found
    }

    package func encoded() -> [UInt8] {
        let words = (rowCount + 63) / 64
        let encoding: Encoding = rows.count * 4 < words * 8 ? .list : .bitmap
        let contentBytes = encoding == .list ? rows.count * 4 : words * 8
        var writer = ByteWriter(reserving: Self.headerBytes + contentBytes + 4)
        writer.append(bytes: Self.magic)
        writer.append(Self.version)
        writer.append(Self.features)
        writer.append(bytes: incarnation.bytes)
        writer.append(segmentID)
        writer.append(lsn.value)
        writer.append(UInt64(rowCount))
        writer.append(UInt64(rows.count))
        writer.append(encoding.rawValue)
        writer.append(zeros: Self.headerBytes - writer.count)
        switch encoding {
        case .list:
            for row in rows { writer.append(row) }
        case .bitmap:
            var bits = [UInt64](repeating: 0, count: words)
            for row in rows { bits[Int(row) / 64] |= 1 << UInt64(row % 64) }
            for word in bits { writer.append(word) }
        }
        writer.append(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    package init(decoding bytes: [UInt8], file: String) throws(DatabaseError) {
        guard bytes.count >= Self.headerBytes + 4 else {
            throw .corruption(file: file, offset: bytes.count, what: "the file ends inside its header")
        }
        var reader = ByteReader(bytes.span.bytes, file: file)
        guard try reader.readBytes(8) == Self.magic else {
            throw .corruption(file: file, offset: 0, what: "not a deletions file")
        }
        // First of all: a damaged version is damage, not another version.
        try FormatCheck.trailingChecksum(bytes, file: file)
        try FormatCheck.version(
            try reader.readUInt32(), features: try reader.readUInt32(), of: "deletions", file: file,
            supported: Self.version, known: Self.features)
        incarnation = Incarnation(bytes: try reader.readBytes(16))
        segmentID = try reader.readUInt64()
        lsn = LSN(try reader.readUInt64())
        rowCount = try reader.readSize()
        let count = try reader.readSize()
        guard rowCount <= SegmentFormat.maximumRows,
            let encoding = Encoding(rawValue: try reader.readUInt32())
        else {
            throw reader.damage("neither a list nor a bitmap")
        }
        try reader.skip(Self.headerBytes - reader.offset)
        rows = []
        switch encoding {
        case .list:
            guard count == (reader.remaining - 4) / 4 else { throw reader.damage("a list of another length") }
            for _ in 0..<count { rows.append(try reader.readUInt32()) }
        case .bitmap:
            guard (rowCount + 63) / 64 == (reader.remaining - 4) / 8 else {
                throw reader.damage("a bitmap of another length")
            }
            for index in 0..<((rowCount + 63) / 64) {
                var word = try reader.readUInt64()
                while word != 0 {
                    rows.append(UInt32(index * 64 + word.trailingZeroBitCount))
                    word &= word - 1
                }
            }
        }
        try reader.skip(4)
        try reader.expectEnd()
        guard rows.count == count, zip(rows, rows.dropFirst()).allSatisfy({ $0 < $1 }),
            rows.last.map({ Int($0) < rowCount }) ?? true
        else {
            throw .corruption(
                file: file, offset: Self.headerBytes, what: "rows that do not rise or do not exist")
        }
    }
}
