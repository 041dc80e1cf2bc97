// A snapshot on its way in. It lies under a name with a dot, which no reader of snapshots sees and which the next
// opening removes, until all of it has come, was found right, and is durable. Then it gets its name (invariant 5).

package import NeedleCore

/// An archive that is being unpacked into the directory of snapshots. One thread at a time.
package struct SnapshotImport: Sendable {
    private let snapshots: SnapshotDirectory
    private let path: String
    private var receiver: ArchiveReceiver
    /// Committed or abandoned: a request that had to wait for that comes too late.
    private var isOver = false

    /// - Parameters:
    ///   - id: a plain name that no other import has.
    ///   - room: bytes of content that may be written; an archive that needs more is refused by its directory.
    /// - Throws: what making a directory throws.
    package init(_ snapshots: SnapshotDirectory, id: String, room: Int) throws(DatabaseError) {
        self.snapshots = snapshots
        path = snapshots.path(of: "\(SnapshotName.unfinishedPrefix)import-\(id)")
        let fileSystem = snapshots.fileSystem
        try fileSystem.createDirectory(path)
        receiver = ArchiveReceiver(fileSystem, path: path, room: room)
    }

    package var status: ImportStatus {
        ImportStatus(
            received: receiver.received, done: receiver.contentReceived,
            total: receiver.directory?.contentBytes)
    }

    /// Takes the bytes of the archive that begin at `offset`. What came already is passed over, so that a piece
    /// whose answer was lost may be sent again.
    ///
    /// - Throws: `invalid_params` when bytes before `offset` are missing; whatever is wrong with the archive, as
    ///   `ArchiveReceiver.receive`. Then the import can only be abandoned.
    package mutating func write(_ bytes: RawSpan, at offset: Int) throws(DatabaseError) {
        try refuseIfOver()
        guard offset <= receiver.received else {
            throw DatabaseError(
                .invalidParams, "the bytes before are missing", at: "offset",
                expected: "at most \(receiver.received)", got: "\(offset)")
        }
        let known = min(receiver.received - offset, bytes.byteCount)
        try receiver.receive(bytes.extracting(known..<bytes.byteCount))
    }

    /// Checks that everything has come and belongs together, and gives the snapshot its name; durable when it
    /// returns.
    ///
    /// - Parameter chooseName: what to call it, if that does not depend on what it is.
    /// - Throws: `corruption` for an archive that is not whole or is none of a snapshot; `storage_failed` for a
    ///   newer format; `already_exists`. The import goes on to exist, under no name.
    package mutating func commit(
        as chooseName: (SnapshotManifest) -> String
    ) throws(DatabaseError) -> (name: String, manifest: SnapshotManifest, sha256: String) {
        try refuseIfOver()
        let directory = try receiver.finish()
        let (manifest, sha256) = try readManifest(directory)
        let name = chooseName(manifest)
        precondition(SnapshotName.isValid(name), "the caller checks names")
        let fileSystem = snapshots.fileSystem
        guard try fileSystem.kind(of: snapshots.path(of: name)) == nil else {
            throw DatabaseError(.alreadyExists, "there is a snapshot \"\(name)\"", at: "as")
        }
        try fileSystem.rename(path, to: snapshots.path(of: name))
        isOver = true
        try fileSystem.syncDirectory(snapshots.path)
        return (name, manifest, sha256)
    }

    /// Removes what has come. Best effort: what stays is removed at the next opening.
    package mutating func abandon() {
        isOver = true
        receiver.close()
        do throws(DatabaseError) { try snapshots.fileSystem.removeTree(path) } catch { return }
    }

    private func refuseIfOver() throws(DatabaseError) {
        guard isOver else { return }
        throw DatabaseError(.notFound, "the import has ended", at: "import")
    }

    /// The files of the archive are exactly those that the snapshot's manifest names.
    private func readManifest(
        _ directory: ArchiveDirectory
    ) throws(DatabaseError) -> (manifest: SnapshotManifest, sha256: String) {
        guard let own = directory.entries.first(where: { $0.name == SnapshotManifest.fileName }) else {
            throw .corruption(
                file: "archive", offset: 0,
                what: "no \(SnapshotManifest.fileName): not the archive of a snapshot")
        }
        let bytes = try snapshots.fileSystem.readAll(
            "\(path)/\(own.name)", limit: SnapshotManifest.maximumBytes)
        let manifest = try SnapshotManifest(decoding: bytes, file: "archive:\(own.name)")
        let named = Set(manifest.files)
        let found = Set(directory.entries.filter { $0 != own })
        guard named == found else {
            let odd = named.symmetricDifference(found).map(\.name).min() ?? ""
            throw .corruption(
                file: "archive", offset: 0,
                what: "\(odd) is not the file that \(SnapshotManifest.fileName) names, or is not there")
        }
        return (manifest, own.sha256)
    }
}
