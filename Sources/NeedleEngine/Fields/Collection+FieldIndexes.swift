package import NeedleCore
import NeedleStorage
import Synchronization

extension Collection {
    /// Creates an index over what there is and what will come. Durable when it returns; the building is a job.
    ///
    /// - Throws: `already_exists` at `key`; `invalid_params`; `limit_exceeded`.
    package func createIndex(
        _ definition: FieldIndexDefinition
    ) throws(DatabaseError) -> (lsn: LSN, job: JobSnapshot) {
        let lsn = try change(.create(definition)) { (catalogue) throws(DatabaseError) in
            guard catalogue.current(definition.path) == nil else {
                throw DatabaseError(
                    .alreadyExists, "there is an index on \"\(definition.path.text)\"", at: "key")
            }
            guard catalogue.current.count < FieldIndexCatalogue.limit else {
                throw DatabaseError(
                    .limitExceeded, "a collection has at most \(FieldIndexCatalogue.limit) field indexes",
                    at: "key", expected: "at most \(FieldIndexCatalogue.limit)")
            }
        }
        let job = maintenance.add { number in
            Job(
                id: "\(store.incarnation.hex.prefix(8))-\(number)", kind: "index", collection: name,
                phase: "building", clock: clock
            ) { [weak self] in self?.giveUp(definition.path, lsn) }
        }
        fieldIndexing.add(job, for: lsn)
        maintenance.wake()
        return (lsn, job.snapshot())
    }

    /// Whoever cancels the building does not want the index.
    private func giveUp(_ path: FieldPath, _ lsn: LSN) {
        do throws(DatabaseError) {
            if fieldIndexes.current(path)?.lsn == lsn { _ = try dropIndex(path) }
        } catch { return }
        fieldIndexing.end(lsn, .cancelled)
    }

    /// Drops the index of a key; its files go with the next checkpoint.
    ///
    /// - Throws: `not_found` at `key`.
    package func dropIndex(_ path: FieldPath) throws(DatabaseError) -> LSN {
        var dropped: LSN?
        let lsn = try change(.drop(path)) { (catalogue) throws(DatabaseError) in
            guard let record = catalogue.current(path) else {
                throw DatabaseError(.notFound, "there is no index on \"\(path.text)\"", at: "key")
            }
            dropped = record.lsn
        }
        if let dropped { fieldIndexing.end(dropped, .cancelled) }
        let left = Set(fieldIndexes.current.map(\.lsn))
        for segment in segments.newestFirst { segment.fieldIndexes.keep(left) }
        maintenance.owesCheckpoint = true
        maintenance.wake()
        return lsn
    }

    /// In the order of their creation.
    package func listIndexes() -> [FieldIndexDescription] {
        fieldIndexes.current.map { record in
            let (done, total) = indexedRows(record)
            // The newest rows are always looked at.
            let isReady = total - done < options.stripeRows
            return FieldIndexDescription(definition: record.definition, state: isReady ? .ready : .building)
        }
    }

    /// Logs a change of the indexes like a write: resolved, logged, applied, synced, published.
    private func change(
        _ change: FieldIndexChange,
        check: (FieldIndexCatalogue) throws(DatabaseError) -> Void
    ) throws(DatabaseError) -> LSN {
        let lsn = try writer.withLock { (writer) throws(DatabaseError) -> LSN in
            defer { noteStateOfWrites(writer) }
            if feed != nil {
                throw DatabaseError(
                    .conflict,
                    "indexes stay as they are while the collection is being re-embedded or can be rolled back",
                    at: "collection")
            }
            try check(writer.indexes)
            let lsn = try writer.perform(change, now: clock.wallMilliseconds())
            if config.durability == .fsync {
                _ = try writer.log.sync()
                writer.noteSynced()
            }
            publish(writer)
            return lsn
        }
        wakeWaiters(upTo: visibleLSN)
        return lsn
    }
}
