// Reading an archive as it comes: any number of bytes at a time, each looked at once, nothing believed that has not
// been checked. Memory: the directory and one frame. What is refused leaves files in the directory that the
// receiver was given; whoever gave it removes them.

package import NeedleCore

/// Unpacks an archive into an empty directory.
///
/// Not thread safe by itself. After an error every further call gives the same error.
package struct ArchiveReceiver: Sendable {
    private enum Stage {
        case head
        case directory(ArchiveDirectory.Head)
        case frameHead
        case frame(ArchiveFrame.Head)
        case end
        case complete
    }

    /// Bytes taken so far.
    package private(set) var received = 0
    /// What the archive holds; known once the directory has come.
    package private(set) var directory: ArchiveDirectory?
    /// Bytes of content unpacked so far.
    package private(set) var contentReceived = 0

    private let fileSystem: any FileSystem
    private let path: String
    private let label: String
    private let room: Int
    private var stage = Stage.head
    private var failure: DatabaseError?
    /// What has come of the part that is being read, how long that is, and where it begins.
    private var part: [UInt8] = []
    private var partBytes = ArchiveFormat.headBytes
    private var partOrigin = 0
    private var head: [UInt8] = []

    private var entry = 0
    private var file: (any StorageFile)?
    private var offset = 0
    private var sum = ContentHash()

    /// - Parameters:
    ///   - path: an empty directory.
    ///   - label: what messages call the archive.
    ///   - room: bytes of content that may be written.
    package init(_ fileSystem: any FileSystem, path: String, label: String = "archive", room: Int) {
        self.fileSystem = fileSystem
        self.path = path
        self.label = label
        self.room = room
    }

    /// Whether the archive's last byte has come and everything was found right.
    package var isComplete: Bool {
        if case .complete = stage { failure == nil } else { false }
    }

    /// Takes the next bytes.
    ///
    /// - Throws: `corruption` with the offset in the archive; `storage_failed` for a newer format; `disk_full`
    ///   when there is less room than the archive says it needs, before anything is written; what writing throws.
    package mutating func receive(_ bytes: RawSpan) throws(DatabaseError) {
        if let failure { throw failure }
        do throws(DatabaseError) {
            var taken = 0
            while taken < bytes.byteCount {
                if case .complete = stage {
                    throw .corruption(file: label, offset: received, what: "bytes behind the archive's end")
                }
                let count = min(partBytes - part.count, bytes.byteCount - taken)
                bytes.extracting(taken..<(taken + count)).withUnsafeBytes { part.append(contentsOf: $0) }
                taken += count
                received += count
                if part.count == partBytes { try take() }
            }
        } catch {
            throw give(up: error)
        }
    }

    /// Says that no more bytes come; afterwards every file and its name is durable.
    ///
    /// - Throws: `corruption` when the archive is not whole.
    package mutating func finish() throws(DatabaseError) -> ArchiveDirectory {
        if let failure { throw failure }
        guard case .complete = stage, let directory else {
            throw give(up: .corruption(file: label, offset: received, what: "the archive ends too early"))
        }
        try fileSystem.syncDirectory(path)
        return directory
    }

    /// Takes no more bytes and lets the open file go.
    package mutating func close() {
        guard failure == nil else { return }
        _ = give(up: .corruption(file: label, offset: received, what: "the archive was given up here"))
    }

    /// Every further call gives this error.
    private mutating func give(up error: DatabaseError) -> DatabaseError {
        failure = error
        file?.close()
        file = nil
        return error
    }

    // MARK: Parts

    /// A part is whole: reads it and says which comes next.
    private mutating func take() throws(DatabaseError) {
        let bytes = part
        let origin = partOrigin
        part.removeAll(keepingCapacity: true)
        partOrigin = received
        switch stage {
        case .head:
            let found = try ArchiveDirectory.Head(decoding: bytes, file: label)
            head = bytes
            expect(.directory(found), found.directoryBytes)
        case .directory(let found):
            head += bytes
            try take(try ArchiveDirectory(decoding: head, found, file: label))
        case .frameHead:
            let frame = try ArchiveFrame.Head(
                decoding: bytes, remaining: remaining, file: label, origin: origin)
            expect(.frame(frame), frame.storedBytes)
        case .frame(let frame):
            try write(try frame.content(of: bytes, file: label, origin: origin))
        case .end:
            guard bytes == ArchiveDirectory.end(behind: head) else {
                throw .corruption(file: label, offset: origin, what: "not the end of this archive")
            }
            stage = .complete
        case .complete: preconditionFailure("nothing is expected behind the end")
        }
    }

    private mutating func expect(_ next: Stage, _ bytes: Int) {
        stage = next
        partBytes = bytes
    }

    private var remaining: Int { (directory?.entries[entry].bytes ?? 0) - offset }

    private mutating func take(_ found: ArchiveDirectory) throws(DatabaseError) {
        guard found.contentBytes <= room else {
            throw DatabaseError(
                .diskFull, "the archive's files have \(found.contentBytes) bytes, there is room for \(room)",
                expected: "at most \(room) bytes", got: "\(found.contentBytes)")
        }
        directory = found
        try openNext()
    }

    // MARK: Files

    /// Opens the entry's file; of empty ones there is nothing more to come.
    private mutating func openNext() throws(DatabaseError) {
        guard let entries = directory?.entries else { return }
        while entry < entries.count {
            file = try fileSystem.create("\(path)/\(entries[entry].name)")
            offset = 0
            sum = ContentHash()
            guard entries[entry].bytes == 0 else {
                return expect(.frameHead, ArchiveFormat.frameHeadBytes)
            }
            try closeFile(entries[entry])
        }
        expect(.end, ArchiveFormat.endBytes)
    }

    private mutating func write(_ content: [UInt8]) throws(DatabaseError) {
        guard let file, let directory else { preconditionFailure("a frame belongs to an open file") }
        try file.write(content, at: offset)
        sum.update(content.span.bytes)
        offset += content.count
        contentReceived += content.count
        guard remaining == 0 else { return expect(.frameHead, ArchiveFormat.frameHeadBytes) }
        try closeFile(directory.entries[entry])
        try openNext()
    }

    private mutating func closeFile(_ expected: SnapshotFile) throws(DatabaseError) {
        guard sum.hex() == expected.sha256 else {
            throw .corruption(
                file: label, offset: received, what: "\(expected.name) has another SHA-256 than announced")
        }
        try file?.sync()
        file?.close()
        file = nil
        entry += 1
    }
}
