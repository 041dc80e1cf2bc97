package import NeedleCore

/// A snapshot that is being made, under a temporary name.
///
/// Add files, then `commit`; or `abandon`, which leaves nothing. What a crash leaves is removed at the next opening.
/// One thread at a time.
package struct SnapshotWriter: Sendable {
    private let directory: SnapshotDirectory
    package let name: String
    private let temporaryPath: String

    private var fileSystem: any FileSystem { directory.fileSystem }

    init(directory: SnapshotDirectory, name: String, temporaryPath: String) {
        self.directory = directory
        self.name = name
        self.temporaryPath = temporaryPath
    }

    /// Where a file lies until the snapshot is committed.
    package func path(of file: String) -> String {
        precondition(SnapshotName.isFile(file), "the caller checks names")
        return "\(temporaryPath)/\(file)"
    }

    /// Shares a file that never changes and is durable; copies it where links are refused.
    package func share(_ existing: String, as file: String) throws(DatabaseError) {
        try fileSystem.linkOrCopy(existing, to: path(of: file))
    }

    /// Adds a log file: shared if all of it is durable, else a copy. An earlier process may have left a marker that
    /// nobody had to wait for behind its end, and syncing it now proves nothing: once a sync of it has failed, a later
    /// one succeeds although the disk does not have what reading shows, and the hash would be of that.
    package func add(_ file: SealedLogFile) throws(DatabaseError) {
        if file.isSynced { return try share(file.path, as: file.name) }
        try fileSystem.copy(file.path, to: path(of: file.name))
    }

    /// Writes a small file; durable when it returns.
    package func write(_ bytes: [UInt8], as file: String) throws(DatabaseError) {
        try write(bytes, at: path(of: file))
    }

    private func write(_ bytes: [UInt8], at path: String) throws(DatabaseError) {
        let target = try fileSystem.create(path)
        defer { target.close() }
        try target.write(bytes, at: 0)
        try target.sync()
    }

    package func size(of file: String) throws(DatabaseError) -> Int {
        let handle = try fileSystem.openForReading(path(of: file))
        defer { handle.close() }
        return try handle.size()
    }

    /// The length and SHA-256 of a file that was added.
    ///
    /// - Parameter progress: as of `ContentHash.hex(ofFile:)`.
    package func describe(
        _ file: String, progress: (Int) throws(DatabaseError) -> Void = { (_) throws(DatabaseError) in }
    ) throws(DatabaseError) -> SnapshotFile {
        var bytes = 0
        let sha256 = try ContentHash.hex(ofFile: path(of: file), fileSystem) {
            (count) throws(DatabaseError) in
            bytes += count
            try progress(count)
        }
        return SnapshotFile(name: file, bytes: bytes, sha256: sha256)
    }

    /// Writes the manifest and gives the snapshot its name; durable when it returns.
    ///
    /// - Precondition: the manifest names exactly the files that were added, all of which are durable.
    /// - Returns: the manifest's SHA-256.
    /// - Throws: `already_exists` when the name was taken meanwhile. Nothing has the name then.
    package func commit(_ manifest: SnapshotManifest) throws(DatabaseError) -> String {
        let bytes = manifest.encoded()
        try write(bytes, at: "\(temporaryPath)/\(SnapshotManifest.fileName)")
        try fileSystem.syncDirectory(temporaryPath)
        guard try fileSystem.kind(of: directory.path(of: name)) == nil else {
            throw DatabaseError(.alreadyExists, "there is a snapshot \"\(name)\"", at: "snapshot")
        }
        try fileSystem.rename(temporaryPath, to: directory.path(of: name))
        try fileSystem.syncDirectory(directory.path)
        return ContentHash.hex(of: bytes)
    }

    /// Removes what was added. Best effort: what stays is removed at the next opening.
    package func abandon() {
        do throws(DatabaseError) { try fileSystem.removeTree(temporaryPath) } catch { return }
    }
}
