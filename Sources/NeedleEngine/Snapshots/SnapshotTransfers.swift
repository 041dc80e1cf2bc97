// Archives of snapshots on their way out and in, as requests that each carry a piece. Which import is under way is
// known here only; nothing of it outlives the server.

package import NeedleCore
import NeedleStorage
import Synchronization

/// Exports and imports of one database. Safe to use from any thread; pieces of one import are taken one by one.
package final class SnapshotTransfers: Sendable {
    /// Imports at a time. Each may hold a directory of files and, while it is sent, one piece.
    package static let maximumImports = 16
    /// An import that nothing was sent for in so long is given up.
    package static let idleMilliseconds: Int64 = 600_000
    /// Archives whose running checksums are remembered.
    private static let rememberedArchives = 16

    private let snapshots: SnapshotDirectory
    private let clock: any Clock
    private let disk: DiskSpace
    private let nonce: UInt64
    private let imports = Mutex(Imports())
    private let archives = Mutex<[Archive]>([])

    private struct Imports {
        var open: [String: OpenImport] = [:]
        var count: UInt64 = 0
    }

    private struct Archive {
        var name: String
        var sha256: String
        var source: ArchiveSource
    }

    init(snapshots: SnapshotDirectory, clock: any Clock, disk: DiskSpace, nonce: UInt64) {
        self.snapshots = snapshots
        self.clock = clock
        self.disk = disk
        self.nonce = nonce
    }

    // MARK: Out

    /// A piece of a snapshot's archive.
    ///
    /// - Parameters:
    ///   - position: 0, or what the piece before says.
    ///   - limit: bytes that it should have at most; see `ArchiveSource.read`.
    package func read(
        _ snapshot: String, at position: Int, limit: Int, context: OperationContext
    ) throws(DatabaseError) -> SnapshotPiece {
        do throws(DatabaseError) {
            return try readPiece(snapshot, at: position, limit: limit, context: context)
        } catch {
            // Clients are told which file is damaged, but not where the server keeps its data.
            var shown = error
            shown.message = error.message.replacing("\(snapshots.path)/", with: "")
            shown.at = error.at?.replacing("\(snapshots.path)/", with: "")
            throw shown
        }
    }

    private func readPiece(
        _ snapshot: String, at position: Int, limit: Int, context: OperationContext
    ) throws(DatabaseError) -> SnapshotPiece {
        // The manifest is read every time: it says whether this is still the snapshot that the client began with.
        let (fresh, sha256) = try snapshots.archive(of: snapshot)
        let source = archives.withLock { archives in
            if let known = archives.first(where: { $0.name == snapshot && $0.sha256 == sha256 }) {
                return known.source
            }
            if archives.count >= Self.rememberedArchives { archives.removeFirst() }
            archives.append(Archive(name: snapshot, sha256: sha256, source: fresh))
            return fresh
        }
        let piece = try source.read(at: position, limit: limit, context: context)
        return SnapshotPiece(
            bytes: piece.bytes, next: piece.next, total: source.directory.contentBytes, sha256: sha256)
    }

    // MARK: In

    /// Makes room for an archive.
    ///
    /// - Returns: the import's id.
    /// - Throws: `overloaded` when there are as many imports as there may be; `disk_full` while the disk is low.
    package func beginImport() throws(DatabaseError) -> String {
        abandonIdle()
        try disk.requireRoomForNewData()
        let room = disk.roomForNewData
        let id = try imports.withLock { (imports) throws(DatabaseError) -> String in
            guard imports.open.count < Self.maximumImports else {
                throw DatabaseError(
                    .overloaded, "\(Self.maximumImports) imports are under way", retryAfterMS: 1_000)
            }
            imports.count += 1
            let id = String(SeededGenerator.mix(nonce &+ imports.count), radix: 16)
            imports.open[id] = OpenImport(
                try SnapshotImport(snapshots, id: id, room: room), now: clock.wallMilliseconds())
            return id
        }
        return id
    }

    /// Takes a piece of an archive.
    ///
    /// - Throws: `not_found` for no such import; `invalid_params` for a piece that is not the next one; what is wrong
    ///   with the archive, or `disk_full`, which end the import and leave nothing.
    package func write(
        _ bytes: [UInt8], at offset: Int, to id: String
    ) throws(DatabaseError) -> ImportStatus {
        let open = try find(id)
        return try open.state.withLock { (state) throws(DatabaseError) in
            state.lastUse = clock.wallMilliseconds()
            return try ending(id, &state) { (incoming) throws(DatabaseError) in
                try disk.requireRoomForNewData()
                try incoming.write(bytes.span.bytes, at: offset)
                disk.noteWritten(bytes.count)
                return incoming.status
            }
        }
    }

    /// Makes a snapshot of an archive that has come whole; durable when it returns.
    ///
    /// - Parameter name: what to call it; `nil` for a name made of collection, LSN and hash.
    /// - Throws: `already_exists`, after which it can be tried again under another name; otherwise as `write`.
    package func commitImport(_ id: String, as name: String?) throws(DatabaseError) -> SnapshotDescription {
        if let name, !SnapshotName.isValid(name) {
            throw DatabaseError(
                .invalidParams, "malformed name of a snapshot", at: "as",
                expected: "1 to 200 of A-Z a-z 0-9 . _ -, not beginning with a dot", got: name)
        }
        let open = try find(id)
        let imported = try open.state.withLock { (state) throws(DatabaseError) in
            state.lastUse = clock.wallMilliseconds()
            return try ending(id, &state) { (incoming) throws(DatabaseError) in
                let result = try incoming.commit { name ?? Self.name(for: $0) }
                return SnapshotDescription(result.manifest, name: result.name, sha256: result.sha256)
            }
        }
        imports.withLock { _ = $0.open.removeValue(forKey: id) }
        return imported
    }

    /// Gives up an import and removes what came of it.
    package func abortImport(_ id: String) throws(DatabaseError) {
        let open = try find(id)
        imports.withLock { _ = $0.open.removeValue(forKey: id) }
        open.state.withLock { $0.incoming.abandon() }
    }

    private func find(_ id: String) throws(DatabaseError) -> OpenImport {
        abandonIdle()
        guard let open = imports.withLock({ $0.open[id] }) else {
            throw DatabaseError(
                .notFound, "import \"\(id)\" does not exist: it ended, or nothing was sent for too long",
                at: "import")
        }
        return open
    }

    /// Runs a step of an import. One that fails for what the archive is ends it; a piece that came too early or a
    /// name that is taken do not.
    private func ending<Value>(
        _ id: String, _ state: inout OpenImport.State,
        _ step: (inout SnapshotImport) throws(DatabaseError) -> Value
    ) throws(DatabaseError) -> Value {
        do throws(DatabaseError) {
            return try step(&state.incoming)
        } catch {
            if error.kind != .invalidParams, error.kind != .alreadyExists {
                state.incoming.abandon()
                imports.withLock { _ = $0.open.removeValue(forKey: id) }
            }
            throw error
        }
    }

    private func abandonIdle() {
        let now = clock.wallMilliseconds()
        let idle = imports.withLock { imports in
            // One that is busy is not idle: its lock is not waited for.
            let ids = imports.open.filter { entry in
                let lastUse = entry.value.state.withLockIfAvailable { $0.lastUse } ?? now
                return now - lastUse > Self.idleMilliseconds
            }.map(\.key)
            return ids.compactMap { imports.open.removeValue(forKey: $0) }
        }
        for open in idle { open.state.withLock { $0.incoming.abandon() } }
    }

    private static func name(for manifest: SnapshotManifest) -> String {
        let collection = String(manifest.collection.prefix(120).filter(\.isASCII))
        let name = "\(collection)-\(manifest.lsn.value)-\(manifest.createdMS)"
        return SnapshotName.isValid(name) ? name : "imported-\(manifest.createdMS)"
    }
}

/// One import under way.
private final class OpenImport: Sendable {
    struct State {
        var incoming: SnapshotImport
        /// Milliseconds since 1970.
        var lastUse: Int64
    }

    let state: Mutex<State>

    init(_ incoming: SnapshotImport, now: Int64) {
        state = Mutex(State(incoming: incoming, lastUse: now))
    }
}
