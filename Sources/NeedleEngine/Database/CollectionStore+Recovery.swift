import NeedleCore
import NeedleStorage

/// Where a collection stands after opening: what its writer begins with.
struct RecoveredState {
    var set: SegmentSet
    var opKeys: OpKeyWindow
    var nextSegmentID: UInt64
    var lsn: LSN
    var timeMS: Int64
    var liveRows: Int
    var indexes = FieldIndexCatalogue()
}

extension CollectionStore {
    /// Makes the files of a new collection; durable when it returns, but named by no catalogue yet.
    func create(name: String, config: CollectionConfig) throws(DatabaseError) -> Collection {
        try fileSystem.createDirectory(directory)
        try fileSystem.createDirectory(logDirectory)
        let log = try LocalLog.create(
            fileSystem, directory: logDirectory, incarnation: incarnation, firstLSN: LSN(1),
            saltSeed: saltSeed, options: environment.options.log)
        log.archive(to: logArchive)
        try fileSystem.syncDirectory(directory)
        let manifest = Manifest(
            incarnation: incarnation, config: ConfigCodec.encode(config), nextSegmentID: 2)
        try manifest.write(fileSystem, directory: directory)
        adopt(manifest)
        try fileSystem.syncDirectory(PosixFileSystem.parent(of: directory))
        let active = try GrowingSegment(
            id: 1, config: config, capacity: environment.options.growingCapacity(for: config),
            options: environment.options)
        let state = RecoveredState(
            set: SegmentSet(sealed: [], growing: [active]),
            opKeys: OpKeyWindow(windowMS: environment.options.limits.opKeyMS), nextSegmentID: 2, lsn: .zero,
            timeMS: 0,
            liveRows: 0)
        let writer = CollectionWriter(
            config: config, options: environment.options, log: wrapped(log), state: state)
        return Collection(name: name, store: self, recovered: writer, environment: environment)
    }

    /// Opens a collection: manifest, segments, deletions, then the log's tail.
    ///
    /// - Throws: `corruption` naming the file; `storage_failed` when the disk does not answer.
    func recover(name: String) throws(DatabaseError) -> Collection {
        let manifest = try Manifest.read(fileSystem, directory: directory)
        guard manifest.incarnation == incarnation else {
            throw .corruption(
                file: "\(directory)/\(Manifest.fileName)", offset: 0,
                what: "it is the manifest of another collection")
        }
        adopt(manifest)
        // The process may have ended between placing the manifest and syncing its name. Without this a power cut
        // could bring back the one before, while the files that only that one names are gone.
        try fileSystem.syncDirectory(directory)
        try removeUnnamedFiles()
        let config = try ConfigCodec.decode(manifest.config, file: "\(directory)/\(Manifest.fileName)")
        let log = try openLog(of: manifest)
        let state = try openSegments(of: manifest, config: config)
        let writer = CollectionWriter(
            config: config, options: environment.options, log: wrapped(log), state: state)
        try writer.replay(after: manifest.checkpointLSN, file: logDirectory)
        openFieldIndexes(of: manifest, writer.indexes.current, in: writer.set)
        let collection = Collection(name: name, store: self, recovered: writer, environment: environment)
        collection.loadRecall()
        collection.loadQuality()
        return collection
    }

    private func openLog(of manifest: Manifest, upTo limit: LSN = .infinity) throws(DatabaseError) -> LocalLog
    {
        let log = try LocalLog.open(
            fileSystem, directory: logDirectory, incarnation: incarnation,
            floor: LogFloor(checkpoint: manifest.checkpointLSN, lastTimeMS: manifest.lastTimeMS),
            upTo: limit, saltSeed: saltSeed, options: environment.options.log)
        log.archive(to: logArchive)
        return log
    }

    /// Takes over from a log that failed in this process: a new one that holds all writes up to `limit` and
    /// none behind it.
    ///
    /// - Throws: `storage_failed` when some of them are gone, which leaves the files as they are.
    func reopenLog(upTo limit: LSN) throws(DatabaseError) -> any CommitLog {
        guard let manifest = currentManifest else {
            preconditionFailure("a collection that is open has a manifest")
        }
        let log = try openLog(of: manifest, upTo: limit)
        guard log.tail.lastLSN == limit else {
            throw DatabaseError(
                .storageFailed,
                "the log ends at \(log.tail.lastLSN), but writes up to \(limit) have been answered",
                at: logDirectory)
        }
        return wrapped(log)
    }

    private func openSegments(of manifest: Manifest, config: CollectionConfig) throws(DatabaseError)
        -> RecoveredState
    {
        var sealed: [SealedSegment] = []
        var unreadable: [UnreadableSegment] = []
        var live = 0
        for entry in manifest.segments {
            do throws(DatabaseError) {
                let segment = try open(entry, of: manifest, config: config)
                live += segment.rowCount - segment.deletions.count
                sealed.append(segment)
            } catch {
                guard error.kind == .corruption else { throw error }
                unreadable.append(UnreadableSegment(entry: entry, reason: error))
                live += entry.live
            }
        }
        let active = try GrowingSegment(
            id: manifest.nextSegmentID, config: config,
            capacity: environment.options.growingCapacity(for: config),
            options: environment.options)
        return RecoveredState(
            set: SegmentSet(sealed: sealed, growing: [active], unreadable: unreadable),
            opKeys: try opKeys(of: manifest, config: config),
            nextSegmentID: manifest.nextSegmentID + 1, lsn: manifest.checkpointLSN,
            timeMS: manifest.lastTimeMS,
            liveRows: live,
            indexes: FieldIndexCatalogue(
                try FieldIndexCodec.decodeRecords(
                    manifest.indexes, file: "\(directory)/\(Manifest.fileName)")))
    }

    /// - Throws: `corruption` when it cannot be used, also because it is missing.
    private func open(
        _ entry: ManifestSegment, of manifest: Manifest, config: CollectionConfig
    ) throws(DatabaseError) -> SealedSegment {
        do throws(DatabaseError) {
            let segment = try open(entry.id, config: config, origin: entry.origin)
            guard segment.rowCount == entry.rows else {
                throw .corruption(
                    file: path(of: entry.id), offset: 40,
                    what: "\(segment.rowCount) rows where the manifest has \(entry.rows)")
            }
            if let deletions = entry.deletions { try load(deletions, into: segment) }
            if let payloads = entry.payloads { try loadPayloads(payloads, of: manifest, into: segment) }
            return segment
        } catch {
            guard error.kind == .notFound else { throw error }
            throw .corruption(file: path(of: entry.id), offset: 0, what: error.message)
        }
    }

    /// Rows deleted before the checkpoint were deleted before anything a reader can ask for.
    private func load(_ entry: ManifestDeletions, into segment: SealedSegment) throws(DatabaseError) {
        let file = try DeletionFile.read(
            fileSystem, path: "\(directory)/\(entry.file)", incarnation: incarnation, segmentID: segment.id,
            rowCount: segment.rowCount)
        for row in file.rows { segment.deletions.mark(Int(row), at: file.lsn) }
    }

    private func opKeys(of manifest: Manifest, config: CollectionConfig) throws(DatabaseError) -> OpKeyWindow
    {
        var window = OpKeyWindow(windowMS: environment.options.limits.opKeyMS)
        for entry in manifest.opKeys {
            let receipt = try ReceiptCodec.decode(
                entry.result, lsn: entry.lsn, durability: config.durability,
                file: "\(directory)/\(Manifest.fileName)")
            window.insert(OpKeyWindow.Entry(key: entry.key, timeMS: entry.timeMS, receipt: receipt))
        }
        return window
    }

    private func wrapped(_ log: LocalLog) -> any CommitLog {
        environment.options.wrapLog?(log, logDirectory) ?? log
    }

    /// Another salt for every log file of every start.
    var saltSeed: UInt64 {
        SeededGenerator.mix(environment.bootNonce ^ environment.clock.monotonicNanoseconds())
    }
}

extension CollectionWriter {
    /// Applies the log's committed writes behind the checkpoint, exactly as they were applied the first time.
    func replay(after checkpoint: LSN, file: String) throws(DatabaseError) {
        var rows: [StoredPoint] = []
        var deletions: [PointID] = []
        var changes: [FieldIndexChange] = []
        var payloads: [(change: PayloadChange, ids: [PointID])] = []
        var summary: WriteSummary?
        try log.replay(from: checkpoint.next) { (frame, body) throws(DatabaseError) in
            if frame.isFirst {
                rows.removeAll(keepingCapacity: true)
                deletions.removeAll(keepingCapacity: true)
                changes.removeAll(keepingCapacity: true)
                payloads.removeAll(keepingCapacity: true)
                summary = nil
            }
            switch try codec.decode(body, file: file) {
            case .rows(let points): rows += points
            case .deletions(let ids): deletions += ids
            case .index(let change): changes.append(change)
            case .payloads(let change, let ids): payloads.append((change, ids))
            case .summary(let counts): summary = counts
            }
            sinceCheckpoint.add(bytes: body.byteCount)
            guard frame.isCommit else { return }
            guard let counts = summary else {
                throw .corruption(file: file, offset: 0, what: "write \(frame.lsn) has no summary")
            }
            timeMS = max(timeMS, frame.timeMS)
            sinceCheckpoint.add(
                rows: rows.count + deletions.count + payloads.reduce(0) { $0 + $1.ids.count })
            for (change, ids) in payloads { try apply(change, to: ids, at: frame.lsn) }
            try apply(rows, deletions, at: frame.lsn)
            for change in changes { indexes.apply(change, at: frame.lsn) }
            _ = finish(counts, at: frame.lsn, writtenMS: frame.timeMS)
        }
    }
}
