package import NeedleCore

extension SnapshotDirectory {
    /// Compares every file of a snapshot with the length and SHA-256 that its manifest says. One pass.
    ///
    /// - Parameter progress: called after each piece with its bytes; what it throws is passed on.
    /// - Throws: `corruption` naming the file; also for one that is missing, is no plain file, or is not named.
    package func check(
        _ name: String, _ manifest: SnapshotManifest, progress: (Int) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        if let unnamed = try unnamedFiles(name, manifest).first { throw unnamed }
        for file in manifest.files { try check(file, in: path(of: name), progress: progress) }
    }

    /// The same, but everything that is wrong and not only the first: for offline tools.
    package func differences(
        _ name: String, _ manifest: SnapshotManifest
    ) throws(DatabaseError) -> [DatabaseError] {
        var found = try unnamedFiles(name, manifest)
        for file in manifest.files {
            do throws(DatabaseError) {
                try check(file, in: path(of: name)) { (_) throws(DatabaseError) in }
            } catch {
                guard error.kind == .corruption else { throw error }
                found.append(error)
            }
        }
        return found
    }

    private func unnamedFiles(
        _ name: String, _ manifest: SnapshotManifest
    ) throws(DatabaseError) -> [DatabaseError] {
        let folder = path(of: name)
        let named = Set(manifest.files.map(\.name) + [SnapshotManifest.fileName])
        return try fileSystem.list(folder).filter { !named.contains($0) }.map { file in
            .corruption(
                file: "\(folder)/\(file)", offset: 0, what: "the snapshot does not name this file")
        }
    }

    private func check(
        _ file: SnapshotFile, in folder: String, progress: (Int) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        let path = "\(folder)/\(file.name)"
        guard try fileSystem.kind(of: path) == .file else {
            throw .corruption(file: path, offset: 0, what: "the file is missing")
        }
        // Before the content: a file that is far too long is not read at all.
        let handle = try fileSystem.openForReading(path)
        defer { handle.close() }
        let size = try handle.size()
        guard size == file.bytes else {
            throw .corruption(
                file: path, offset: min(size, file.bytes), what: "\(size) bytes in place of \(file.bytes)")
        }
        let sha256 = try ContentHash.hex(ofFile: path, fileSystem, progress: progress)
        guard sha256 == file.sha256 else {
            throw .corruption(file: path, offset: 0, what: "its SHA-256 is not the one in the manifest")
        }
    }
}
