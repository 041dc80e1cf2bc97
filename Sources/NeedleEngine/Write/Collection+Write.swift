package import NeedleCore
import NeedleStorage
import Synchronization

extension Collection {
    /// Checks a write and embeds its texts; changes no state, so any number may run at once.
    ///
    /// - Parameters:
    ///   - model: the model name or fingerprint that the request gave, checked against every space that has
    ///     one.
    ///   - opKey: at most 64 bytes.
    /// - Throws: what is wrong, placed within `params`.
    package func prepare(
        _ operation: WriteOperation, model: String?, opKey: [UInt8]?, context: OperationContext
    ) throws(DatabaseError) -> PreparedWrite {
        let check = EmbedderCheck(embedders: options.embedders)
        for space in config.spaces { try check.check(model, space: space) }
        switch operation {
        case .upsert(let points, let ifAbsent):
            let resolution = PointResolution(config: config, embedders: options.embedders)
            let stored = try resolution.resolve(points, context: context)
            watch(zip(stored, points).lazy.map { ($0.vectors, model != nil || $1.text != nil) })
            let operation = Self.lastOfEachID(stored, points, ifAbsent: ifAbsent)
            return PreparedWrite(operation: operation, opKey: opKey, context: context)
        case .delete(let choice):
            try Self.check(choice)
            return PreparedWrite(operation: .delete(choice), opKey: opKey, context: context)
        case .changePayload(let change, let choice):
            try Self.check(choice)
            try PayloadText.check(change, config: config)
            return PreparedWrite(
                operation: .changePayload(change, choice), opKey: opKey, context: context)
        case .setVectors(let points):
            let resolution = PointResolution(config: config, embedders: options.embedders)
            let vectors = try resolution.resolve(points)
            watch(vectors.lazy.map { ($0.vectors, model != nil) })
            return PreparedWrite(operation: .setVectors(vectors), opKey: opKey, context: context)
        case .upsertDocuments(let documents, let sizes):
            return PreparedWrite(
                operation: .documents(try prepareDocuments(documents, sizes: sizes, context: context)),
                opKey: opKey, context: context)
        case .deleteDocuments(let ids):
            return PreparedWrite(
                operation: .deleteDocuments(ids.map { Array($0.utf8) }), opKey: opKey, context: context)
        }
    }

    private static func check(_ choice: PointChoice) throws(DatabaseError) {
        guard case .filter(let filter) = choice, filter.holdsNoCondition else { return }
        throw DatabaseError(
            .invalidParams, "the filter holds no condition, so it would choose every point", at: "filter",
            expected: "a condition, or all:true")
    }

    /// Group commit: resolves the writes in order, logs them, syncs once, makes them visible and answers
    /// each.
    ///
    /// Blocks for the sync. Callers are serialised; whoever gathers requests meanwhile makes the groups
    /// large.
    ///
    /// - Parameter following: they are copies from a collection that this one follows, or is followed by.
    package func commit(
        _ writes: [PreparedWrite], following: Bool = false
    ) -> [Result<WriteReceipt, DatabaseError>] {
        guard !writes.isEmpty else { return [] }
        let (results, lsn) = writer.withLock { writer in
            if isReplaced, !following {
                let refused = [Result<WriteReceipt, DatabaseError>](
                    repeating: .failure(Self.replaced), count: writes.count)
                return (refused, writer.lsn)
            }
            let now = clock.wallMilliseconds()
            defer { idle.noteWrite(now: clock.monotonicNanoseconds()) }
            var results = writes.map { write in
                Result { () throws(DatabaseError) in try perform(write, now: now, writer) }
            }
            do throws(DatabaseError) {
                if config.durability == .fsync {
                    try sync(writer)
                }
                publish(writer)
            } catch {
                // Nothing of this group became visible, and the log takes no more: what was applied stays
                // hidden until the log has been opened anew (`reopenLogIfFailed`).
                let failure = error
                if failure.kind == .diskFull { disk.noteFull() }
                results = results.map { $0.flatMap { _ in .failure(failure) } }
            }
            noteStateOfWrites(writer)
            return (results, writer.lsn)
        }
        wakeWaiters(upTo: min(lsn, visibleLSN))
        maintenance.wake()
        return results
    }

    private func sync(_ writer: CollectionWriter) throws(DatabaseError) {
        let start = clock.monotonicNanoseconds()
        _ = try writer.log.sync()
        store.environment.meters.logSyncs.add(nanoseconds: clock.monotonicNanoseconds() &- start)
        writer.noteSynced()
    }

    /// Whoever has looked the collection up before it was replaced looks again.
    private static var replaced: DatabaseError {
        DatabaseError(
            .overloaded, "the collection has just been cut over to another model: send the write again",
            at: "collection", retryAfterMS: 1)
    }

    /// A write that frees space may use the reserve; one that takes space ends it when the disk is full.
    private func perform(
        _ write: PreparedWrite, now: Int64, _ writer: CollectionWriter
    ) throws(DatabaseError) -> WriteReceipt {
        let before = writer.sinceCheckpoint.bytes
        defer {
            let written = max(0, writer.sinceCheckpoint.bytes - before)
            disk.noteWritten(written)
            store.environment.meters.noteLogged(written)
        }
        if !write.takesSpace {
            return try disk.usingReserve { () throws(DatabaseError) in
                try writer.perform(write, now: now, disk: disk)
            }
        }
        do throws(DatabaseError) {
            return try writer.perform(write, now: now, disk: disk)
        } catch {
            if error.kind == .diskFull, !disk.isLow { disk.noteFull() }
            throw error
        }
    }

    /// Of two points with one id the last wins; conditions are those of the points that stay.
    private static func lastOfEachID(
        _ stored: [StoredPoint], _ points: [PointWrite], ifAbsent: Bool
    ) -> PreparedWrite.Operation {
        var position: [PointID: Int] = [:]
        position.reserveCapacity(stored.count)
        for (index, point) in stored.enumerated() { position[point.id] = index }
        var kept: [StoredPoint] = []
        kept.reserveCapacity(position.count)
        var conditions: [PreparedWrite.Condition] = []
        for (index, point) in stored.enumerated() where position[point.id] == index {
            if let version = ifAbsent ? .zero : points[index].ifVersion {
                conditions.append(PreparedWrite.Condition(point: kept.count, version: version))
            }
            kept.append(point)
        }
        return .upsert(kept, conditions: conditions)
    }
}
