import NeedleCore
import Synchronization

/// A file system that takes everything and keeps only the small files it was told to: for reading an archive through
/// without room for what is in it. It can make files and nothing else.
final class ForgetfulFiles: FileSystem {
    private let names: Set<String>
    private let content = Mutex<[String: [UInt8]]>([:])

    /// - Parameter names: last parts of paths.
    init(keeping names: Set<String>) {
        self.names = names
    }

    /// What was written to a file that is kept.
    func kept(_ path: String) -> [UInt8]? { content.withLock { $0[path] } }

    func create(_ path: String) throws(DatabaseError) -> any StorageFile {
        let isKept = names.contains { path.hasSuffix("/\($0)") }
        if isKept { content.withLock { $0[path] = [] } }
        return ForgetfulFile(path: path, owner: isKept ? self : nil)
    }

    fileprivate func append(_ bytes: RawSpan, to path: String) {
        bytes.withUnsafeBytes { bytes in content.withLock { $0[path]?.append(contentsOf: bytes) } }
    }

    private func refusal(_ path: String) -> DatabaseError {
        DatabaseError(.notFound, "\(path): nothing is kept here")
    }

    func openForReading(_ path: String) throws(DatabaseError) -> any StorageFile { throw refusal(path) }
    func openForWriting(_ path: String) throws(DatabaseError) -> any StorageFile { throw refusal(path) }
    func kind(of path: String) throws(DatabaseError) -> FileKind? { nil }
    func list(_ directory: String) throws(DatabaseError) -> [String] { [] }
    func createDirectory(_ path: String) throws(DatabaseError) {}
    func removeDirectory(_ path: String) throws(DatabaseError) {}
    func rename(_ old: String, to new: String) throws(DatabaseError) { throw refusal(old) }
    func link(_ existing: String, to new: String) throws(DatabaseError) { throw refusal(existing) }
    func unlink(_ path: String) throws(DatabaseError) {}
    func syncDirectory(_ path: String) throws(DatabaseError) {}
    func lock(_ path: String) throws(DatabaseError) -> any FileLock { throw refusal(path) }
    func freeBytes(at path: String) throws(DatabaseError) -> Int { .max }
}

private final class ForgetfulFile: StorageFile {
    let path: String
    private let owner: ForgetfulFiles?

    init(path: String, owner: ForgetfulFiles?) {
        self.path = path
        self.owner = owner
    }

    /// In order, as the receiver of an archive writes.
    func write(_ bytes: RawSpan, at offset: Int) throws(DatabaseError) { owner?.append(bytes, to: path) }
    func sync() throws(DatabaseError) {}
    func close() {}
    func preallocate(_ byteCount: Int) throws(DatabaseError) {}
    func truncate(to byteCount: Int) throws(DatabaseError) {}
    func size() throws(DatabaseError) -> Int { 0 }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DatabaseError) -> Int { 0 }
    func map() throws(DatabaseError) -> MappedRegion {
        throw DatabaseError(.notFound, "\(path): nothing is kept here")
    }
}
