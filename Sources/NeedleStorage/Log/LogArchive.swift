// Log files kept for a stated time after the collection needs them no more, so that a snapshot can be brought
// forward to any write behind it.
//
//     ARCHIVE/<incarnation>/<first LSN, 20 digits>.log

package import NeedleCore

/// A directory of archived log files. A value without state; safe to use from any thread, each collection by one
/// at a time.
package struct LogArchive: Sendable {
    private let fileSystem: any FileSystem
    private let path: String

    /// - Parameter path: made when the first file is kept.
    package init(_ fileSystem: any FileSystem, path: String) {
        self.fileSystem = fileSystem
        self.path = path
    }

    private func folder(_ incarnation: Incarnation) -> String { "\(path)/\(incarnation.hex)" }

    /// Keeps a file: a link to it, or a copy where links are refused. Durable when it returns; a file that is kept
    /// already stays as it is.
    package func keep(_ file: SealedLogFile, of incarnation: Incarnation) throws(DatabaseError) {
        let folder = folder(incarnation)
        let kept = "\(folder)/\(file.name)"
        for directory in [path, folder] where try fileSystem.kind(of: directory) != .directory {
            try fileSystem.createDirectory(directory)
        }
        if try !fileSystem.exists(kept) {
            // A copy takes time: under its name a file is always whole.
            try fileSystem.unlinkIfPresent("\(kept).tmp")
            try fileSystem.linkOrCopy(file.path, to: "\(kept).tmp")
            try fileSystem.rename("\(kept).tmp", to: kept)
        }
        // Also of what was there already: an earlier attempt may have failed before it was durable.
        for name in [kept, folder, path] {
            try fileSystem.syncDirectory(PosixFileSystem.parent(of: name))
        }
    }

    /// What is kept of a collection, oldest first.
    package func files(of incarnation: Incarnation) throws(DatabaseError) -> [SealedLogFile] {
        let folder = folder(incarnation)
        guard try fileSystem.kind(of: folder) == .directory else { return [] }
        return try fileSystem.list(folder).compactMap { SealedLogFile(name: $0, directory: folder) }
    }

    /// Removes files all of whose writes are older than `timeMS`, of all collections. O(files), but the newest file of a
    /// collection is read when it began before that.
    package func prune(before timeMS: Int64) throws(DatabaseError) {
        guard try fileSystem.kind(of: path) == .directory else { return }
        for name in try fileSystem.list(path) {
            guard let incarnation = Incarnation(hex: name) else { continue }
            try prune(incarnation, before: timeMS)
        }
    }

    private func prune(_ incarnation: Incarnation, before timeMS: Int64) throws(DatabaseError) {
        let files = try files(of: incarnation)
        var left = files.count
        for (index, file) in files.enumerated() {
            let last =
                index + 1 < files.count
                ? try header(of: files[index + 1], incarnation).lastTimeMS
                : try lastTime(in: file, incarnation, unlessFrom: timeMS)
            guard last < timeMS else { break }
            // What is left stays a sequence without gaps: the oldest go first.
            try fileSystem.unlink(file.path)
            left -= 1
        }
        guard left < files.count else { return }
        try fileSystem.syncDirectory(folder(incarnation))
        if left == 0 { try fileSystem.removeTree(folder(incarnation)) }
    }

    /// Which tells the time of the last write before the file, 0 when there is none.
    private func header(
        of file: SealedLogFile, _ incarnation: Incarnation
    ) throws(DatabaseError) -> LogFileHeader {
        let handle = try fileSystem.openForReading(file.path)
        defer { handle.close() }
        let directory = LogDirectory(fileSystem: fileSystem, path: file.path, incarnation: incarnation)
        return try directory.readHeader(handle, firstLSN: file.firstLSN)
    }

    /// Time of the last write of a file that no other follows; that of its beginning if that is enough to know.
    private func lastTime(
        in file: SealedLogFile, _ incarnation: Incarnation, unlessFrom timeMS: Int64
    ) throws(DatabaseError) -> Int64 {
        let header = try header(of: file, incarnation)
        guard header.lastTimeMS < timeMS else { return header.lastTimeMS }
        let handle = try fileSystem.openForReading(file.path)
        defer { handle.close() }
        var cursor = LogCursor(file: handle, salt: header.salt, limit: try handle.size())
        var offset = LogFormat.headerBytes
        var last = header.lastTimeMS
        while let frame = try cursor.frame(at: offset) {
            last = max(last, frame.timeMS)
            offset += frame.frameBytes
        }
        return last
    }
}
