import NeedleCore
import NeedleStorage
import NeedleVectors
import Synchronization

// The background work of one collection, a step at a time, so that a simulation decides when it happens. The
// order of a seal or a merge is what keeps it safe (invariant 5): file written, synced, named → swapped in
// under the writer lock → deletions and manifest written → log trimmed and old files unlinked.

extension Collection {
    /// Does one step: indexes a run of rows, or seals, merges, checkpoints. Several threads may call at once.
    ///
    /// - Returns: whether there was something to do.
    func maintain(context: OperationContext) throws(DatabaseError) -> Bool {
        if verifyStep() { return true }
        // Cheap beside a graph, and a segment is sealed and merged with its indexes then.
        if try fieldIndexStep(context: context) { return true }
        // Writers that are refused wait for nothing else, and rows that go on coming in must not keep what is
        // indexed from being sealed: memory and log would grow.
        if failureOfWrites != nil, maintainExclusively(context) { return true }
        if isReadyToSeal {
            if try measureFirst(context: context) { return true }
            if maintainExclusively(context) { return true }
        }
        if try index(context: context) { return true }
        if try measureFirst(context: context) { return true }
        if maintainExclusively(context) { return true }
        if scrubStep() { return true }
        if try measureInIdleTime(context: context) { return true }
        return try measureQuality(context: context)
    }

    /// A frozen or merged segment has its whole graph.
    private var isReadyToSeal: Bool {
        let set = view().set
        return set.growing.count > 1 && set.growing[0].isIndexed
            || maintenance.merge?.output.isIndexed == true
    }

    /// Work that one thread does at a time. What fails is tried again after a pause, from where it was: each
    /// step leaves everything as it was or is done.
    private func maintainExclusively(_ context: OperationContext) -> Bool {
        guard maintenance.retryPause == 0 else { return false }
        do throws(DatabaseError) {
            return try maintenance.exclusively { () throws(DatabaseError) in
                var isDone = try reopenLogIfFailed()
                if !isDone {
                    isDone =
                        try sealMergeOrCheckpoint(context) || saveRecallIfChanged() || saveQualityIfChanged()
                }
                maintenance.succeed()
                return isDone
            } ?? false
        } catch {
            maintenance.fail(error)
            if error.kind == .diskFull { disk.noteFull() }
            // It may be the log that failed, in a checkpoint.
            writer.withLock { noteStateOfWrites($0) }
            return false
        }
    }

    // MARK: Indexing

    private func index(context: OperationContext) throws(DatabaseError) -> Bool {
        let view = view()
        let segments = view.set.growing + (maintenance.merge.map { [$0.output] } ?? [])
        for segment in segments {
            let isComplete = segment !== view.set.active
            let rows = segment.rowCount
            for space in segment.spaces where space.hasWork(of: rows, isComplete: isComplete) {
                let scratch = scratches.take()
                defer { scratches.giveBack(scratch) }
                let did = try space.index(
                    of: rows, isComplete: isComplete, scratch: scratch, context: context)
                if did {
                    reportProgress(view)
                    return true
                }
            }
        }
        return false
    }

    private func reportProgress(_ view: ReadView) {
        guard let job = maintenance.optimizeJob else { return }
        let merge = maintenance.merge
        let segments = view.set.growing + (merge.map { [$0.output] } ?? [])
        var inserted = 0
        var refined = 0
        var total = 0
        var isInserting = false
        for segment in segments {
            let rows = segment.rowCount
            for space in segment.spaces where space.awaitsIndexer {
                let (phase, done) = space.progress(of: rows)
                total += rows
                isInserting = isInserting || phase == .inserting
                inserted += phase == .inserting ? done : rows
                refined += phase == .inserting ? 0 : done
            }
        }
        let phase = isInserting ? (merge == nil ? "indexing" : "merging") : "refining"
        job.report(phase: phase, done: isInserting ? inserted : refined, total: total)
    }

    // MARK: Sealing, merging, checkpoints

    private func sealMergeOrCheckpoint(_ context: OperationContext) throws(DatabaseError) -> Bool {
        if maintenance.owesCheckpoint {
            try checkpoint()
            return true
        }
        if try finishMerge() { return true }
        if try sealOldestFrozen() { return true }
        if try writeFieldIndexFiles() {
            try checkpoint()
            return true
        }
        if try freezeIfDue() { return true }
        if maintenance.merge == nil, try beginMergeIfDue(context) { return true }
        let ledger = store.environment.residence
        let awaiting = view().set.sealed.first { $0.awaitsResidence(ledger, options: options) }
        if let awaiting { return try takeResidence(awaiting, ledger, context) }
        guard maintenance.optimizeJob != nil, isSettled else { return false }
        maintenance.endOptimize()
        return true
    }

    /// A scrub may find damage meanwhile; then there is nothing left to be copied.
    private func takeResidence(
        _ segment: SealedSegment, _ ledger: ResidenceLedger, _ context: OperationContext
    ) throws(DatabaseError) -> Bool {
        do throws(DatabaseError) {
            return try segment.takeResidence(ledger, options: options, context: context)
        } catch {
            guard error.isOfStoredData, segment.isDamaged else { throw error }
            return true
        }
    }

    /// Nothing grows, nothing is merged, nothing is left to merge; asked when sealed segments lie where they shall.
    private var isSettled: Bool {
        let view = view()
        let set = view.set
        return maintenance.merge == nil && set.growing.count == 1 && set.active.rowCount == 0
            && set.sealed.allSatisfy(\.reader.isPassOver)
            && MergePolicy(options: options, isOptimizing: true, isDiskLow: false, foldedLSN: view.lsn)
                .inputs(of: set) == nil
    }

    private func sealOldestFrozen() throws(DatabaseError) -> Bool {
        let view = view()
        guard view.set.growing.count > 1 else { return false }
        let frozen = view.set.growing[0]
        guard frozen.isIndexed, frozen.lastVersion <= view.lsn else { return false }
        // Another thread is measuring it.
        if awaitsFirstMeasurement(frozen, in: view) { return false }
        try disk.requireRoom(for: frozen.residentBytes, "sealing a segment")
        let sealed = try store.seal(frozen, config: config)
        writer.withLock { writer in
            writer.set = writer.set.sealing(frozen, as: sealed)
            publishSegments(writer.set)
        }
        try checkpoint()
        return true
    }

    /// The active segment stops taking writes when the log would otherwise take too long to replay, when
    /// nobody has written for a while, or when somebody optimizes.
    private func freezeIfDue() throws(DatabaseError) -> Bool {
        let isOptimizing = maintenance.optimizeJob != nil
        let now = clock.monotonicNanoseconds()
        let due = try writer.withLock { (writer) throws(DatabaseError) -> FreezeDecision in
            guard writer.failure == nil, writer.set.growing.count == 1 else { return .nothing }
            let isLong = writer.sinceCheckpoint.isLong(options)
            let isIdle = idle.takeIfDue(now: now)
            guard isOptimizing || isLong || isIdle else { return .nothing }
            guard writer.set.active.rowCount > 0 else {
                return writer.sinceCheckpoint.bytes > 0 && (isLong || isIdle) ? .checkpoint : .nothing
            }
            guard isOptimizing || isLong || IdleWatch.isWorthSealing(writer.set, options) else {
                return .nothing
            }
            try writer.roll()
            publishSegments(writer.set)
            return .frozen
        }
        if due == .checkpoint { try checkpoint() }
        return due != .nothing
    }

    private enum FreezeDecision {
        case nothing
        case frozen
        /// Only deletions were logged: there is nothing to seal, but the log can be shortened.
        case checkpoint
    }

    private func beginMergeIfDue(_ context: OperationContext) throws(DatabaseError) -> Bool {
        let now = view()
        let policy = MergePolicy(
            options: options, isOptimizing: maintenance.optimizeJob != nil, isDiskLow: disk.isLow,
            foldedLSN: Self.checkpointLSN(of: now.set, visible: now.lsn))
        guard let inputs = policy.inputs(of: now.set) else { return false }
        try disk.requireRoom(
            for: inputs.reduce(0) { $0 + $1.liveBytes }, "merging \(inputs.count) segments")
        for input in inputs { try input.verifyAll(context: context) }
        // Damage just found, which changes what is to be done.
        guard inputs.allSatisfy({ $0.quarantine == nil }) else { return true }
        let (id, view) = try writer.withLock { (writer) throws(DatabaseError) -> (UInt64, ReadView) in
            // What is dropped must be durable: with durability os or memory the log may be behind.
            if config.durability != .fsync { _ = try writer.log.sync() }
            defer { writer.nextSegmentID += 1 }
            return (writer.nextSegmentID, self.view())
        }
        do throws(DatabaseError) {
            maintenance.merge = try Merge(
                inputs, of: view, foldedLSN: Self.checkpointLSN(of: view.set, visible: view.lsn), id: id,
                tenantKey: fieldIndexes.current.first { $0.definition.isTenant }?.definition.path,
                config: config, options: options)
        } catch {
            guard inputs.contains(where: { $0.quarantine != nil }) else { throw error }
        }
        return true
    }

    private func finishMerge() throws(DatabaseError) -> Bool {
        guard let merge = maintenance.merge, merge.output.isIndexed else { return false }
        // Another thread is measuring it: a segment goes live with its recall known.
        if awaitsFirstMeasurement(merge.output, in: view()) { return false }
        let file = merge.isEmpty ? nil : try store.seal(merge.output, config: config)
        try writer.withLock { (writer) throws(DatabaseError) in
            try merge.transferPayloads()
            let expired = merge.transferDeletions()
            writer.set = writer.set.merging(merge.inputs, into: file)
            writer.liveRows -= expired
            publishSegments(writer.set, rowsGone: expired)
        }
        maintenance.merge = nil
        try checkpoint()
        return true
    }

    /// Writes down what is sealed and what is deleted, then shortens the log and removes files that nobody
    /// names.
    private func checkpoint() throws(DatabaseError) {
        maintenance.owesCheckpoint = true
        let draft = writer.withLock { writer -> CheckpointDraft in
            let lsn = Self.checkpointLSN(of: writer.set, visible: visibleLSN)
            writer.sinceCheckpoint = ReplayCost()
            let indexes = writer.indexes.records(at: lsn)
            writer.indexes.forget(upTo: lsn)
            return CheckpointDraft(
                set: writer.set, lsn: lsn, nextSegmentID: writer.nextSegmentID, timeMS: writer.timeMS,
                reservedThrough: writer.log.tail.reservedThrough,
                opKeys: writer.opKeys.entries(now: writer.timeMS).filter { $0.receipt.lsn <= lsn },
                indexes: indexes)
        }
        // With durability os and memory the log may be behind. What a power cut would leave of it must lead to the
        // checkpoint, or a snapshot before it could not be brought forward to there.
        if config.durability != .fsync { _ = try writer.withLock { $0.log }.sync() }
        try store.write(draft, config: config)
        try writer.withLock { (writer) throws(DatabaseError) in
            try writer.log.trim(upTo: draft.lsn)
            // Going on in a new file may have failed, which is no failure of the checkpoint.
            noteStateOfWrites(writer)
        }
        try store.removeUnnamedFiles()
        maintenance.owesCheckpoint = false
        integrity.noteCheckpoint(at: draft.lsn)
        store.pruneLogArchive()
        let merging = maintenance.merge.map { [$0.output.id] } ?? []
        measurement.keep(segments: Set(draft.set.growing.map(\.id) + draft.set.sealed.map(\.id) + merging))
    }

    /// Everything up to this LSN lies in sealed segments or is deleted.
    static func checkpointLSN(of set: SegmentSet, visible: LSN) -> LSN {
        for segment in set.growing where segment.rowCount > 0 {
            let before = segment.columns.versions[0] - 1
            return min(LSN(before), visible)
        }
        return visible
    }
}

extension GrowingSegment {
    /// Every row that is to be in a graph is in one, and refined; of a segment that takes no more rows.
    var isIndexed: Bool {
        let rows = rowCount
        return spaces.allSatisfy { $0.isIndexed(of: rows) }
    }

    /// The version of the newest row.
    var lastVersion: LSN {
        let rows = rowCount
        return rows == 0 ? .zero : columns.version(of: rows - 1)
    }
}
