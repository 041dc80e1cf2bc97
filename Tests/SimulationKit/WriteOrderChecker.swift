// Asserts the write-ahead order while a database works, on any file system: on the simulated disk in every
// simulated run, and on a real one under load. What it knows is what was done through it; files that it has
// not seen changing count as durable.

import NeedleCore
import Synchronization

/// What the checker has to know about the formats of the files it sees.
package struct WriteOrderRules: Sendable {
    /// A file without which a root is worth nothing.
    package struct Need: Sendable {
        package var path: String
        /// Whether all of it must be durable before the root gets its name; else only the file must stay.
        package var isSealed: Bool

        package init(_ path: String, isSealed: Bool) {
            self.path = path
            self.isSealed = isSealed
        }
    }

    /// Whether a path is a temporary name, under which nobody looks for anything.
    package var isTemporary: @Sendable (String) -> Bool
    /// Whether losing this write loses nothing: a log's marker behind its end.
    package var isDispensable: @Sendable (_ path: String, _ bytes: [UInt8]) -> Bool
    /// Whether the reader of this file copes with an end that was never synced.
    package var mayBeTorn: @Sendable (String) -> Bool
    /// Whether the file's being there is what makes others count.
    package var isRoot: @Sendable (String) -> Bool
    /// Whether a root counts by itself; other roots count when such a one needs them.
    package var isTop: @Sendable (String) -> Bool
    /// What a root with this content needs, among the files that are there.
    package var needs: @Sendable (_ root: String, _ content: [UInt8], _ files: [String]) -> [Need]

    package init(
        isTemporary: @escaping @Sendable (String) -> Bool,
        isDispensable: @escaping @Sendable (String, [UInt8]) -> Bool,
        mayBeTorn: @escaping @Sendable (String) -> Bool = { _ in false },
        isRoot: @escaping @Sendable (String) -> Bool, isTop: @escaping @Sendable (String) -> Bool,
        needs: @escaping @Sendable (String, [UInt8], [String]) -> [Need]
    ) {
        self.isTemporary = isTemporary
        self.isDispensable = isDispensable
        self.mayBeTorn = mayBeTorn
        self.isRoot = isRoot
        self.isTop = isTop
        self.needs = needs
    }
}

/// Notes every breach of these rules:
/// 1. nothing gets a final name, by renaming or linking, before all of it is synced, of a directory all in it;
/// 2. what a root (manifest, catalogue) needs is synced, and so are its names, before the root gets its name;
/// 3. nothing that a root still needs is unlinked, neither by the newest root nor by the one that a power cut
///    would bring back;
/// 4. after a failed sync the file is never written, cut or synced again;
/// 5. a mapped file is never written or cut;
/// 6. when a write is acknowledged, the files it went to and their names are durable (`unsynced`).
package final class WriteOrderChecker: FileSystemWatch {
    private struct File {
        var isDirty = false
        var isFailed = false
        /// Whether anything was written to it under the name it has.
        var isUsed = false
        var mappings = 0
        /// Kept of roots and of what may become one.
        var content: [UInt8]?
    }

    private struct State {
        /// By number; paths may come to mean other files.
        var files: [Int: File] = [:]
        var handles: [Int: (file: Int, path: String)] = [:]
        var names: [String: Int] = [:]
        /// Names that a power cut could still take away.
        var unsyncedNames: Set<String> = []
        var durableRoots: [String: [UInt8]] = [:]
        var next = 0
        var breaches: [String] = []
    }

    private let rules: WriteOrderRules
    private let state = Mutex(State())

    package init(_ rules: WriteOrderRules) {
        self.rules = rules
    }

    /// What was done against the rules.
    package var breaches: [String] { state.withLock { $0.breaches } }

    /// The power was cut: what is there now is durable.
    package func restart() {
        state.withLock { state in
            state = State(breaches: state.breaches)
        }
    }

    /// Files below a directory that a power cut would change, other than by losing what is dispensable.
    package func unsynced(below directory: String) -> [String] {
        state.withLock { state in
            state.names.filter { path, file in
                guard path.hasPrefix(directory + "/"), !rules.isTemporary(path), let known = state.files[file]
                else { return false }
                return known.isDirty || known.isUsed && state.unsyncedNames.contains(path)
            }.map(\.key).sorted()
        }
    }

    private static func parent(of path: String) -> String { WatchedFileSystem.parent(of: path) }

    private func number(of path: String, in state: inout State) -> Int {
        if let file = state.names[path] { return file }
        state.next += 1
        state.files[state.next] = File()
        state.names[path] = state.next
        return state.next
    }

    private func mayBecomeRoot(_ path: String) -> Bool {
        rules.isRoot(path) || rules.isTemporary(path) && rules.isRoot(String(path.dropLast(4)))
    }

    // MARK: Files

    package func opened(_ path: String, isNew: Bool) -> Int {
        state.withLock { state in
            if isNew {
                state.names[path] = nil
                state.unsyncedNames.insert(path)
                if !rules.isTemporary(path) {
                    state.breaches.append("rule 1: \(path) is created under its final name")
                }
            }
            let file = number(of: path, in: &state)
            if isNew, mayBecomeRoot(path) { state.files[file]?.content = [] }
            state.next += 1
            state.handles[state.next] = (file, path)
            return state.next
        }
    }

    package func wrote(_ bytes: [UInt8], at offset: Int, to handle: Int) {
        change(handle, "written") { file, path in
            if rules.isDispensable(path, bytes) { return }
            file.isDirty = true
            file.isUsed = true
            guard var content = file.content else { return }
            content += [UInt8](repeating: 0, count: max(0, offset + bytes.count - content.count))
            content.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
            file.content = content
        }
    }

    package func willResize(_ handle: Int) {
        change(handle, "cut") { file, _ in file.isDirty = true }
    }

    private func change(_ handle: Int, _ what: String, _ body: (inout File, String) -> Void) {
        state.withLock { state in
            guard let (number, path) = state.handles[handle], var file = state.files[number] else { return }
            if file.isFailed { state.breaches.append("rule 4: \(path) is \(what) after a failed sync") }
            if file.mappings > 0 { state.breaches.append("rule 5: \(path) is \(what) while it is mapped") }
            body(&file, path)
            state.files[number] = file
        }
    }

    package func willSync(_ path: String, _ handle: Int) -> Bool {
        state.withLock { state in
            if let (file, path) = state.handles[handle], state.files[file]?.isFailed == true {
                state.breaches.append("rule 4: \(path) is synced again after a failed sync")
            }
        }
        return true
    }

    package func didSync(_ handle: Int, succeeded: Bool) {
        state.withLock { state in
            guard let (file, _) = state.handles[handle] else { return }
            if succeeded { state.files[file]?.isDirty = false } else { state.files[file]?.isFailed = true }
        }
    }

    package func didMap(_ handle: Int) { addMapping(handle, 1) }
    package func didUnmap(_ handle: Int) { addMapping(handle, -1) }

    private func addMapping(_ handle: Int, _ count: Int) {
        state.withLock { state in
            guard let (file, _) = state.handles[handle] else { return }
            state.files[file]?.mappings += count
        }
    }

    /// A root that was there before: what it needs must not go.
    package func didRead(_ bytes: UnsafeRawBufferPointer, at offset: Int, from handle: Int) {
        state.withLock { state in
            guard offset == 0, let (file, path) = state.handles[handle], rules.isRoot(path),
                state.files[file]?.content == nil
            else { return }
            state.files[file]?.content = Array(bytes)
            state.durableRoots[path] = Array(bytes)
        }
    }

    // MARK: Names

    package func didRename(_ old: String, to new: String) {
        state.withLock { state in
            let file = number(of: old, in: &state)
            checkComplete(file, new, &state)
            if rules.isRoot(new), let content = state.files[file]?.content {
                for need in rules.needs(new, content, Array(state.names.keys)) where need.isSealed {
                    checkDurable(need.path, for: new, &state)
                }
            }
            state.names[old] = nil
            state.unsyncedNames.remove(old)
            state.files[file]?.isUsed = false
            state.names[new] = file
            state.unsyncedNames.insert(new)
            moveContents(of: old, to: new, &state)
        }
    }

    private func moveContents(of old: String, to new: String, _ state: inout State) {
        for (path, file) in state.names where path.hasPrefix(old + "/") {
            let moved = new + path.dropFirst(old.count)
            if rules.isTemporary(path) {
                checkComplete(file, moved, &state)
                if !rules.isTemporary(moved), state.unsyncedNames.contains(path) {
                    state.breaches.append("rule 1: \(new) gets its name before that of \(path) is synced")
                }
            }
            state.names[path] = nil
            state.names[moved] = file
            if state.unsyncedNames.remove(path) != nil { state.unsyncedNames.insert(moved) }
        }
    }

    package func didLink(_ existing: String, to new: String) {
        state.withLock { state in
            let file = number(of: existing, in: &state)
            checkComplete(file, new, &state)
            state.names[new] = file
            state.unsyncedNames.insert(new)
        }
    }

    private func checkComplete(_ file: Int, _ path: String, _ state: inout State) {
        guard !rules.isTemporary(path), !rules.mayBeTorn(path), let known = state.files[file] else { return }
        if known.isDirty || known.isFailed {
            state.breaches.append("rule 1: \(path) gets its name before it is synced")
        }
    }

    private func checkDurable(_ path: String, for root: String, _ state: inout State) {
        if let file = state.names[path], let known = state.files[file], known.isDirty || known.isFailed {
            state.breaches.append("rule 2: \(root) is placed while \(path), which it needs, is not synced")
        }
        var name = path
        while !name.isEmpty, name != ".", name != "/" {
            // Of a root that was replaced the one before would come back, which serves as well.
            if state.unsyncedNames.contains(name), state.durableRoots[name] == nil {
                state.breaches.append("rule 2: \(root) is placed while the name \(name) is not synced")
            }
            name = Self.parent(of: name)
        }
    }

    package func willUnlink(_ path: String) {
        if rules.isTemporary(path) { return }
        state.withLock { state in
            // Only what lies in the same directory, and only roots above, can speak of it.
            let directory = Self.parent(of: path)
            let files = Array(
                Set(state.names.keys.filter { $0.hasPrefix(directory) }).union([path]))
            let isAbove = { (root: String) in path.hasPrefix(Self.parent(of: root) + "/") }
            let present = state.names.filter { rules.isRoot($0.key) && isAbove($0.key) }
                .compactMapValues { state.files[$0]?.content }
            if needed(by: present, files).contains(path) {
                state.breaches.append("rule 3: \(path) is unlinked although it is needed")
            }
            let durable = state.durableRoots.filter { isAbove($0.key) }
            if needed(by: durable, files).contains(path) {
                state.breaches.append("rule 3: \(path) is unlinked although a power cut would need it")
            }
        }
    }

    /// All files that these roots need, from the top ones down.
    private func needed(by roots: [String: [UInt8]], _ files: [String]) -> Set<String> {
        let tops = roots.keys.filter(rules.isTop)
        var waiting = tops.isEmpty ? Array(roots.keys) : tops
        var found: Set<String> = []
        while let root = waiting.popLast() {
            guard let content = roots[root] else { continue }
            for need in rules.needs(root, content, files) where found.insert(need.path).inserted {
                waiting.append(need.path)
            }
        }
        return found
    }

    package func didUnlink(_ path: String) {
        state.withLock { state in
            state.names[path] = nil
            state.unsyncedNames.remove(path)
            state.durableRoots[path] = nil
        }
    }

    package func didCreateDirectory(_ path: String) {
        state.withLock { state in
            _ = number(of: path, in: &state)
            state.unsyncedNames.insert(path)
        }
    }

    package func didRemoveDirectory(_ path: String) { didUnlink(path) }

    package func didSyncDirectory(_ path: String) {
        state.withLock { state in
            for name in state.unsyncedNames where Self.parent(of: name) == path {
                state.unsyncedNames.remove(name)
            }
            for (name, file) in state.names where Self.parent(of: name) == path && rules.isRoot(name) {
                state.durableRoots[name] = state.files[file]?.content
            }
        }
    }
}
