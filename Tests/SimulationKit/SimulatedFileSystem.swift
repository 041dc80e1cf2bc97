// A file system in memory that loses, tears and refuses what it is told to. Everything is decided by seeds
// and counters, so every failure can be replayed.

package import NeedleCore
import Synchronization

/// A deterministic disk with faults. See `LossModel` and `Fault`.
///
/// ```swift
/// let disk = SimulatedFileSystem()
/// disk.plan(Fault(.crash, at: 17))
/// … work until it throws …
/// disk.crash(.tornSectors, using: &generator)   // power is back; old handles are dead
/// … recover and compare …
/// ```
package final class SimulatedFileSystem: FileSystem {
    struct State: Sendable {
        var disk = SimulatedDisk()
        var operations = 0
        var faultsStruck = 0
        var faults: [Fault] = []
        var isDown = false
        /// Rises with every crash; older handles are dead.
        var generation = 0
        var openHandles = 0
        var locks: Set<String> = []
        var capacity = Int.max
        var trace: [String]?
        /// Told before every counted operation.
        var onOperation: (@Sendable (_ number: Int, _ disk: SimulatedFileSystem) -> Void)?
        var mappings: [Int: (node: Int, address: UInt, count: Int)] = [:]
        var nextMapping = 0
    }

    let state: Mutex<State>
    private let residentPercent = Atomic<Int>(100)

    package init() {
        state = Mutex(State())
    }

    private init(disk: SimulatedDisk) {
        var copy = State()
        copy.disk = disk
        state = Mutex(copy)
    }

    // MARK: Controls

    /// Plans failures, replacing earlier plans; operations are counted from here.
    package func plan(_ faults: Fault...) {
        state.withLock {
            $0.faults = faults
            $0.operations = 0
        }
    }

    /// Operations since the last plan.
    package var operationCount: Int { state.withLock { $0.operations } }

    /// Operations that failed because it was planned, crashes included, since the disk was made.
    package var faultsStruck: Int { state.withLock { $0.faultsStruck } }

    /// Whether a planned crash has come: everything fails until `crash` or `killProcess`.
    package var isDown: Bool { state.withLock { $0.isDown } }

    /// Calls back before every counted operation from now on, with its number and a copy of the disk as it is then:
    /// what a crash there would find. Copies share what they have in common.
    package func onOperation(_ body: (@Sendable (_ number: Int, _ disk: SimulatedFileSystem) -> Void)?) {
        state.withLock { $0.onOperation = body }
    }

    /// Open handles of this life of the machine; every test ends with 0.
    package var openHandleCount: Int { state.withLock { $0.openHandles } }
    package var mappingCount: Int { state.withLock { $0.mappings.count } }

    /// Bytes that all files together may have; more is a full disk.
    package func setCapacity(_ bytes: Int) { state.withLock { $0.capacity = bytes } }
    package var usedBytes: Int { state.withLock { $0.disk.usedBytes } }

    /// Keeps a line per operation from now on.
    package func startTrace() { state.withLock { $0.trace = [] } }
    package var trace: [String] { state.withLock { $0.trace ?? [] } }

    /// The power goes and comes back: unsynced work is lost as the model says, handles and locks are gone,
    /// plans too.
    package func crash(_ model: LossModel, using generator: inout SeededGenerator) {
        state.withLock {
            $0.disk.crash(model, using: &generator)
            restart(&$0)
        }
    }

    /// The process is killed, the machine goes on: nothing written is lost.
    package func killProcess() {
        state.withLock { restart(&$0) }
    }

    private func restart(_ state: inout State) {
        state.generation += 1
        state.openHandles = 0
        state.locks = []
        state.faults = []
        state.operations = 0
        state.isDown = false
    }

    /// A second, independent disk with the same content, unsynced work included.
    package func clone() -> SimulatedFileSystem {
        SimulatedFileSystem(disk: state.withLock { $0.disk })
    }

    /// Flips bits of one byte at rest; mappings see it too.
    package func flip(_ path: String, at offset: Int, mask: UInt8 = 1) {
        state.withLock { state in
            guard let node = state.disk.node(at: path), case .file(var file)? = state.disk.nodes[node] else {
                preconditionFailure("no file at \(path)")
            }
            file.current[offset] ^= mask
            if offset < file.durable.count { file.durable[offset] ^= mask }
            state.disk.nodes[node] = .file(file)
            for mapping in state.mappings.values where mapping.node == node && offset < mapping.count {
                // SAFETY: the registry holds only live mappings, which this object allocated.
                // swift-format-ignore: NeverForceUnwrap
                UnsafeMutablePointer<UInt8>(bitPattern: mapping.address)![offset] ^= mask
            }
        }
    }

    /// Puts content at a path, durable at once. For tests that make files by hand.
    package func put(_ bytes: [UInt8], at path: String) {
        state.withLock { state in
            guard let (directory, name) = state.disk.parent(of: path) else {
                preconditionFailure("no directory")
            }
            let node = state.disk.add(.file(FileNode(current: bytes, durable: bytes)))
            state.disk.changeEntries(EntryChange(entries: [(directory, name, node)]))
            state.disk.syncDirectory(directory)
        }
    }

    /// What a program would read at a path, or `nil`.
    package func content(of path: String) -> [UInt8]? {
        state.withLock { state in
            guard let node = state.disk.node(at: path), case .file(let file)? = state.disk.nodes[node] else {
                return nil
            }
            return file.current
        }
    }

    // MARK: Counted operations

    func operate<Value: Sendable>(
        _ operation: SimulatedOperation, _ path: String, generation: Int? = nil,
        _ body: (inout State, FaultKind?) throws(DatabaseError) -> Value
    ) throws(DatabaseError) -> Value {
        if let (tell, number, disk) = state.withLock({ state in
            state.onOperation.map { ($0, state.operations + 1, state.disk) }
        }) {
            tell(number, SimulatedFileSystem(disk: disk))
        }
        return try state.withLock { (state) throws(DatabaseError) in
            guard !state.isDown, generation == nil || generation == state.generation else {
                throw Self.error(.crash, operation.rawValue, path)
            }
            state.operations += 1
            state.trace?.append("\(state.operations) \(operation.rawValue) \(path)")
            let fault = Self.fault(for: operation, in: &state)
            if fault != nil { state.faultsStruck += 1 }
            switch fault {
            case .crash?:
                state.isDown = true
                throw Self.error(.crash, operation.rawValue, path)
            case .shortWrite? where operation == .write, .ioError? where operation == .write: break
            case .some where operation == .sync: break
            case .some(let kind): throw Self.error(kind, operation.rawValue, path)
            case nil: break
            }
            return try body(&state, fault)
        }
    }

    private static func fault(for operation: SimulatedOperation, in state: inout State) -> FaultKind? {
        for fault in state.faults
        where fault.operation == state.operations
            || fault.isPermanent && fault.operation < state.operations
        {
            if fault.kind == .diskFull || fault.kind == .shortWrite, !operation.needsSpace { continue }
            return fault.kind
        }
        return nil
    }

    static func error(_ fault: FaultKind?, _ operation: String, _ path: String) -> DatabaseError {
        switch fault {
        case .diskFull, .shortWrite: diskFull(operation, path)
        case .crash: DatabaseError(.storageFailed, "\(operation) \(path): the machine is down", at: path)
        case .ioError, nil:
            DatabaseError(.storageFailed, "\(operation) \(path): Input/output error (simulated)", at: path)
        }
    }

    static func diskFull(_ operation: String, _ path: String) -> DatabaseError {
        DatabaseError(.diskFull, "\(operation) \(path): No space left on device (simulated)", at: path)
    }

    /// The size up to which a file may grow; `wanted` is what is asked for.
    func room(for wanted: Int, node: Int) -> Int {
        state.withLock { state in
            guard state.capacity < .max, case .file(let file)? = state.disk.nodes[node] else { return wanted }
            return max(
                file.current.count, min(wanted, state.capacity - state.disk.usedBytes + file.current.count))
        }
    }

    func noteClosed(_ generation: Int) {
        state.withLock { if $0.generation == generation { $0.openHandles -= 1 } }
    }

    func isMapped(_ node: Int) -> Bool {
        state.withLock { $0.mappings.values.contains { $0.node == node } }
    }

    /// How much of what is mapped is said to lie in memory, percent.
    package func setResident(percent: Int) { residentPercent.store(percent, ordering: .relaxed) }

    func makeRegion(of content: [UInt8], node: Int, generation: Int) -> MappedRegion {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, content.count), alignment: 4096)
        memory.copyBytes(from: content)
        let address = UInt(bitPattern: memory.baseAddress)
        let key = state.withLock { state in
            state.nextMapping += 1
            state.mappings[state.nextMapping] = (node, address, content.count)
            return state.nextMapping
        }
        // swift-format-ignore: NeverForceUnwrap
        return MappedRegion(
            base: UnsafeRawPointer(bitPattern: address)!, count: content.count, advise: { _, _ in },
            residency: { [self] range in range.count * residentPercent.load(ordering: .relaxed) / 100 },
            release: { [self] in
                state.withLock { _ = $0.mappings.removeValue(forKey: key) }
                // SAFETY: allocated above, freed once, when the region goes.
                UnsafeMutableRawPointer(bitPattern: address)!.deallocate()
            })
    }
}
