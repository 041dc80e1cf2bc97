// The seam between the database and the disk. Everything below the network line that touches a file goes
// through this protocol: the product runs on PosixFileSystem (NeedleStorage), the tests on
// SimulatedFileSystem (SimulationKit), which loses unsynced data, tears sectors and fails at any chosen
// operation. Invariants 1, 4, 5 and 7 of the house are provable only because nothing goes around it.

/// What lies at a path.
package enum FileKind: Hashable, Sendable {
    case file
    case directory
    /// A link, a socket, a device: never followed, never opened.
    case other
}

/// A file system, or what stands for one.
///
/// Paths are absolute, or relative to the implementation's root; `/` separates, `..` is not resolved. Safe
/// to use from several threads at once. Every error names the path and the operation. Kinds: `not_found`,
/// `already_exists`, `disk_full` (no space, no quota), `storage_failed` (everything else).
package protocol FileSystem: AnyObject, Sendable {
    /// Opens an existing file for reading only.
    func openForReading(_ path: String) throws(DatabaseError) -> any StorageFile

    /// Opens an existing file for reading and writing in place.
    func openForWriting(_ path: String) throws(DatabaseError) -> any StorageFile

    /// Creates an empty file for reading and writing; `already_exists` when the name is taken. The name is
    /// durable only after `syncDirectory` of its parent.
    func create(_ path: String) throws(DatabaseError) -> any StorageFile

    /// What lies at `path`, or `nil` when nothing does.
    func kind(of path: String) throws(DatabaseError) -> FileKind?

    /// The names in a directory, without `.` and `..`, sorted by bytes.
    func list(_ directory: String) throws(DatabaseError) -> [String]

    /// Makes one directory; `already_exists` when the name is taken.
    func createDirectory(_ path: String) throws(DatabaseError)

    /// Removes an empty directory.
    func removeDirectory(_ path: String) throws(DatabaseError)

    /// Renames a file or directory, replacing a file that has the new name, atomically for every reader and
    /// across a crash; durable after `syncDirectory` of the parents.
    func rename(_ old: String, to new: String) throws(DatabaseError)

    /// Gives a file a second name (a hard link); both on one file system.
    func link(_ existing: String, to new: String) throws(DatabaseError)

    /// Removes a name. Open handles and mappings of the file stay valid.
    func unlink(_ path: String) throws(DatabaseError)

    /// Makes the names in a directory durable: what was created, renamed or unlinked there.
    func syncDirectory(_ path: String) throws(DatabaseError)

    /// Takes an advisory lock on a file (created if absent) that no other process or caller holds;
    /// `conflict` when somebody does. The operating system frees it when the process ends, however it ends.
    func lock(_ path: String) throws(DatabaseError) -> any FileLock

    /// Bytes that this process may still write on the file system that holds `path`.
    func freeBytes(at path: String) throws(DatabaseError) -> Int
}

/// A lock held on a file, freed by `release` or by the last reference going away.
package protocol FileLock: AnyObject, Sendable {
    func release()
}

extension FileSystem {
    /// Whether a file or directory lies at `path`.
    package func exists(_ path: String) throws(DatabaseError) -> Bool {
        try kind(of: path) != nil
    }

    /// Makes a directory unless it is there already, and makes its name durable.
    package func ensureDirectory(_ path: String) throws(DatabaseError) {
        if try kind(of: path) == .directory { return }
        try createDirectory(path)
        try syncDirectory(Self.parent(of: path))
    }

    /// Removes a file if it is there.
    package func unlinkIfPresent(_ path: String) throws(DatabaseError) {
        do {
            try unlink(path)
        } catch  where error.kind == .notFound {
            return
        }
    }

    /// The whole content of a file.
    ///
    /// - Throws: `limit_exceeded` when it is longer than `limit`: small files only.
    package func readAll(_ path: String, limit: Int) throws(DatabaseError) -> [UInt8] {
        let file = try openForReading(path)
        defer { file.close() }
        let size = try file.size()
        guard size <= limit else {
            throw DatabaseError(.limitExceeded, "\(path): \(size) bytes, at most \(limit) are read at once")
        }
        return try file.readExactly(size, at: 0)
    }

    /// The directory that holds `path`; `.` for a bare name.
    package static func parent(of path: String) -> String {
        let bytes = Array(path.utf8)
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
    }
}
