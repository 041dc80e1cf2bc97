import NeedleCore
import NeedleStorage

/// A write as it went to the log.
struct LoggedWrite {
    var lsn: LSN
    var timeMS: Int64
    var bodies: [[UInt8]]
}

/// The writing side of a collection: the newest state, pending writes included, and the log they go to.
///
/// Confined to the collection's writer lock. The order of things is the heart of durability: resolve → log →
/// apply in memory (invisible) → sync once for all → publish → acknowledge. Nothing is visible or
/// acknowledged that is not as durable as the collection promises; a failed append leaves no trace; a failed
/// sync poisons the log, and what was applied stays invisible until a new log has it (invariants 1, 3 and 7).
final class CollectionWriter {
    let config: CollectionConfig
    let codec: EffectCodec
    let options: EngineOptions
    let growingCapacity: Int
    var log: any CommitLog
    var set: SegmentSet { didSet { backlog?.note(set.waitingBytes) } }
    /// `nil` while the log is replayed.
    var backlog: BacklogShare? { didSet { backlog?.note(set.waitingBytes) } }
    var indexes: FieldIndexCatalogue
    var opKeys: OpKeyWindow
    var nextSegmentID: UInt64
    /// The newest write applied in memory.
    var lsn: LSN
    /// The log's time: never goes backwards.
    var timeMS: Int64
    /// Rows not deleted, expired ones included.
    var liveRows: Int
    /// What was logged since the last checkpoint, and would be replayed.
    var sinceCheckpoint = ReplayCost()
    /// Set when a logged write could not be applied: memory no longer follows the log, so nothing more is
    /// taken until the collection is opened again, which replays the log.
    var failure: DatabaseError?
    /// Writes that are logged and applied but that no sync has covered: with them a log that failed can be
    /// replaced by one that agrees with memory. Empty with durability `os` and `memory`, where a write
    /// counts before it is synced.
    private(set) var unsynced: [LoggedWrite] = []
    /// Whether ids of changed points are kept until the change is visible.
    var notesChanges = false
    var changed: [PointID] = []

    /// LSNs promised at once when answers do not wait for durability.
    private static let reservation: UInt64 = 1 << 20

    init(
        config: CollectionConfig, options: EngineOptions, log: any CommitLog, state: RecoveredState
    ) {
        self.config = config
        self.options = options
        self.log = log
        codec = EffectCodec(config: config)
        growingCapacity = options.growingCapacity(for: config)
        set = state.set
        indexes = state.indexes
        opKeys = state.opKeys
        nextSegmentID = state.nextSegmentID
        lsn = state.lsn
        timeMS = state.timeMS
        liveRows = state.liveRows
    }

    /// The newest state, for resolving writes.
    var view: ReadView {
        ReadView(set: set, lsn: lsn, now: timeMS, liveRows: liveRows, analyses: indexes.analyses)
    }

    // MARK: A new write

    /// Resolves a write, logs it (not yet synced) and applies it (not yet visible).
    ///
    /// - Returns: what to answer once the log is synced.
    /// - Throws: with nothing logged or applied.
    func perform(
        _ write: PreparedWrite, now: Int64, disk: DiskSpace
    ) throws(DatabaseError) -> WriteReceipt {
        if let failure { throw failure }
        timeMS = max(timeMS, now)
        try write.context.check()
        if let key = write.opKey, let receipt = opKeys.receipt(for: key, now: timeMS) { return receipt }
        if write.takesSpace {
            try disk.requireRoomForNewData()
            if write.bringsRows { try backlog?.requireRoom(in: set) }
        }
        let resolved = try WriteResolution(view: view, config: config, limits: options.limits).resolve(write)
        guard !resolved.isEmpty else {
            return WriteReceipt(
                lsn: lsn, durability: config.durability, created: resolved.created, updated: resolved.updated)
        }
        let summary = WriteSummary(
            created: resolved.created, updated: resolved.updated, deleted: resolved.deleted,
            opKey: write.opKey)
        try makeRoom(for: resolved.rows)
        var bodies = codec.encode(deletions: resolved.deletions) + codec.encode(rows: resolved.rows)
        if let payloads = resolved.payloads {
            try makeRoom(for: payloads.rows)
            bodies += codec.encode(payloads.change, ids: payloads.ids)
        }
        let logged = try append(
            bodies + [codec.encode(summary)],
            rows: resolved.rows.count + resolved.deletions.count + (resolved.payloads?.rows.count ?? 0))
        do throws(DatabaseError) {
            apply(resolved.payloads?.rows ?? [], at: logged.lsn)
            try apply(resolved.rows, resolved.deletions, at: logged.lsn)
        } catch {
            failure = error
            throw error
        }
        if config.durability == .fsync { unsynced.append(logged) }
        if notesChanges {
            changed += resolved.rows.map(\.id) + resolved.deletions + (resolved.payloads?.ids ?? [])
        }
        return finish(summary, at: logged.lsn)
    }

    /// Goes on behind another collection's writes, whose place this one takes: gives no LSN that was given there, and
    /// answers repeats of its writes.
    func takeOver(from lsn: LSN, _ answered: [OpKeyWindow.Entry], now: Int64) throws(DatabaseError) {
        if let failure { throw failure }
        timeMS = max(timeMS, now)
        var summaries = answered.map { entry in
            WriteSummary(
                created: entry.receipt.created, updated: entry.receipt.updated,
                deleted: entry.receipt.deleted,
                opKey: entry.key)
        }
        summaries.append(WriteSummary(created: 0, updated: 0, deleted: 0, opKey: nil))
        for summary in summaries {
            let logged = try append([codec.encode(summary)], rows: 1, behind: lsn)
            if config.durability == .fsync { unsynced.append(logged) }
            _ = finish(summary, at: logged.lsn)
        }
    }

    /// The same for a change of the field indexes, which somebody has checked.
    ///
    /// - Returns: the change's LSN.
    func perform(_ change: FieldIndexChange, now: Int64) throws(DatabaseError) -> LSN {
        if let failure { throw failure }
        timeMS = max(timeMS, now)
        let summary = WriteSummary(created: 0, updated: 0, deleted: 0, opKey: nil)
        let logged = try append([codec.encode(change), codec.encode(summary)], rows: 1)
        indexes.apply(change, at: logged.lsn)
        if config.durability == .fsync { unsynced.append(logged) }
        return finish(summary, at: logged.lsn).lsn
    }

    /// Logs the write and hands it to the system, so that a full disk is known before anything is applied.
    private func append(
        _ bodies: [[UInt8]], rows: Int, behind least: LSN = .zero
    ) throws(DatabaseError) -> LoggedWrite {
        let asked = max(log.tail.nextLSN, LSN(least.value + 1))
        if config.durability != .fsync, asked > log.tail.reservedThrough {
            try log.reserveLSNs(through: LSN(asked.value + Self.reservation))
        }
        let appended = try log.append(lsn: asked, timeMS: timeMS, bodies: bodies)
        do throws(DatabaseError) {
            try log.flush()
        } catch {
            try log.discardUnflushed(from: appended.lsn)
            throw error
        }
        timeMS = appended.timeMS
        sinceCheckpoint.add(bytes: bodies.reduce(0) { $0 + $1.count }, rows: rows)
        return LoggedWrite(lsn: appended.lsn, timeMS: appended.timeMS, bodies: bodies)
    }

    /// A sync has covered everything that was logged.
    func noteSynced() {
        unsynced.removeAll(keepingCapacity: unsynced.count <= 1_024)
    }

    /// Goes on with a log that holds exactly what was applied.
    func adopt(_ newLog: any CommitLog) {
        precondition(newLog.tail.lastLSN == lsn, "log and memory agree")
        log = newLog
        noteSynced()
    }

    // MARK: Effects, from a new write or from the log

    /// Applies a committed write's effects. Rows become visible only when `lsn` is published.
    ///
    /// - Throws: `corruption` when a stored id cannot be read, `memory_budget` when no room can be had.
    func apply(_ rows: [StoredPoint], _ deletions: [PointID], at lsn: LSN) throws(DatabaseError) {
        for id in deletions {
            try markDead(id, hash: IDHash.hash(id), at: lsn)
        }
        try makeRoom(for: rows)
        for point in rows {
            let hash = IDHash.hash(point.id)
            try markDead(point.id, hash: hash, at: lsn)
            try set.active.append(point, version: lsn, hash: hash)
            liveRows += 1
        }
    }

    /// Advances to `lsn` once its effects are applied.
    ///
    /// - Parameter writtenMS: the write's own time, when it is read from the log: this writer's may be later, that of
    ///   the checkpoint.
    func finish(_ summary: WriteSummary, at newLSN: LSN, writtenMS: Int64? = nil) -> WriteReceipt {
        lsn = newLSN
        let receipt = WriteReceipt(
            lsn: newLSN, durability: config.durability, created: summary.created, updated: summary.updated,
            deleted: summary.deleted)
        if let key = summary.opKey {
            opKeys.insert(OpKeyWindow.Entry(key: key, timeMS: writtenMS ?? timeMS, receipt: receipt))
        }
        return receipt
    }

    /// Room was made for them.
    private func apply(_ payloads: [NewPayload], at newLSN: LSN) {
        for new in payloads {
            new.payload.withUnsafeBufferPointer { new.segment.overlay.append($0, row: new.row, lsn: newLSN) }
        }
    }

    /// Applies a change of payloads from the log. Points that are not there any more had expired when a merge left them
    /// out; a row that cannot be read quarantines its segment, like one whose id cannot.
    func apply(_ change: PayloadChange, to ids: [PointID], at newLSN: LSN) throws(DatabaseError) {
        let changing = try PayloadChanging(change)
        var rows: [NewPayload] = []
        for id in ids {
            guard let (segment, row) = try find(id, hash: IDHash.hash(id)) else { continue }
            do throws(DatabaseError) {
                rows.append(try changing.changed(row, of: segment, at: lsn))
            } catch {
                guard let sealed = segment as? SealedSegment else { throw error }
                sealed.condemn(error)
            }
        }
        try makeRoom(for: rows)
        apply(rows, at: newLSN)
    }

    /// Payloads lie beside the rows that they belong to, wherever those are.
    private func makeRoom(for payloads: [NewPayload]) throws(DatabaseError) {
        var needed: [UInt64: (overlay: PayloadOverlay, changes: Int, bytes: Int)] = [:]
        for new in payloads {
            var need = needed[new.segment.id] ?? (new.segment.overlay, 0, 0)
            need.changes += 1
            need.bytes += new.payload.count
            needed[new.segment.id] = need
        }
        for (_, need) in needed { try need.overlay.requireRoom(changes: need.changes, bytes: need.bytes) }
    }

    private func markDead(_ id: PointID, hash: UInt64, at newLSN: LSN) throws(DatabaseError) {
        guard let (segment, row) = try find(id, hash: hash) else { return }
        segment.deletions.mark(row, at: newLSN)
        liveRows -= 1
    }

    /// The row of a point, expired or not.
    private func find(
        _ id: PointID, hash: UInt64
    ) throws(DatabaseError) -> (segment: any Segment, row: Int)? {
        for segment in set.growing.reversed() {
            if let row = try segment.row(of: id, hash: hash, at: lsn) { return (segment, row) }
        }
        for segment in set.sealed.reversed() {
            if let row = row(of: id, hash: hash, in: segment) { return (segment, row) }
        }
        return nil
    }

    /// A segment that cannot tell whether it holds the id is quarantined: what it may hold of an older version
    /// must not be served beside the new one. The write goes on; it may come from the log.
    private func row(of id: PointID, hash: UInt64, in segment: SealedSegment) -> Int? {
        do throws(DatabaseError) {
            return try segment.row(of: id, hash: hash, at: lsn)
        } catch {
            segment.condemn(error)
            return nil
        }
    }

    /// All rows of a write go to one segment: a checkpoint lies between writes, so a segment that ended in
    /// the middle of one could not be named by a manifest until the next segment is sealed as well.
    private func makeRoom(for rows: [StoredPoint]) throws(DatabaseError) {
        guard !rows.isEmpty, !set.active.hasRoom(for: rows) else { return }
        try roll(rows: rows.count)
        // No line can bring so much; a log that somebody made can.
        guard set.active.hasRoom(for: rows) else {
            throw DatabaseError(
                .memoryBudget, "a write of \(rows.count) points is more than a segment can hold")
        }
    }

    /// Freezes the segment that takes writes and begins another, with room for a write of so many rows.
    func roll(rows: Int = 0) throws(DatabaseError) {
        let segment = try GrowingSegment(
            id: nextSegmentID, config: config, capacity: max(growingCapacity, rows), options: options)
        nextSegmentID += 1
        set = set.adding(segment)
    }
}
