package import NeedleCore

extension SnapshotDirectory {
    /// The archive of a snapshot: its files and its manifest.
    ///
    /// - Returns: the archive, and the SHA-256 of the snapshot's manifest.
    /// - Throws: `not_found`, `corruption`, as `read`.
    package func archive(of name: String) throws(DatabaseError) -> (source: ArchiveSource, sha256: String) {
        let (manifest, sha256) = try read(name)
        let file = try fileSystem.openForReading("\(path(of: name))/\(SnapshotManifest.fileName)")
        defer { file.close() }
        let own = SnapshotFile(name: SnapshotManifest.fileName, bytes: try file.size(), sha256: sha256)
        guard manifest.files.count < ArchiveFormat.maximumEntries else {
            throw DatabaseError(
                .limitExceeded, "the snapshot has \(manifest.files.count) files: too many for an archive")
        }
        let directory = ArchiveDirectory(manifest.files + [own])
        return (ArchiveSource(fileSystem, path: path(of: name), directory: directory), sha256)
    }
}
