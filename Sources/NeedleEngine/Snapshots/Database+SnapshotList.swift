// Which snapshots there are, and which of them were found damaged. One that is damaged hides no other.

package import NeedleCore
import NeedleStorage
import Synchronization

extension SnapshotDescription {
    init(_ manifest: SnapshotManifest, name: String, sha256: String) {
        self.init(
            name: name, collection: manifest.collection, lsn: manifest.lsn, points: manifest.points,
            bytes: manifest.bytes, sha256: sha256, createdMS: manifest.createdMS)
    }
}

extension Database {
    /// All snapshots, or those that were taken of a collection of this name, by name. One whose manifest is damaged
    /// or of another format is left out and told by `server.health`.
    package func listSnapshots(of collection: String?) throws(DatabaseError) -> [SnapshotDescription] {
        try hidingPaths { () throws(DatabaseError) in
            var list: [SnapshotDescription] = []
            for name in try snapshots.names() {
                do throws(DatabaseError) {
                    let (manifest, sha256) = try snapshots.read(name)
                    guard collection == nil || collection == manifest.collection else { continue }
                    list.append(SnapshotDescription(manifest, name: name, sha256: sha256))
                } catch {
                    switch error.kind {
                    case .corruption, .storageFailed: note(error, of: name)
                    // Removed meanwhile.
                    case .notFound: continue
                    default: throw error
                    }
                }
            }
            return list
        }
    }

    package func deleteSnapshot(_ name: String) throws(DatabaseError) {
        try hidingPaths { () throws(DatabaseError) in try snapshots.remove(name) }
        damagedSnapshots.withLock { $0[name] = nil }
    }

    /// Remembers what is wrong with a snapshot until it is removed or found right.
    func note(_ error: DatabaseError, of name: String) {
        damagedSnapshots.withLock { $0[name] = hidingDirectory(in: error.message) }
    }

    /// How collections are, and which snapshots were found damaged so far.
    package func health() -> HealthReport {
        let damaged = damagedSnapshots.withLock { $0 }.sorted { $0.key < $1.key }
        return HealthReport(
            collections: summaries(),
            damagedSnapshots: damaged.map { DamagedSnapshot(name: $0.key, reason: $0.value) })
    }

    /// Remembers what verifying finds, also that nothing is wrong any more.
    func verifying<Result>(
        _ name: String, _ work: SnapshotWork, _ body: () throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        do throws(DatabaseError) {
            let result = try run(work, body)
            damagedSnapshots.withLock { $0[name] = nil }
            return result
        } catch {
            if error.kind == .corruption { note(error, of: name) }
            throw error
        }
    }
}
