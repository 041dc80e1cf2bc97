import NeedleCore
import NeedlePayloads
import NeedleStorage
import Synchronization

/// A run of rows as an index knows it.
struct IndexStripe: Sendable {
    var index: FieldIndex
    /// Payloads are those of this LSN: rows that changed later are not what the index says of them.
    var knownLSN: LSN

    var rows: Range<Int> { index.rows }
}

/// What a read may use of a segment's indexes.
struct UsableIndexes: Sendable {
    static let none = UsableIndexes(set: .none, knownLSN: .infinity)

    var set: FieldIndexSet
    /// All stripes know the payloads of this LSN.
    var knownLSN: LSN

    /// Rows for which nothing that the indexes say counts, to a reader at an LSN: those with a change that only one of the
    /// two knows. O(their number · log), nothing without changes.
    func outdatedRows(of segment: any Segment, at lsn: LSN) -> PointSet {
        guard !set.isEmpty else { return .empty }
        let changed = segment.overlay.rowsChanged(after: min(knownLSN, lsn))
        return changed.isEmpty ? .empty : PointSet(changed)
    }
}

/// The field indexes of one segment: stripes in memory while it grows, one file an index when it is sealed.
///
/// Readers take the list as it is; background work replaces it. The lock is held for a few instructions, but for the
/// first use of files after opening, which are compared with their checksums then. Safe to use from any thread.
final class FieldIndexSlot: Sendable {
    /// What the segment has of one index.
    struct Entry: Sendable {
        var path: FieldPath
        /// From row 0 on, without gaps.
        var stripes: [IndexStripe]
        /// Where the only stripe lies, unless it is in memory.
        var file: FieldIndexFile?

        var rows: Int { stripes.last?.rows.upperBound ?? 0 }
    }

    private struct State {
        var entries: [LSN: Entry] = [:]
        /// Files that nothing was read from yet.
        var unverified: [LSN: FieldIndexFile] = [:]
        /// Indexes that cannot be built, because a payload cannot be read.
        var hopeless: Set<LSN> = []
        /// Files that were found damaged, until they are built again.
        var damage: [LSN: DatabaseError] = [:]
        var usable = UsableIndexes.none
    }

    private let state = Mutex(State())

    /// What a read may use. Files that turn out to be damaged are left out, and built again.
    var usable: UsableIndexes {
        state.withLock { state in
            if !state.unverified.isEmpty { Self.verify(&state) }
            return state.usable
        }
    }

    private static func verify(_ state: inout State) {
        for (lsn, file) in state.unverified {
            do throws(DatabaseError) {
                try file.verify()
            } catch {
                state.entries[lsn] = nil
                state.damage[lsn] = error
            }
        }
        state.unverified = [:]
        rebuild(&state)
    }

    private static func rebuild(_ state: inout State) {
        var stripes: [FieldPath: [FieldIndex]] = [:]
        var knownLSN = LSN.infinity
        for (lsn, entry) in state.entries where state.unverified[lsn] == nil {
            stripes[entry.path] = entry.stripes.map(\.index)
            knownLSN = entry.stripes.reduce(knownLSN) { min($0, $1.knownLSN) }
        }
        state.usable = UsableIndexes(set: FieldIndexSet(stripes), knownLSN: knownLSN)
    }

    func entry(_ index: LSN) -> Entry? { state.withLock { $0.entries[index] } }

    func isHopeless(_ index: LSN) -> Bool { state.withLock { $0.hopeless.contains(index) } }

    func noteHopeless(_ index: LSN) { state.withLock { _ = $0.hopeless.insert(index) } }

    func put(_ entry: Entry, for index: LSN, isVerified: Bool = true) {
        state.withLock { state in
            state.entries[index] = entry
            state.unverified[index] = isVerified ? nil : entry.file
            state.damage[index] = nil
            Self.rebuild(&state)
        }
    }

    /// Leaves out what contradicts itself, so that it is built again.
    func discardAll() {
        state.withLock { state in
            state.entries = [:]
            state.unverified = [:]
            state.usable = .none
        }
    }

    /// Forgets indexes that were dropped.
    func keep(_ indexes: Set<LSN>) {
        state.withLock { state in
            state.damage = state.damage.filter { indexes.contains($0.key) }
            guard !state.entries.keys.allSatisfy(indexes.contains) else { return }
            state.entries = state.entries.filter { indexes.contains($0.key) }
            state.unverified = state.unverified.filter { indexes.contains($0.key) }
            Self.rebuild(&state)
        }
    }

    // MARK: Files

    /// Leaves a damaged file out, so that it is built again.
    func noteDamage(_ error: DatabaseError, of index: LSN) {
        state.withLock { state in
            state.damage[index] = error
            guard state.entries[index]?.file != nil else { return }
            state.entries[index] = nil
            state.unverified[index] = nil
            Self.rebuild(&state)
        }
    }

    /// What is being built again, and why; for `server.health`.
    var damageReport: [String] {
        state.withLock { $0.damage }.values.map {
            "\($0.message): the index is being rebuilt, filters look at payloads meanwhile"
        }.sorted()
    }

    /// Files by index, in its order.
    var openFiles: [(index: LSN, file: FieldIndexFile)] {
        state.withLock { state in
            state.entries.compactMap { lsn, entry in entry.file.map { (index: lsn, file: $0) } }
        }.sorted { $0.index < $1.index }
    }

    /// Names of the files in use, for the manifest.
    var files: [String] {
        state.withLock { state in
            state.entries.values.compactMap { entry in
                entry.file.map {
                    String($0.path[$0.path.index(after: $0.path.lastIndex(of: "/") ?? $0.path.startIndex)...])
                }
            }.sorted()
        }
    }

    /// Bytes of stripes that are no files.
    var residentBytes: Int {
        state.withLock { state in
            state.entries.values.reduce(0) {
                $0 + ($1.file == nil ? $1.stripes.reduce(0) { $0 + $1.index.byteCount } : 0)
            }
        }
    }
}
