import NeedleCore
import NeedleStorage
import Synchronization

// A log that failed (a sync, a write, a new file) takes nothing more, and nothing of its newest file is trusted
// to become durable by a later sync (invariant 7). The collection recovers from that without being opened again:
// what was acknowledged is copied to a new file, as at a start; what was applied but not acknowledged is logged
// once more behind it, so that the log says what memory says. Readers go on meanwhile, writes are refused.
//
// Those who waited for the refused writes were told. Now each of them is wholly there and becomes visible, as it
// may after a restart; a crash before the new log is in place decides as any crash does.

extension Collection {
    /// Opens the log anew if it has failed. By one maintenance thread at a time.
    ///
    /// - Returns: whether it had.
    /// - Throws: what the disk says; nothing has changed then.
    func reopenLogIfFailed() throws(DatabaseError) -> Bool {
        guard failureOfWrites != nil else { return false }
        let state = writer.withLock { writer -> (acknowledged: LSN, unsynced: [LoggedWrite])? in
            // Not when memory is behind the log, nor when the collection was retired.
            guard writer.failure == nil, writer.log.failure != nil else { return nil }
            return (visibleLSN, writer.unsynced)
        }
        // Nobody changes these before the lock is taken again: a log that failed takes nothing.
        guard let (acknowledged, unsynced) = state else { return false }
        let log = try store.reopenLog(upTo: acknowledged)
        do throws(DatabaseError) {
            try Self.log(unsynced, again: log)
        } catch {
            Self.free(log)
            throw error
        }
        let isAdopted = writer.withLock { writer in
            guard writer.failure == nil else { return false }
            Self.free(writer.log)
            writer.adopt(log)
            publish(writer)
            noteStateOfWrites(writer)
            return true
        }
        if !isAdopted { Self.free(log) }
        wakeWaiters(upTo: visibleLSN)
        return true
    }

    private static func log(_ writes: [LoggedWrite], again log: any CommitLog) throws(DatabaseError) {
        for write in writes {
            guard write.lsn >= log.tail.nextLSN else {
                throw DatabaseError(.storageFailed, "LSN \(write.lsn) has been promised to others")
            }
            _ = try log.append(lsn: write.lsn, timeMS: write.timeMS, bodies: write.bodies)
        }
        if !writes.isEmpty { _ = try log.sync() }
    }

    /// Whatever was to be kept of it is in another log.
    private static func free(_ log: any CommitLog) {
        do throws(DatabaseError) { try log.close() } catch { return }
    }
}
