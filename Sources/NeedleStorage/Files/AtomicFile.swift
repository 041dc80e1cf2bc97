package import NeedleCore

/// Small files that are replaced as a whole: after a crash either the old content is there or the new.
package enum AtomicFile {
    /// Writes `path`.tmp, syncs it, renames it over `path`, and syncs the directory. When it throws, the
    /// old content stands, or, when only the last step failed, either.
    package static func replace(
        _ fileSystem: any FileSystem, _ path: String, with bytes: [UInt8]
    ) throws(DatabaseError) {
        let temporary = path + ".tmp"
        try fileSystem.unlinkIfPresent(temporary)
        let file = try fileSystem.create(temporary)
        do throws(DatabaseError) {
            defer { file.close() }
            try file.write(bytes, at: 0)
            try file.sync()
        } catch {
            // Best effort: the next replacement removes it as well.
            do { try fileSystem.unlink(temporary) } catch {}
            throw error
        }
        try fileSystem.rename(temporary, to: path)
        try fileSystem.syncDirectory(PosixFileSystem.parent(of: path))
    }
}
