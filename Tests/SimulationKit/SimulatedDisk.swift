// The state of a simulated disk: for each file and directory what a program sees, what would be there after
// a power cut, and the unsynced changes in between, in order.

import NeedleCore

/// An unsynced change of a file.
enum PendingChange: Sendable {
    case write(offset: Int, bytes: [UInt8])
    case resize(Int)

    func apply(to content: inout [UInt8]) {
        switch self {
        case .write(let offset, let bytes):
            let end = offset + bytes.count
            if content.count < end { Self.grow(&content, to: end) }
            content.withUnsafeMutableBytes { target in
                UnsafeMutableRawBufferPointer(rebasing: target[offset..<end]).copyBytes(from: bytes)
            }
        case .resize(let count):
            if count <= content.count {
                content.removeLast(content.count - count)
            } else {
                Self.grow(&content, to: count)
            }
        }
    }

    private static func grow(_ content: inout [UInt8], to count: Int) {
        content += [UInt8](repeating: 0, count: count - content.count)
    }

    /// The write cut at sector boundaries.
    var sectors: [PendingChange] {
        guard case .write(let offset, let bytes) = self else { return [self] }
        var parts: [PendingChange] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, ((offset + start) / 512 + 1) * 512 - offset)
            parts.append(.write(offset: offset + start, bytes: Array(bytes[start..<end])))
            start = end
        }
        return parts
    }
}

struct FileNode: Sendable {
    var current: [UInt8] = []
    var durable: [UInt8] = []
    var pending: [PendingChange] = []

    mutating func change(_ change: PendingChange) {
        change.apply(to: &current)
        pending.append(change)
    }

    mutating func sync() {
        for change in pending { change.apply(to: &durable) }
        pending.removeAll()
    }

    /// What a failed sync does on Linux: the pages count as clean, what they held is not on the disk, and
    /// reading still shows it for now. A later sync writes nothing of it. Some sectors may have been written before
    /// the failure; with every other seed none was.
    mutating func failSync(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        if seed % 2 == 1 {
            for sector in pending.flatMap(\.sectors) where Bool.random(using: &generator) {
                sector.apply(to: &durable)
            }
        }
        pending.removeAll()
    }

    mutating func crash(_ model: LossModel, using generator: inout SeededGenerator) {
        let survivors: [PendingChange]
        switch model {
        case .none: survivors = []
        case .all: survivors = pending
        case .prefix: survivors = Array(pending.prefix(Int.random(in: 0...pending.count, using: &generator)))
        case .anySubset: survivors = pending.filter { _ in Bool.random(using: &generator) }
        case .tornSectors:
            survivors = pending.flatMap(\.sectors).filter { _ in Bool.random(using: &generator) }
        }
        for change in survivors { change.apply(to: &durable) }
        current = durable
        pending.removeAll()
    }
}

struct DirectoryNode: Sendable {
    var current: [String: Int] = [:]
    var durable: [String: Int] = [:]
}

enum Node: Sendable {
    case file(FileNode)
    case directory(DirectoryNode)
}

/// Changes of directory entries that survive together or not at all, such as both sides of a rename.
struct EntryChange: Sendable {
    var entries: [(directory: Int, name: String, node: Int?)]
}

struct SimulatedDisk: Sendable {
    var nodes: [Int: Node] = [0: .directory(DirectoryNode())]
    var pendingEntries: [EntryChange] = []
    private var nextNode = 1

    // MARK: Names

    static func components(_ path: String) -> [String] {
        var names: [String] = []
        var rest = path.utf8[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            let name = Substring(rest[..<end])
            if !name.isEmpty, name != "." { names.append(String(name)) }
            rest = end < rest.endIndex ? rest[rest.index(after: end)...] : rest[end...]
        }
        return names
    }

    func node(at path: String) -> Int? { node(below: Self.components(path)) }

    private func node(below names: [String]) -> Int? {
        var place = 0
        for name in names {
            guard case .directory(let directory)? = nodes[place], let next = directory.current[name] else {
                return nil
            }
            place = next
        }
        return place
    }

    /// The directory that holds `path`, and the name in it.
    func parent(of path: String) -> (directory: Int, name: String)? {
        var names = Self.components(path)
        guard let name = names.popLast() else { return nil }
        guard let place = node(below: names), case .directory? = nodes[place] else { return nil }
        return (place, name)
    }

    mutating func add(_ node: Node) -> Int {
        nodes[nextNode] = node
        nextNode += 1
        return nextNode - 1
    }

    mutating func changeEntries(_ change: EntryChange) {
        for entry in change.entries { set(entry, durable: false) }
        pendingEntries.append(change)
    }

    private mutating func set(_ entry: (directory: Int, name: String, node: Int?), durable: Bool) {
        guard case .directory(var directory)? = nodes[entry.directory] else { return }
        if durable {
            directory.durable[entry.name] = entry.node
        } else {
            directory.current[entry.name] = entry.node
        }
        nodes[entry.directory] = .directory(directory)
    }

    // MARK: Durability

    mutating func syncDirectory(_ place: Int) {
        let isTouched = { (change: EntryChange) in change.entries.contains { $0.directory == place } }
        for change in pendingEntries where isTouched(change) {
            for entry in change.entries { set(entry, durable: true) }
        }
        pendingEntries.removeAll(where: isTouched)
    }

    mutating func crash(_ model: LossModel, using generator: inout SeededGenerator) {
        let survivors: [EntryChange]
        switch model {
        case .none: survivors = []
        case .all: survivors = pendingEntries
        case .prefix:
            survivors = Array(
                pendingEntries.prefix(Int.random(in: 0...pendingEntries.count, using: &generator)))
        case .anySubset, .tornSectors:
            survivors = pendingEntries.filter { _ in Bool.random(using: &generator) }
        }
        for change in survivors {
            for entry in change.entries { set(entry, durable: true) }
        }
        pendingEntries.removeAll()
        for place in nodes.keys.sorted() {
            switch nodes[place] {
            case .file(var file)?:
                file.crash(model, using: &generator)
                nodes[place] = .file(file)
            case .directory(var directory)?:
                directory.current = directory.durable
                nodes[place] = .directory(directory)
            case nil: break
            }
        }
        dropUnreachable()
    }

    private mutating func dropUnreachable() {
        let reachable = reachableNodes
        nodes = nodes.filter { reachable.contains($0.key) }
    }

    private var reachableNodes: Set<Int> {
        var reachable: Set<Int> = []
        var waiting = [0]
        while let place = waiting.popLast() {
            guard reachable.insert(place).inserted, case .directory(let directory)? = nodes[place] else {
                continue
            }
            waiting.append(contentsOf: directory.current.values)
        }
        return reachable
    }

    /// Bytes of all files that have a name.
    var usedBytes: Int {
        reachableNodes.reduce(0) { sum, place in
            guard case .file(let file)? = nodes[place] else { return sum }
            return sum + file.current.count
        }
    }
}
