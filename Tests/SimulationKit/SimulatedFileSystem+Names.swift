// The seam's operations on names: each is one counted operation, and a change of entries that waits for its
// sync.

package import NeedleCore
import Synchronization

extension SimulatedFileSystem {
    private static func missing(_ operation: String, _ path: String) -> DatabaseError {
        DatabaseError(.notFound, "\(operation) \(path): No such file or directory", at: path)
    }

    private static func taken(_ operation: String, _ path: String) -> DatabaseError {
        DatabaseError(.alreadyExists, "\(operation) \(path): File exists", at: path)
    }

    private static func refused(_ operation: String, _ path: String, _ why: String) -> DatabaseError {
        DatabaseError(.storageFailed, "\(operation) \(path): \(why)", at: path)
    }

    private func open(_ path: String, isWritable: Bool) throws(DatabaseError) -> any StorageFile {
        let (node, generation) = try operate(.open, path) { (state, _) throws(DatabaseError) in
            guard let node = state.disk.node(at: path) else { throw Self.missing("open", path) }
            guard case .file? = state.disk.nodes[node] else {
                throw Self.refused("open", path, "Is a directory")
            }
            state.openHandles += 1
            return (node, state.generation)
        }
        return SimulatedFile(
            path: path, system: self, node: node, generation: generation, isWritable: isWritable)
    }

    package func openForReading(_ path: String) throws(DatabaseError) -> any StorageFile {
        try open(path, isWritable: false)
    }

    package func openForWriting(_ path: String) throws(DatabaseError) -> any StorageFile {
        try open(path, isWritable: true)
    }

    package func create(_ path: String) throws(DatabaseError) -> any StorageFile {
        let (node, generation) = try operate(.create, path) { (state, _) throws(DatabaseError) in
            let node = try Self.addEntry(path, "create", .file(FileNode()), in: &state)
            state.openHandles += 1
            return (node, state.generation)
        }
        return SimulatedFile(path: path, system: self, node: node, generation: generation, isWritable: true)
    }

    static func addEntry(
        _ path: String, _ operation: String, _ content: Node, in state: inout State
    ) throws(DatabaseError) -> Int {
        guard let (directory, name) = state.disk.parent(of: path) else { throw missing(operation, path) }
        guard state.disk.node(at: path) == nil else { throw taken(operation, path) }
        let node = state.disk.add(content)
        state.disk.changeEntries(EntryChange(entries: [(directory, name, node)]))
        return node
    }

    package func kind(of path: String) throws(DatabaseError) -> FileKind? {
        try operate(.stat, path) { (state, _) throws(DatabaseError) in
            guard let node = state.disk.node(at: path) else { return nil }
            if case .directory? = state.disk.nodes[node] { return .directory }
            return .file
        }
    }

    package func list(_ directory: String) throws(DatabaseError) -> [String] {
        try operate(.list, directory) { (state, _) throws(DatabaseError) in
            guard let node = state.disk.node(at: directory),
                case .directory(let entries)? = state.disk.nodes[node]
            else {
                throw Self.missing("list", directory)
            }
            return entries.current.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
    }

    package func createDirectory(_ path: String) throws(DatabaseError) {
        try operate(.createDirectory, path) { (state, _) throws(DatabaseError) in
            _ = try Self.addEntry(path, "make directory", .directory(DirectoryNode()), in: &state)
        }
    }

    package func removeDirectory(_ path: String) throws(DatabaseError) {
        try operate(.removeDirectory, path) { (state, _) throws(DatabaseError) in
            guard let node = state.disk.node(at: path), let (parent, name) = state.disk.parent(of: path),
                case .directory(let directory)? = state.disk.nodes[node]
            else { throw Self.missing("remove directory", path) }
            guard directory.current.isEmpty else {
                throw Self.refused("remove directory", path, "Directory not empty")
            }
            state.disk.changeEntries(EntryChange(entries: [(parent, name, nil)]))
        }
    }

    package func rename(_ old: String, to new: String) throws(DatabaseError) {
        try operate(.rename, old) { (state, _) throws(DatabaseError) in
            guard let node = state.disk.node(at: old), let (from, oldName) = state.disk.parent(of: old),
                let (to, newName) = state.disk.parent(of: new)
            else { throw Self.missing("rename", old) }
            guard node != state.disk.node(at: new) else { return }
            state.disk.changeEntries(EntryChange(entries: [(from, oldName, nil), (to, newName, node)]))
        }
    }

    package func link(_ existing: String, to new: String) throws(DatabaseError) {
        try operate(.link, existing) { (state, _) throws(DatabaseError) in
            guard let node = state.disk.node(at: existing), let (directory, name) = state.disk.parent(of: new)
            else {
                throw Self.missing("link", existing)
            }
            guard state.disk.node(at: new) == nil else { throw Self.taken("link", new) }
            state.disk.changeEntries(EntryChange(entries: [(directory, name, node)]))
        }
    }

    package func unlink(_ path: String) throws(DatabaseError) {
        try operate(.unlink, path) { (state, _) throws(DatabaseError) in
            guard let node = state.disk.node(at: path), let (directory, name) = state.disk.parent(of: path)
            else {
                throw Self.missing("unlink", path)
            }
            guard case .file? = state.disk.nodes[node] else {
                throw Self.refused("unlink", path, "Is a directory")
            }
            state.disk.changeEntries(EntryChange(entries: [(directory, name, nil)]))
        }
    }

    package func syncDirectory(_ path: String) throws(DatabaseError) {
        try operate(.syncDirectory, path) { (state, _) throws(DatabaseError) in
            guard let node = state.disk.node(at: path), case .directory? = state.disk.nodes[node] else {
                throw Self.missing("sync directory", path)
            }
            state.disk.syncDirectory(node)
        }
    }

    package func lock(_ path: String) throws(DatabaseError) -> any FileLock {
        let generation = try operate(.lock, path) { (state, _) throws(DatabaseError) in
            if state.disk.node(at: path) == nil {
                _ = try Self.addEntry(path, "lock", .file(FileNode()), in: &state)
            }
            guard state.locks.insert(path).inserted else {
                throw DatabaseError(.conflict, "lock \(path): held by somebody else", at: path)
            }
            return state.generation
        }
        return SimulatedLock { [self] in
            state.withLock { if $0.generation == generation { $0.locks.remove(path) } }
        }
    }

    package func freeBytes(at path: String) throws(DatabaseError) -> Int {
        state.withLock { $0.capacity == .max ? .max : max(0, $0.capacity - $0.disk.usedBytes) }
    }
}

final class SimulatedLock: FileLock {
    private let free: @Sendable () -> Void
    private let isHeld = Atomic<Bool>(true)

    init(free: @escaping @Sendable () -> Void) {
        self.free = free
    }

    deinit {
        release()
    }

    func release() {
        if isHeld.exchange(false, ordering: .sequentiallyConsistent) { free() }
    }
}
