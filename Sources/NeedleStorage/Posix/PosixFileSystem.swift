import Glibc
package import NeedleCore
import Synchronization

/// The machine's file system: the product's implementation of the seam, and the only code that opens files.
///
/// Relative paths lie under `root`. Files are made with mode 0644, directories with 0755, both cut by the
/// umask; descriptors do not pass to child processes.
package final class PosixFileSystem: FileSystem {
    private let root: String

    /// - Parameter root: where relative paths begin; `nil` means the process's working directory.
    package init(root: String? = nil) {
        self.root = root ?? ""
    }

    private func resolve(_ path: String) -> String {
        precondition(!path.utf8.contains(0), "a path holds no zero byte")
        return root.isEmpty || path.utf8.first == UInt8(ascii: "/") ? path : "\(root)/\(path)"
    }

    private func open(_ path: String, _ operation: String, _ flags: Int32) throws(DatabaseError)
        -> any StorageFile
    {
        let full = resolve(path)
        let number = try retryingInterrupts(operation, full) { Glibc.open(full, flags | O_CLOEXEC, 0o644) }
        return PosixFile(path: full, descriptor: number)
    }

    package func openForReading(_ path: String) throws(DatabaseError) -> any StorageFile {
        try open(path, "open", O_RDONLY)
    }

    package func openForWriting(_ path: String) throws(DatabaseError) -> any StorageFile {
        try open(path, "open", O_RDWR)
    }

    package func create(_ path: String) throws(DatabaseError) -> any StorageFile {
        try open(path, "create", O_RDWR | O_CREAT | O_EXCL)
    }

    package func kind(of path: String) throws(DatabaseError) -> FileKind? {
        let full = resolve(path)
        var status = stat()
        do {
            _ = try retryingInterrupts("stat", full) { lstat(full, &status) }
        } catch  where error.kind == .notFound {
            return nil
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        default: return .other
        }
    }

    package func list(_ directory: String) throws(DatabaseError) -> [String] {
        let full = resolve(directory)
        guard let stream = opendir(full) else { throw PosixError.make("list", full, errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = Self.name(of: entry)
            if name != [UInt8(ascii: ".")] && name != [UInt8(ascii: "."), UInt8(ascii: ".")] {
                names.append(String(decoding: name, as: UTF8.self))
            }
        }
        if errno != 0 { throw PosixError.make("list", full, errno) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
        // SAFETY: readdir gives a zero-terminated name inside the record, which lives until the next readdir.
        // swift-format-ignore: NeverForceUnwrap
        let start = UnsafeRawPointer(entry) + MemoryLayout<dirent>.offset(of: \.d_name)!
        return Array(
            UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self))))
    }

    package func createDirectory(_ path: String) throws(DatabaseError) {
        let full = resolve(path)
        _ = try retryingInterrupts("make directory", full) { mkdir(full, 0o755) }
    }

    package func removeDirectory(_ path: String) throws(DatabaseError) {
        let full = resolve(path)
        _ = try retryingInterrupts("remove directory", full) { rmdir(full) }
    }

    package func rename(_ old: String, to new: String) throws(DatabaseError) {
        let (from, to) = (resolve(old), resolve(new))
        _ = try retryingInterrupts("rename", "\(from) to \(to)") { Glibc.rename(from, to) }
    }

    package func link(_ existing: String, to new: String) throws(DatabaseError) {
        let (from, to) = (resolve(existing), resolve(new))
        _ = try retryingInterrupts("link", "\(from) to \(to)") { Glibc.link(from, to) }
    }

    package func unlink(_ path: String) throws(DatabaseError) {
        let full = resolve(path)
        _ = try retryingInterrupts("unlink", full) { Glibc.unlink(full) }
    }

    package func syncDirectory(_ path: String) throws(DatabaseError) {
        let full = resolve(path)
        let number = try retryingInterrupts("open directory", full) {
            Glibc.open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        defer { close(number) }
        if fsync(number) != 0 { throw PosixError.make("sync directory", full, errno) }
    }

    package func lock(_ path: String) throws(DatabaseError) -> any FileLock {
        let full = resolve(path)
        let number = try retryingInterrupts("open", full) {
            Glibc.open(full, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        }
        do throws(DatabaseError) {
            _ = try retryingInterrupts("lock", full) { flock(number, LOCK_EX | LOCK_NB) }
        } catch {
            close(number)
            throw error
        }
        return PosixLock(descriptor: number)
    }

    package func freeBytes(at path: String) throws(DatabaseError) -> Int {
        let full = resolve(path)
        var status = statvfs()
        _ = try retryingInterrupts("statvfs", full) { statvfs(full, &status) }
        let (bytes, overflow) = Int(clamping: status.f_bavail).multipliedReportingOverflow(
            by: Int(clamping: status.f_frsize))
        return overflow ? .max : bytes
    }
}

/// A `flock` on a descriptor of its own.
final class PosixLock: FileLock {
    private let descriptor: Atomic<Int32>

    init(descriptor: Int32) {
        self.descriptor = Atomic(descriptor)
    }

    deinit {
        release()
    }

    func release() {
        let number = descriptor.exchange(-1, ordering: .sequentiallyConsistent)
        guard number >= 0 else { return }
        // Unlocked, not only closed: a child that is just being started may hold a copy of the descriptor.
        flock(number, LOCK_UN)
        close(number)
    }
}
