// The snapshots of a data directory: one directory each under DIR/snapshots. A snapshot gets its name when all of
// it is durable and loses it before any of it is removed, so under a name it is always whole (invariant 5).

package import NeedleCore

/// Where snapshots lie. A value without state; safe to use from any thread, each name by one at a time.
package struct SnapshotDirectory: Sendable {
    package let fileSystem: any FileSystem
    package let path: String

    /// - Parameter path: an existing directory.
    package init(_ fileSystem: any FileSystem, path: String) {
        self.fileSystem = fileSystem
        self.path = path
    }

    package func path(of name: String) -> String { "\(path)/\(name)" }

    /// The names of all finished snapshots, sorted by bytes.
    package func names() throws(DatabaseError) -> [String] {
        var names: [String] = []
        for name in try fileSystem.list(path) where SnapshotName.isValid(name) {
            if try fileSystem.kind(of: path(of: name)) == .directory { names.append(name) }
        }
        return names
    }

    /// Reads a snapshot's manifest; no other file is looked at.
    ///
    /// - Returns: the manifest, and its own SHA-256.
    /// - Throws: `not_found`; `corruption`; `storage_failed` for a format that is not known here.
    package func read(_ name: String) throws(DatabaseError) -> (manifest: SnapshotManifest, sha256: String) {
        guard SnapshotName.isValid(name), try fileSystem.kind(of: path(of: name)) == .directory else {
            throw Self.notFound(name)
        }
        let file = "\(path(of: name))/\(SnapshotManifest.fileName)"
        let bytes: [UInt8]
        do throws(DatabaseError) {
            bytes = try fileSystem.readAll(file, limit: SnapshotManifest.maximumBytes)
        } catch {
            switch error.kind {
            case .notFound: throw .corruption(file: file, offset: 0, what: "the manifest is missing")
            case .limitExceeded:
                throw .corruption(file: file, offset: 0, what: "longer than a manifest can be")
            default: throw error
            }
        }
        return (try SnapshotManifest(decoding: bytes, file: file), ContentHash.hex(of: bytes))
    }

    /// Begins a snapshot under a temporary name.
    ///
    /// - Throws: `already_exists` when the name is taken.
    package func begin(_ name: String) throws(DatabaseError) -> SnapshotWriter {
        precondition(SnapshotName.isValid(name), "the caller checks names")
        guard try fileSystem.kind(of: path(of: name)) == nil else {
            throw DatabaseError(.alreadyExists, "there is a snapshot \"\(name)\"", at: "snapshot")
        }
        // What a crash left there was removed at opening: if it is there, somebody is at it.
        let temporary = path(of: "\(SnapshotName.unfinishedPrefix)new-\(name)")
        guard try fileSystem.kind(of: temporary) == nil else {
            throw DatabaseError(.alreadyExists, "snapshot \"\(name)\" is being made", at: "snapshot")
        }
        try fileSystem.createDirectory(temporary)
        return SnapshotWriter(directory: self, name: name, temporaryPath: temporary)
    }

    /// Removes a snapshot. Files that a collection shares stay there.
    ///
    /// - Throws: `not_found`.
    package func remove(_ name: String) throws(DatabaseError) {
        guard SnapshotName.isValid(name), try fileSystem.kind(of: path(of: name)) == .directory else {
            throw Self.notFound(name)
        }
        // First the name, then the content: never half a snapshot under a name.
        let doomed = path(of: "\(SnapshotName.unfinishedPrefix)gone-\(name)")
        try fileSystem.removeTree(doomed)
        try fileSystem.rename(path(of: name), to: doomed)
        try fileSystem.syncDirectory(path)
        try fileSystem.removeTree(doomed)
    }

    /// Removes what a crash left of snapshots that were being made, checked or removed.
    package func removeLeftovers() throws(DatabaseError) {
        // The process may have ended between renaming and syncing: a power cut must not bring back a name whose files
        // are removed here, nor take one that is listed now.
        try fileSystem.syncDirectory(path)
        for name in try fileSystem.list(path)
        where name.utf8.first == SnapshotName.unfinishedPrefix.utf8.first {
            try fileSystem.removeTree(path(of: name))
        }
    }

    package static func notFound(_ name: String) -> DatabaseError {
        DatabaseError(.notFound, "snapshot \"\(name)\" does not exist", at: "snapshot")
    }
}

extension FileSystem {
    /// Removes a file, or a directory with all that is in it; nothing when it is not there.
    package func removeTree(_ path: String) throws(DatabaseError) {
        switch try kind(of: path) {
        case nil: return
        case .directory?:
            for name in try list(path) { try removeTree("\(path)/\(name)") }
            try removeDirectory(path)
        default: try unlinkIfPresent(path)
        }
    }

    /// Gives a file that never changes another name, or copies it where links are refused. The name is durable
    /// after `syncDirectory` of its parent, a copy's content at once.
    package func linkOrCopy(_ existing: String, to new: String) throws(DatabaseError) {
        do throws(DatabaseError) {
            try link(existing, to: new)
        } catch {
            // Links between file systems, or on one that has none, or too many: the system's words differ.
            guard error.kind == .storageFailed else { throw error }
            try copy(existing, to: new)
        }
    }

    /// A copy, durable when it returns but for its name.
    func copy(_ existing: String, to new: String) throws(DatabaseError) {
        let source = try openForReading(existing)
        defer { source.close() }
        let target = try create(new)
        defer { target.close() }
        let size = try source.size()
        var offset = 0
        while offset < size {
            let piece = try source.readExactly(min(ContentHash.pieceBytes, size - offset), at: offset)
            try target.write(piece, at: offset)
            offset += piece.count
        }
        try target.sync()
    }
}
