import NeedleCore
import NeedleStorage

/// A file beside a collection's manifest that keeps what was measured of it: it may be missing or removed at any time, and one
/// that is damaged, of another version or of another collection is not read (docs/format/recall.md, quality.md).
///
/// Magic number, version, number of entries, incarnation; the entries; CRC-32C of everything before.
protocol MeasuredFile: Sendable {
    static var name: String { get }
    /// Eight bytes.
    static var magic: [UInt8] { get }
    static var version: UInt32 { get }
    /// Nothing larger is believed.
    static var maximumBytes: Int { get }

    var incarnation: Incarnation { get }
    var entryCount: Int { get }

    func writeEntries(to writer: inout ByteWriter)

    @_lifetime(reader: copy reader)
    init(incarnation: Incarnation, entries: UInt32, reading reader: inout ByteReader) throws(DatabaseError)
}

extension MeasuredFile {
    /// - Throws: `corruption`, also for another version.
    static func read(_ fileSystem: any FileSystem, path: String) throws(DatabaseError) -> Self {
        let file = try fileSystem.openForReading(path)
        defer { file.close() }
        let size = try file.size()
        guard size <= maximumBytes else {
            throw .corruption(file: path, offset: maximumBytes, what: "longer than it can be")
        }
        return try Self(decoding: try file.readExactly(size, at: 0), file: path)
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 4_096)
        writer.append(bytes: Self.magic)
        writer.append(Self.version)
        writer.append(UInt32(entryCount))
        writer.append(bytes: incarnation.bytes)
        writeEntries(to: &writer)
        writer.append(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    /// - Throws: `corruption`, also for another version.
    init(decoding bytes: [UInt8], file: String) throws(DatabaseError) {
        guard bytes.count >= 36 else {
            throw .corruption(file: file, offset: bytes.count, what: "the file ends inside its header")
        }
        var reader = ByteReader(bytes.span.bytes, file: file)
        guard try reader.readBytes(8) == Self.magic, try reader.readUInt32() == Self.version else {
            throw .corruption(file: file, offset: 0, what: "no \(Self.name) of this version")
        }
        let body = Array(bytes.dropLast(4))
        let stored = bytes.suffix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard CRC32C.checksum(body) == stored else {
            throw .corruption(file: file, offset: body.count, what: "the checksum is another")
        }
        let count = try reader.readUInt32()
        let incarnation = Incarnation(bytes: try reader.readBytes(16))
        try self.init(incarnation: incarnation, entries: count, reading: &reader)
        try reader.skip(4)
        try reader.expectEnd()
    }
}

extension CollectionStore {
    /// Derived files that no manifest names.
    static let measured: [any MeasuredFile.Type] = [RecallFile.self, QualityFile.self]
    static let measuredNames = measured.map { $0.name }

    /// What cannot be written now is lost with the process: nothing else depends on it.
    func keep(_ file: some MeasuredFile) {
        do throws(DatabaseError) {
            try AtomicFile.replace(
                fileSystem, "\(directory)/\(type(of: file).name)", with: file.encoded())
        } catch {}
    }

    /// What an earlier life has kept; a file that is missing, damaged or another's is as good as none.
    func kept<File: MeasuredFile>(_: File.Type) -> File? {
        do throws(DatabaseError) {
            let file = try File.read(fileSystem, path: "\(directory)/\(File.name)")
            return file.incarnation == incarnation ? file : nil
        } catch { return nil }
    }
}
