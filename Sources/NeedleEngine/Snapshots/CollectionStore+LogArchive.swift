import NeedleCore
import NeedleStorage

// Log files that the collection needs no more are kept for a stated time if the operator says so. Keeping them is
// part of trimming (`LocalLog.trim`): what cannot be kept is not removed.

extension CollectionStore {
    var logArchive: LogArchive? {
        let path = environment.options.logArchive
        return path.isEmpty ? nil : LogArchive(fileSystem, path: path)
    }

    /// Keeps what is left of the log of a collection that was dropped. Best effort: the drop has happened.
    func keepLog() {
        guard let archive = logArchive else { return }
        do throws(DatabaseError) {
            for name in try fileSystem.list(logDirectory) {
                guard let file = SealedLogFile(name: name, directory: logDirectory) else { continue }
                try archive.keep(file, of: incarnation)
            }
        } catch { return }
    }

    /// Removes what is older than the operator wants to keep. Best effort: it is tried again at every checkpoint.
    func pruneLogArchive() {
        let hours = Int64(environment.options.logArchiveHours)
        let before = environment.clock.wallMilliseconds() - hours * 3_600_000
        do throws(DatabaseError) { try logArchive?.prune(before: before) } catch { return }
    }
}
