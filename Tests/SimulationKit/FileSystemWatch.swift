// A file system that tells somebody everything that is done to it, and lets him change or leave out what
// matters for durability. Two stand there: `WriteOrderChecker`, which only looks, and `Sabotage`, which breaks
// promises so that tests can show that they would notice.

package import NeedleCore

/// What is told of a file system's use. Callbacks come on the thread that does the work; `false` leaves the
/// operation out as if it had been done.
package protocol FileSystemWatch: AnyObject, Sendable {
    /// A handle was opened. Gives a number by which its later use is told.
    func opened(_ path: String, isNew: Bool) -> Int
    /// Before a write: what is written in place of the bytes.
    func willWrite(_ bytes: [UInt8], at offset: Int, to path: String) -> [UInt8]
    /// A write was tried. What it did is unknown when it failed.
    func wrote(_ bytes: [UInt8], at offset: Int, to handle: Int)
    func didRead(_ bytes: UnsafeRawBufferPointer, at offset: Int, from handle: Int)
    func willSync(_ path: String, _ handle: Int) -> Bool
    func didSync(_ handle: Int, succeeded: Bool)
    /// Whether a failed sync is passed off as a success.
    func hidesFailedSync(_ path: String) -> Bool
    func willResize(_ handle: Int)
    func didMap(_ handle: Int)
    func didUnmap(_ handle: Int)

    func willRename(_ old: String, to new: String) -> Bool
    func didRename(_ old: String, to new: String)
    func didLink(_ existing: String, to new: String)
    func willUnlink(_ path: String)
    func didUnlink(_ path: String)
    func didCreateDirectory(_ path: String)
    func didRemoveDirectory(_ path: String)
    func willSyncDirectory(_ path: String) -> Bool
    func didSyncDirectory(_ path: String)
}

extension FileSystemWatch {
    package func opened(_ path: String, isNew: Bool) -> Int { 0 }
    package func willWrite(_ bytes: [UInt8], at offset: Int, to path: String) -> [UInt8] { bytes }
    package func wrote(_ bytes: [UInt8], at offset: Int, to handle: Int) {}
    package func didRead(_ bytes: UnsafeRawBufferPointer, at offset: Int, from handle: Int) {}
    package func willSync(_ path: String, _ handle: Int) -> Bool { true }
    package func didSync(_ handle: Int, succeeded: Bool) {}
    package func hidesFailedSync(_ path: String) -> Bool { false }
    package func willResize(_ handle: Int) {}
    package func didMap(_ handle: Int) {}
    package func didUnmap(_ handle: Int) {}
    package func willRename(_ old: String, to new: String) -> Bool { true }
    package func didRename(_ old: String, to new: String) {}
    package func didLink(_ existing: String, to new: String) {}
    package func willUnlink(_ path: String) {}
    package func didUnlink(_ path: String) {}
    package func didCreateDirectory(_ path: String) {}
    package func didRemoveDirectory(_ path: String) {}
    package func willSyncDirectory(_ path: String) -> Bool { true }
    package func didSyncDirectory(_ path: String) {}
}

/// Passes everything on to another file system, and tells its watch.
package final class WatchedFileSystem: FileSystem {
    private let inner: any FileSystem
    private let watch: any FileSystemWatch

    package init(_ inner: any FileSystem, _ watch: any FileSystemWatch) {
        self.inner = inner
        self.watch = watch
    }

    private func watched(_ file: any StorageFile, isNew: Bool = false) -> any StorageFile {
        WatchedFile(file, watch, handle: watch.opened(file.path, isNew: isNew))
    }

    package func openForReading(_ path: String) throws(DatabaseError) -> any StorageFile {
        watched(try inner.openForReading(path))
    }

    package func openForWriting(_ path: String) throws(DatabaseError) -> any StorageFile {
        watched(try inner.openForWriting(path))
    }

    package func create(_ path: String) throws(DatabaseError) -> any StorageFile {
        watched(try inner.create(path), isNew: true)
    }

    package func kind(of path: String) throws(DatabaseError) -> FileKind? { try inner.kind(of: path) }

    package func list(_ directory: String) throws(DatabaseError) -> [String] { try inner.list(directory) }

    package func createDirectory(_ path: String) throws(DatabaseError) {
        try inner.createDirectory(path)
        watch.didCreateDirectory(path)
    }

    package func removeDirectory(_ path: String) throws(DatabaseError) {
        try inner.removeDirectory(path)
        watch.didRemoveDirectory(path)
    }

    package func rename(_ old: String, to new: String) throws(DatabaseError) {
        guard watch.willRename(old, to: new) else { return }
        try inner.rename(old, to: new)
        watch.didRename(old, to: new)
    }

    package func link(_ existing: String, to new: String) throws(DatabaseError) {
        try inner.link(existing, to: new)
        watch.didLink(existing, to: new)
    }

    package func unlink(_ path: String) throws(DatabaseError) {
        watch.willUnlink(path)
        try inner.unlink(path)
        watch.didUnlink(path)
    }

    package func syncDirectory(_ path: String) throws(DatabaseError) {
        guard watch.willSyncDirectory(path) else { return }
        try inner.syncDirectory(path)
        watch.didSyncDirectory(path)
    }

    package func lock(_ path: String) throws(DatabaseError) -> any FileLock { try inner.lock(path) }

    package func freeBytes(at path: String) throws(DatabaseError) -> Int { try inner.freeBytes(at: path) }
}

/// A handle of a watched file system.
final class WatchedFile: StorageFile {
    private let inner: any StorageFile
    private let watch: any FileSystemWatch
    private let handle: Int

    init(_ inner: any StorageFile, _ watch: any FileSystemWatch, handle: Int) {
        self.inner = inner
        self.watch = watch
        self.handle = handle
    }

    var path: String { inner.path }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DatabaseError) -> Int {
        let count = try inner.read(into: buffer, at: offset)
        watch.didRead(UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: offset, from: handle)
        return count
    }

    func write(_ bytes: RawSpan, at offset: Int) throws(DatabaseError) {
        let content = watch.willWrite(bytes.withUnsafeBytes { Array($0) }, at: offset, to: path)
        defer { watch.wrote(content, at: offset, to: handle) }
        try inner.write(content, at: offset)
    }

    func sync() throws(DatabaseError) {
        guard watch.willSync(path, handle) else { return }
        do throws(DatabaseError) {
            try inner.sync()
        } catch {
            watch.didSync(handle, succeeded: false)
            if watch.hidesFailedSync(path) { return }
            throw error
        }
        watch.didSync(handle, succeeded: true)
    }

    func size() throws(DatabaseError) -> Int { try inner.size() }

    func preallocate(_ byteCount: Int) throws(DatabaseError) { try inner.preallocate(byteCount) }

    func truncate(to byteCount: Int) throws(DatabaseError) {
        watch.willResize(handle)
        try inner.truncate(to: byteCount)
    }

    func map() throws(DatabaseError) -> MappedRegion {
        let region = try inner.map()
        watch.didMap(handle)
        let (watch, handle) = (watch, handle)
        return MappedRegion(
            base: region.base, count: region.count, advise: { region.advise($1, range: $0) },
            release: {
                watch.didUnmap(handle)
                withExtendedLifetime(region) {}
            })
    }

    func close() { inner.close() }
}
