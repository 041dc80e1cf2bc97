// The bytes of a log file (docs/format/log.md). A file is a header of 128 bytes and 8-byte aligned frames.
// All integers are little-endian. Numbers here are part of the format: never change them.
//
// A checksum of a frame covers the file's salt and the frame's own offset, so that bytes of an older file
// on recycled blocks, or bytes that moved, never validate.

import NeedleCore

enum LogFormat {
    /// "NTLOG", then bytes that any text conversion would change.
    static let magic: [UInt8] = Array("NTLOG".utf8) + [0, 13, 10]
    static let version: UInt32 = 1
    /// Feature bits this version understands.
    static let features: UInt32 = 0
    static let headerBytes = 128
    static let frameHeaderBytes = 40
    static let alignment = 8
    static let maximumBodyBytes = 128 << 20

    /// `<first LSN, 20 digits>.log`
    static func fileName(firstLSN: LSN) -> String {
        let digits = String(firstLSN.value)
        return String(repeating: "0", count: 20 - digits.utf8.count) + digits + ".log"
    }

    static func firstLSN(ofFileName name: String) -> LSN? {
        let bytes = Array(name.utf8)
        guard bytes.count == 24, bytes[20...].elementsEqual(".log".utf8) else { return nil }
        guard bytes[..<20].allSatisfy({ (48...57).contains($0) }) else { return nil }
        return UInt64(String(decoding: bytes[..<20], as: UTF8.self)).map { LSN($0) }
    }

    static func padded(_ count: Int) -> Int {
        (count + alignment - 1) / alignment * alignment
    }
}

/// What a frame is for. Part of the format.
enum LogFrameKind: UInt8 {
    /// Part of a write.
    case data = 1
    /// Its body is the LSN through which LSNs may have been answered.
    case reserve = 2
    /// Written behind the end after a sync, not synced itself, and overwritten by the next frame: it proves
    /// that everything before it is durable.
    case marker = 3
    /// The same, and the last thing a writer does with the file.
    case close = 4
}

/// The first 128 bytes of a log file.
struct LogFileHeader: Hashable, Sendable {
    var incarnation: Incarnation
    /// Every write in this file has at least this LSN, every write in the file before a lesser one.
    var firstLSN: LSN
    var salt: UInt64
    /// The file before this one: its first LSN (0: there is none), where its frames end and their chained
    /// checksum.
    var previousFirstLSN: LSN
    var previousEnd: Int
    var previousChain: UInt32
    /// What `LogTail` said when this file was begun: it lets older files go.
    var lsnCeiling: LSN
    var lastTimeMS: Int64

    func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: LogFormat.headerBytes)
        writer.append(bytes: LogFormat.magic)
        writer.append(LogFormat.version)
        writer.append(LogFormat.features)
        writer.append(bytes: incarnation.bytes)
        writer.append(firstLSN.value)
        writer.append(salt)
        writer.append(previousFirstLSN.value)
        writer.append(UInt64(previousEnd))
        writer.append(previousChain)
        writer.append(UInt32(0))
        writer.append(lsnCeiling.value)
        writer.append(lastTimeMS)
        writer.append(zeros: LogFormat.headerBytes - 4 - writer.count)
        writer.append(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    init(
        incarnation: Incarnation, firstLSN: LSN, salt: UInt64, previousFirstLSN: LSN = .zero,
        previousEnd: Int = 0,
        previousChain: UInt32 = 0, lsnCeiling: LSN, lastTimeMS: Int64
    ) {
        self.incarnation = incarnation
        self.firstLSN = firstLSN
        self.salt = salt
        self.previousFirstLSN = previousFirstLSN
        self.previousEnd = previousEnd
        self.previousChain = previousChain
        self.lsnCeiling = lsnCeiling
        self.lastTimeMS = lastTimeMS
    }

    init(decoding bytes: [UInt8], file: String) throws(DatabaseError) {
        guard bytes.count == LogFormat.headerBytes else {
            throw .corruption(file: file, offset: bytes.count, what: "the file ends inside its header")
        }
        var reader = ByteReader(bytes.span.bytes, file: file)
        guard try reader.readBytes(8) == LogFormat.magic else {
            throw .corruption(file: file, offset: 0, what: "not a log file")
        }
        // Before the checksum: a newer version may have another header.
        try FormatCheck.version(
            try reader.readUInt32(), features: try reader.readUInt32(), of: "log", file: file,
            supported: LogFormat.version, known: LogFormat.features)
        try FormatCheck.trailingChecksum(bytes, file: file)
        incarnation = Incarnation(bytes: try reader.readBytes(16))
        firstLSN = LSN(try reader.readUInt64())
        salt = try reader.readUInt64()
        previousFirstLSN = LSN(try reader.readUInt64())
        previousEnd = try reader.readSize()
        previousChain = try reader.readUInt32()
        try reader.skip(4)
        lsnCeiling = LSN(try reader.readUInt64())
        lastTimeMS = try reader.readInt64()
    }
}
