import NeedleCore
import NeedleStorage

/// The data directory: where things lie in it, its lock and its catalogue (docs/format/catalogue.md).
///
/// ```
/// LOCK   CATALOGUE   RESERVE   snapshots/
/// collections/<incarnation>/{MANIFEST, log/, <id>.segment, <id>-<lsn>.deletions}
/// ```
final class DataDirectory: Sendable {
    let path: String
    let fileSystem: any FileSystem

    init(path: String, fileSystem: any FileSystem) {
        self.path = path
        self.fileSystem = fileSystem
    }

    private var collectionsPath: String { "\(path)/collections" }
    var snapshots: String { "\(path)/snapshots" }

    func collection(_ incarnation: Incarnation) -> String { "\(collectionsPath)/\(incarnation.hex)" }

    /// Makes the directory if it is not there, and keeps other processes out.
    func prepareAndLock() throws(DatabaseError) -> any FileLock {
        try fileSystem.ensureDirectory(path)
        let lock = try takeLock()
        try fileSystem.ensureDirectory(collectionsPath)
        try fileSystem.ensureDirectory(snapshots)
        return lock
    }

    private func takeLock() throws(DatabaseError) -> any FileLock {
        do throws(DatabaseError) {
            return try fileSystem.lock("\(path)/LOCK")
        } catch  where error.kind == .conflict {
            throw DatabaseError(
                .conflict, "another needletaild uses the data directory \(path) (its LOCK is held)")
        }
    }

    /// The catalogue; an empty one in a fresh directory.
    func readCatalogue() throws(DatabaseError) -> Catalogue {
        do throws(DatabaseError) {
            return try Catalogue.read(fileSystem, directory: path)
        } catch  where error.kind == .notFound {
            guard try fileSystem.list(collectionsPath).isEmpty else {
                throw .corruption(
                    file: "\(path)/\(Catalogue.fileName)", offset: 0,
                    what: "the catalogue is missing, but there are collections")
            }
            // A start that was killed may have made the directory without syncing its name. Behind the catalogue,
            // without which nothing is acknowledged, the name is durable.
            try fileSystem.syncDirectory(PosixFileSystem.parent(of: path))
            let fresh = Catalogue()
            try fresh.write(fileSystem, directory: path)
            return fresh
        }
    }

    func write(_ catalogue: Catalogue) throws(DatabaseError) {
        try catalogue.write(fileSystem, directory: path)
    }

    /// Whether this catalogue is the one in the directory, after replacing it has failed; `false` in doubt.
    func stillHas(_ catalogue: Catalogue) -> Bool {
        do throws(DatabaseError) {
            return try Catalogue.read(fileSystem, directory: path) == catalogue
        } catch {
            return false
        }
    }

    /// An incarnation id that nobody had before: generation and time go into it.
    func newIncarnation(seed: UInt64, _ catalogue: Catalogue) throws(DatabaseError) -> Incarnation {
        var generator = SeededGenerator(seed: seed &+ catalogue.generation &* 0x2545_F491_4F6C_DD1D)
        var incarnation = Incarnation(using: &generator)
        while try fileSystem.exists(collection(incarnation)) { incarnation = Incarnation(using: &generator) }
        return incarnation
    }

    /// Removes directories of collections that were being made or dropped when the server ended.
    func removeUnnamedCollections(_ catalogue: Catalogue) throws(DatabaseError) {
        let named = Set(catalogue.collections.map(\.incarnation.hex))
        // The process may have ended between placing the catalogue and syncing its name: a power cut must not bring
        // back the one before, which does not know collections that take writes now, and names what is removed here.
        try fileSystem.syncDirectory(path)
        for name in try fileSystem.list(collectionsPath) where !named.contains(name) {
            try fileSystem.removeTree("\(collectionsPath)/\(name)")
        }
    }

    func removeCollection(_ incarnation: Incarnation) throws(DatabaseError) {
        try fileSystem.removeTree(collection(incarnation))
        try fileSystem.syncDirectory(collectionsPath)
    }
}
