package import NeedleCore
import NeedleStorage
import Synchronization

extension Collection {
    /// Checks a write and embeds its texts; touches no state, so any number may run at once.
    ///
    /// - Parameters:
    ///   - model: the model name or fingerprint that the request gave, checked against every space that has
    ///     one.
    ///   - opKey: at most 64 bytes.
    /// - Throws: what is wrong, placed within `params`.
    package func prepare(
        _ operation: WriteOperation, model: String?, opKey: [UInt8]?, context: OperationContext
    ) throws(DatabaseError) -> PreparedWrite {
        let check = EmbedderCheck(embedder: options.embedder)
        for space in config.spaces { try check.check(model, space: space) }
        switch operation {
        case .upsert(let points, let ifAbsent):
            let resolution = PointResolution(config: config, embedder: options.embedder)
            let stored = try resolution.resolve(points, context: context)
            let operation = Self.lastOfEachID(stored, points, ifAbsent: ifAbsent)
            return PreparedWrite(operation: operation, opKey: opKey, context: context)
        case .delete(let choice):
            if case .filter(let filter) = choice, filter.holdsNoCondition {
                throw DatabaseError(
                    .invalidParams, "the filter holds no condition, so it would delete everything",
                    at: "filter",
                    expected: "a condition, or all:true")
            }
            return PreparedWrite(operation: .delete(choice), opKey: opKey, context: context)
        }
    }

    /// Group commit: resolves the writes in order, logs them, syncs once, makes them visible and answers
    /// each.
    ///
    /// Blocks for the sync. Callers are serialised; whoever gathers requests meanwhile makes the groups
    /// large.
    package func commit(_ writes: [PreparedWrite]) -> [Result<WriteReceipt, DatabaseError>] {
        guard !writes.isEmpty else { return [] }
        let (results, lsn) = writer.withLock { writer in
            let now = clock.wallMilliseconds()
            var results = writes.map { write in
                Result { () throws(DatabaseError) in try writer.perform(write, now: now) }
            }
            do throws(DatabaseError) {
                if config.durability == .fsync { _ = try writer.log.sync() }
                publish(writer)
            } catch {
                // Nothing of this group became visible, and the log takes no more: what was applied stays
                // hidden.
                let failure = error
                noteFailureOfWrites(failure)
                results = results.map { $0.flatMap { _ in .failure(failure) } }
            }
            if let failure = writer.failure { noteFailureOfWrites(failure) }
            return (results, writer.lsn)
        }
        wakeWaiters(upTo: min(lsn, visibleLSN))
        maintenance.wake()
        return results
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
