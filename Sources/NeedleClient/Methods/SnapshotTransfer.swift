// Archives of snapshots: a stream of bytes out of a server, a stream of bytes into one.

import NeedleCore

/// How far an archive has come, in bytes of content (the archive itself may be shorter, as it is compressed).
public struct TransferProgress: Hashable, Sendable {
    /// Bytes of content that are through.
    public var done = 0
    /// Bytes of content in all; `nil` until that is known.
    public var total: Int?
}

/// A snapshot that came out of an archive.
public struct ImportedSnapshot: Hashable, Sendable {
    /// Its name on this server.
    public var snapshot: String
    /// The collection it was taken of, on the server it was taken on.
    public var collection: String
    /// The state it holds.
    public var lsn: UInt64
    /// Points in it.
    public var points: Int
    /// Bytes of its files.
    public var bytes: Int
    /// SHA-256 of its manifest, which names the SHA-256 of every file.
    public var sha256: String
}

extension NeedletailClient {
    /// The archive of a snapshot: one file that any Needletail server can import.
    ///
    /// ```swift
    /// for try await piece in client.exportSnapshot("docs-42") { try write(piece.bytes) }
    /// ```
    ///
    /// Nothing is asked of the server before the first piece is asked for, and one piece at a time. Pieces whose
    /// connection broke are asked for again.
    /// - Parameter timeout: for each piece, retries included.
    public func exportSnapshot(
        _ snapshot: String, timeout: Timeout = .after(.seconds(120))
    ) -> SnapshotExport {
        SnapshotExport(client: self, snapshot: snapshot, timeout: timeout)
    }

    /// Makes a snapshot of an archive. It is visible once all of it has come and was found right; whatever goes wrong
    /// before leaves nothing on the server.
    ///
    /// - Parameters:
    ///   - archive: pieces of any size; consumed once, on the calling task.
    ///   - name: what to call the snapshot; `nil` for a name that the server makes.
    ///   - timeout: for each piece, retries included.
    ///   - onProgress: called after each acknowledged piece, on the calling task.
    /// - Throws: ``NeedletailError``: `corruption` says where the archive is damaged or cut off, `alreadyExists` that
    ///   the name is taken; or what the source of bytes throws.
    public func importSnapshot<Source: AsyncSequence>(
        _ archive: Source, as name: String? = nil, timeout: Timeout = .after(.seconds(120)),
        onProgress: (TransferProgress) -> Void = { _ in }
    ) async throws -> ImportedSnapshot where Source.Element == [UInt8] {
        let greeting = try await connect()
        let begin = try OutgoingRequest("snapshot.import_begin", repeatability: .onlyIfUnsent)
        let id = try ResultObject(try await perform(begin, timeout: timeout)).string("import")
        var sender = ArchiveSender(client: self, id: id, timeout: timeout, lineBytes: greeting.lineBytes)
        do {
            for try await bytes in archive { try await sender.send(bytes, onProgress) }
            // Some sources end quietly when their task is cancelled.
            try Task.checkCancellation()
            try await sender.flush(onProgress)
            return try await commitImport(id, as: name, timeout)
        } catch {
            // Also when this task was cancelled: what was begun there has to end.
            await Task { await self.abortImport(id) }.value
            throw error
        }
    }

    private func commitImport(
        _ id: String, as name: String?, _ timeout: Timeout
    ) async throws -> ImportedSnapshot {
        let request = OutgoingRequest("snapshot.import_commit", repeatability: .onlyIfUnsent) { writer in
            writer.key("import")
            writer.write(id)
            if let name {
                writer.key("as")
                writer.write(name)
            }
        }
        let result = try ResultObject(try await perform(request, timeout: timeout))
        return ImportedSnapshot(
            snapshot: try result.string("snapshot"), collection: try result.string("collection"),
            lsn: try result.lsn(), points: try result.int("points"), bytes: try result.int("bytes"),
            sha256: try result.string("sha256"))
    }

    /// Best effort: a server that cannot be reached gives the import up by itself.
    private func abortImport(_ id: String) async {
        let request = OutgoingRequest("snapshot.import_abort", repeatability: .onlyIfUnsent) { writer in
            writer.key("import")
            writer.write(id)
        }
        _ = try? await perform(request, timeout: .after(.seconds(2)))
    }
}

/// The pieces of a snapshot's archive, in their order.
public struct SnapshotExport: AsyncSequence, Sendable {
    /// Some bytes of an archive.
    public struct Piece: Sendable {
        /// The bytes that follow those of the piece before.
        public var bytes: [UInt8]
        /// How far this is.
        public var progress: TransferProgress
        /// SHA-256 of the snapshot's manifest.
        public var sha256: String
    }

    let client: NeedletailClient
    let snapshot: String
    let timeout: Timeout

    /// Asks for one piece after the other.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let export: SnapshotExport
        var position: Int? = 0
        var sha256: String?

        /// The next piece, `nil` after the last.
        ///
        /// - Throws: ``NeedletailError``: `corruption` when the snapshot is damaged, so that no damaged archive is
        ///   ever whole; `conflict` when it was replaced by another one meanwhile.
        public mutating func next() async throws -> Piece? {
            guard let place = position else { return nil }
            let request = OutgoingRequest("snapshot.read") { writer in
                writer.key("snapshot")
                writer.write(export.snapshot)
                writer.key("position")
                writer.write(place)
            }
            let bytes = try await export.client.perform(request, timeout: export.timeout)
            let answer = try readResult(bytes, PieceAnswer.read)
            guard sha256 == nil || sha256 == answer.sha256 else {
                throw NeedletailError(
                    .conflict, "snapshot \"\(export.snapshot)\" was replaced while it was being exported",
                    at: "snapshot")
            }
            sha256 = answer.sha256
            position = answer.next
            return Piece(
                bytes: answer.bytes,
                progress: TransferProgress(done: answer.next ?? answer.total, total: answer.total),
                sha256: answer.sha256)
        }
    }

    /// An iterator that begins with the first piece.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(export: self)
    }
}

/// The answer of `snapshot.read`.
private struct PieceAnswer {
    var bytes: [UInt8] = []
    var next: Int?
    var total = 0
    var sha256 = ""

    static func read(_ reader: inout JSONReader) throws(JSONError) -> PieceAnswer {
        var answer = PieceAnswer()
        var names = try reader.beginObject()
        while let name = try reader.nextKey(&names) {
            switch name {
            case "data": answer.bytes = try reader.readBase64Bytes()
            case "next":
                if try !reader.readNullIfPresent() { answer.next = try reader.readInt(in: 0...Int.max) }
            case "total": answer.total = try reader.readInt(in: 0...Int.max)
            case "sha256": answer.sha256 = try reader.readString()
            default: try reader.skipValue()
            }
        }
        return answer
    }
}

/// Cuts a stream of bytes into pieces that the server takes at once.
private struct ArchiveSender {
    /// Bytes per request at most.
    private static let usualPieceBytes = 4 << 20

    let client: NeedletailClient
    let id: String
    let timeout: Timeout
    private let pieceBytes: Int
    private var offset = 0
    private var waiting: [UInt8] = []

    init(client: NeedletailClient, id: String, timeout: Timeout, lineBytes: Int) {
        self.client = client
        self.id = id
        self.timeout = timeout
        pieceBytes = max(1, min(Self.usualPieceBytes, (lineBytes - 512) / 4 * 3))
    }

    mutating func send(_ bytes: [UInt8], _ onProgress: (TransferProgress) -> Void) async throws {
        waiting += bytes
        while waiting.count >= pieceBytes {
            try await write(Array(waiting[..<pieceBytes]), onProgress)
            waiting.removeFirst(pieceBytes)
        }
    }

    mutating func flush(_ onProgress: (TransferProgress) -> Void) async throws {
        guard !waiting.isEmpty else { return }
        try await write(waiting, onProgress)
        waiting = []
    }

    private mutating func write(_ piece: [UInt8], _ onProgress: (TransferProgress) -> Void) async throws {
        let (id, offset) = (id, offset)
        // The offset makes a repeat harmless: what came already is passed over.
        let request = OutgoingRequest("snapshot.import_write") { writer in
            writer.key("import")
            writer.write(id)
            writer.key("offset")
            writer.write(offset)
            writer.key("data")
            writer.writeBase64(bytes: piece.span.bytes)
        }
        let result = try ResultObject(try await client.perform(request, timeout: timeout))
        self.offset += piece.count
        onProgress(
            TransferProgress(done: try result.int("done"), total: result.object["total"]?.intValue))
    }
}
