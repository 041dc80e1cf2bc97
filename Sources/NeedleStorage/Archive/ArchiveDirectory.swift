// What an archive says in advance: which files it holds, how long each is, and its SHA-256. Everything that an
// archive could lie about is in here, so it is checked before the first byte of content is believed.

package import NeedleCore

/// The head and the directory of an archive.
///
/// Entries have plain names (`SnapshotName.isValid`), so none can leave the directory that it is unpacked into; they are in the order of their names' bytes and so cannot come twice.
package struct ArchiveDirectory: Hashable, Sendable {
    package let entries: [SnapshotFile]
    /// Bytes of all files together.
    package let contentBytes: Int

    /// - Parameter entries: in any order.
    /// - Precondition: plain, distinct names, hashes of 64 digits, at most 65,536 entries.
    package init(_ entries: [SnapshotFile]) {
        self.entries = entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        contentBytes = entries.reduce(0) { $0 + $1.bytes }
        precondition(entries.count <= ArchiveFormat.maximumEntries, "an archive has at most 65,536 files")
        precondition(entries.allSatisfy { SnapshotName.isValid($0.name) }, "plain names")
        precondition(entries.allSatisfy { ContentHash.isHash($0.sha256) }, "hashes")
        precondition(
            zip(self.entries, self.entries.dropFirst()).allSatisfy {
                $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
            }, "distinct names")
    }

    private init(checked entries: [SnapshotFile], contentBytes: Int) {
        self.entries = entries
        self.contentBytes = contentBytes
    }

    // MARK: Bytes

    /// Head and directory, as they begin the archive.
    package func encoded() -> [UInt8] {
        var table = ByteWriter()
        for entry in entries {
            table.append(UInt8(entry.name.utf8.count))
            table.append(bytes: Array(entry.name.utf8))
            table.append(UInt64(entry.bytes))
            table.append(bytes: Self.digest(entry.sha256))
        }
        table.append(CRC32C.checksum(table.bytes))
        var head = ByteWriter(reserving: ArchiveFormat.headBytes + table.count)
        head.append(bytes: ArchiveFormat.magic)
        head.append(ArchiveFormat.version)
        head.append(ArchiveFormat.features)
        head.append(UInt32(entries.count))
        head.append(UInt32(table.count))
        head.append(UInt64(contentBytes))
        head.append(CRC32C.checksum(head.bytes))
        head.append(bytes: table.bytes)
        return head.bytes
    }

    /// The end of an archive that begins with `head`, which covers every byte before it: the directory by its own
    /// bytes, the content by the digests in the directory.
    static func end(behind head: [UInt8]) -> [UInt8] {
        ArchiveFormat.endMagic + digest(ContentHash.hex(of: head))
    }

    /// A hash is text to people and bytes in the archive.
    private static func digest(_ sha256: String) -> [UInt8] {
        guard let bytes = Hexadecimal.bytes(sha256) else { preconditionFailure("hashes were checked") }
        return bytes
    }

    /// The directory of an archive in a file; its content is not looked at.
    package static func read(_ fileSystem: any FileSystem, path: String) throws(DatabaseError)
        -> ArchiveDirectory
    {
        let file = try fileSystem.openForReading(path)
        defer { file.close() }
        let bytes = try file.readExactly(ArchiveFormat.headBytes, at: 0)
        let head = try Head(decoding: bytes, file: path)
        let table = try file.readExactly(head.directoryBytes, at: ArchiveFormat.headBytes)
        return try ArchiveDirectory(decoding: bytes + table, head, file: path)
    }

    /// Reads what `Head` announced.
    ///
    /// - Parameter bytes: head and directory.
    init(decoding bytes: [UInt8], _ head: Head, file: String) throws(DatabaseError) {
        var reader = ByteReader(bytes.span.bytes, file: file)
        try reader.skip(ArchiveFormat.headBytes)
        let table = bytes.span.bytes.extracting(ArchiveFormat.headBytes..<(bytes.count - 4))
        var entries: [SnapshotFile] = []
        var total = 0
        for _ in 0..<head.entries {
            let entry = try Self.entry(&reader, after: entries.last)
            let (sum, overflows) = total.addingReportingOverflow(entry.bytes)
            guard !overflows else { throw reader.damage("files of more than 2^63 bytes") }
            total = sum
            entries.append(entry)
        }
        guard reader.remaining == 4 else { throw reader.damage("a directory of another length") }
        guard try reader.readUInt32() == CRC32C.checksum(table) else {
            throw .corruption(
                file: file, offset: bytes.count - 4, what: "the directory's checksum is wrong")
        }
        guard total == head.contentBytes else {
            throw .corruption(
                file: file, offset: 24,
                what: "\(head.contentBytes) bytes of content announced, the files have \(total)")
        }
        self.init(checked: entries, contentBytes: total)
    }

    private static func entry(
        _ reader: inout ByteReader, after last: SnapshotFile?
    ) throws(DatabaseError) -> SnapshotFile {
        let place = reader.offset
        let bytes = try reader.readBytes(Int(try reader.readUInt8()))
        let name = String(decoding: bytes, as: UTF8.self)
        guard SnapshotName.isValid(name) else {
            throw .corruption(
                file: reader.file, offset: place,
                what: "\"\(shown(bytes))\" is no plain file name: 1 to 200 of A-Za-z0-9._-, no dot first")
        }
        if let last, !last.name.utf8.lexicographicallyPrecedes(bytes) {
            let what = last.name.utf8.elementsEqual(bytes) ? "comes twice" : "is not in the order of names"
            throw .corruption(file: reader.file, offset: place, what: "\"\(name)\" \(what)")
        }
        return SnapshotFile(
            name: name, bytes: try reader.readSize(),
            sha256: Hexadecimal.text(try reader.readBytes(ArchiveFormat.hashBytes)))
    }

    /// A hostile name, fit for a message.
    private static func shown(_ name: [UInt8]) -> String {
        String(
            decoding: name.prefix(60).map { (32..<127).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }

    /// The first bytes of an archive.
    struct Head {
        let entries: Int
        let directoryBytes: Int
        let contentBytes: Int

        /// - Parameter bytes: exactly `ArchiveFormat.headBytes`.
        /// - Throws: `corruption`; `storage_failed` for a newer format.
        init(decoding bytes: [UInt8], file: String) throws(DatabaseError) {
            var reader = ByteReader(bytes.span.bytes, file: file)
            guard try reader.readBytes(8) == ArchiveFormat.magic else {
                throw .corruption(file: file, offset: 0, what: "not a Needletail archive")
            }
            try FormatCheck.version(
                try reader.readUInt32(), features: try reader.readUInt32(), of: "archive", file: file,
                supported: ArchiveFormat.version, known: ArchiveFormat.features)
            try FormatCheck.trailingChecksum(bytes, file: file)
            entries = Int(try reader.readUInt32())
            guard entries <= ArchiveFormat.maximumEntries else {
                throw .corruption(
                    file: file, offset: 16,
                    what: "\(entries) files, at most \(ArchiveFormat.maximumEntries)")
            }
            directoryBytes = Int(try reader.readUInt32())
            let least = entries * (ArchiveFormat.entryBytes + 1) + 4
            let most = entries * (ArchiveFormat.entryBytes + ArchiveFormat.maximumNameBytes) + 4
            guard (least...most).contains(directoryBytes) else {
                throw .corruption(
                    file: file, offset: 20, what: "\(directoryBytes) bytes for \(entries) directory entries")
            }
            contentBytes = try reader.readSize()
        }
    }
}
