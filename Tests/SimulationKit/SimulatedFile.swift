import NeedleCore
import Synchronization

/// A handle on a simulated file. It dies with the crash of its machine.
final class SimulatedFile: StorageFile {
    let path: String
    private let system: SimulatedFileSystem
    private let node: Int
    private let generation: Int
    private let isWritable: Bool
    private let isOpen = Atomic<Bool>(true)

    init(path: String, system: SimulatedFileSystem, node: Int, generation: Int, isWritable: Bool) {
        self.path = path
        self.system = system
        self.node = node
        self.generation = generation
        self.isWritable = isWritable
    }

    deinit {
        close()
    }

    func close() {
        if isOpen.exchange(false, ordering: .sequentiallyConsistent) { system.noteClosed(generation) }
    }

    /// Runs `body` on the file's content, as one counted operation that may fail instead.
    private func operate<Value: Sendable>(
        _ operation: SimulatedOperation,
        _ body: (inout FileNode, FaultKind?, _ number: Int) throws(DatabaseError) -> Value
    ) throws(DatabaseError) -> Value {
        guard isOpen.load(ordering: .acquiring) else {
            throw DatabaseError(.storageFailed, "\(operation.rawValue) \(path): closed", at: path)
        }
        return try system.operate(operation, path, generation: generation) {
            (state, fault) throws(DatabaseError) in
            guard case .file(var file)? = state.disk.nodes[node] else {
                throw DatabaseError(
                    .storageFailed, "\(operation.rawValue) \(path): the file is gone", at: path)
            }
            defer { state.disk.nodes[node] = .file(file) }
            state.disk.nodes[node] = nil
            return try body(&file, fault, state.operations)
        }
    }

    private func checkWritable() {
        precondition(isWritable, "\(path) was opened for reading")
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DatabaseError) -> Int {
        // SAFETY: the buffer is the caller's for the length of this call.
        nonisolated(unsafe) let target = buffer
        return try operate(.read) { (file, _, _) throws(DatabaseError) in
            guard offset < file.current.count else { return 0 }
            let end = min(file.current.count, offset + target.count)
            file.current.withUnsafeBytes { source in
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[offset..<end]))
            }
            return end - offset
        }
    }

    func write(_ bytes: RawSpan, at offset: Int) throws(DatabaseError) {
        checkWritable()
        let content = bytes.withUnsafeBytes { Array($0) }
        guard !content.isEmpty else { return }
        let room = system.room(for: offset + content.count, node: node)
        try operate(.write) { (file, fault, number) throws(DatabaseError) in
            let allowed =
                switch fault {
                case .shortWrite: content.count / 2
                // A device that fails may have taken any part of it.
                case .some: number % 2 == 0 ? 0 : content.count / 2
                case nil: max(0, min(content.count, room - offset))
                }
            if allowed > 0 { file.change(.write(offset: offset, bytes: Array(content.prefix(allowed)))) }
            if fault == .ioError { throw SimulatedFileSystem.error(fault, "write", path) }
            if allowed < content.count { throw SimulatedFileSystem.diskFull("write", path) }
        }
    }

    func sync() throws(DatabaseError) {
        checkWritable()
        try operate(.sync) { (file, fault, number) throws(DatabaseError) in
            guard fault == nil else {
                file.failSync(seed: UInt64(number))
                throw SimulatedFileSystem.error(fault, "sync", path)
            }
            file.sync()
        }
    }

    func size() throws(DatabaseError) -> Int {
        try operate(.stat) { (file, _, _) throws(DatabaseError) in file.current.count }
    }

    func preallocate(_ byteCount: Int) throws(DatabaseError) {
        checkWritable()
        let room = system.room(for: byteCount, node: node)
        try operate(.preallocate) { (file, _, _) throws(DatabaseError) in
            guard byteCount <= room else { throw SimulatedFileSystem.diskFull("preallocate", path) }
            if byteCount > file.current.count { file.change(.resize(byteCount)) }
        }
    }

    func truncate(to byteCount: Int) throws(DatabaseError) {
        checkWritable()
        precondition(!system.isMapped(node), "a mapped file is never cut")
        try operate(.truncate) { (file, _, _) throws(DatabaseError) in file.change(.resize(byteCount)) }
    }

    func map() throws(DatabaseError) -> MappedRegion {
        let content = try operate(.map) { (file, _, _) throws(DatabaseError) in file.current }
        return system.makeRegion(of: content, node: node, generation: generation)
    }
}
