// Snapshots of a database: making, verifying and restoring them. The long ones run on whatever
// thread calls them, tell how far they are through their `SnapshotWork`, and leave nothing when they are cancelled or
// fail; what a crash leaves is removed at the next opening.

package import NeedleCore
package import NeedleStorage

extension Database {
    package var snapshots: SnapshotDirectory {
        SnapshotDirectory(environment.fileSystem, path: directory.snapshots)
    }

    /// Begins a job, which the caller then runs with one of the methods below.
    ///
    /// - Parameters:
    ///   - kind: `snapshot`, `verify` or `restore`.
    ///   - collection: what the job is about.
    ///   - pause: see `SnapshotWork`.
    package func beginSnapshotWork(
        _ kind: String, collection: String, context: OperationContext,
        pause: @escaping @Sendable (_ bytes: Int) -> Void = { _ in }
    ) -> SnapshotWork {
        let prefix = String(environment.bootNonce >> 32, radix: 16)
        let job = snapshotJobs.add { number in
            Job(
                id: "\(prefix)-s\(number)", kind: kind, collection: collection, phase: "waiting",
                clock: environment.clock, onCancel: { context.cancel() })
        }
        return SnapshotWork(job: job, context: context, pause: pause)
    }

    /// Makes a snapshot of a collection as it is now.
    ///
    /// - Throws: `disk_full` before anything is written, while the disk is low; `corruption` when something of the
    ///   collection is damaged.
    package func createSnapshot(
        of name: String, work: SnapshotWork
    ) throws(DatabaseError) -> SnapshotDescription {
        try run(work) { () throws(DatabaseError) in
            try environment.disk.requireRoomForNewData()
            return try collection(named: name).makeSnapshot(in: snapshots, work: work)
        }
    }

    /// Compares every file with its hash, restores the snapshot into scratch, and asks its probes.
    ///
    /// - Throws: `corruption` naming what is damaged.
    package func verifySnapshot(
        _ name: String, work: SnapshotWork
    ) throws(DatabaseError) -> SnapshotVerification {
        try verifying(name, work) { () throws(DatabaseError) in
            let manifest = try checkFiles(of: name, work: work)
            let scratch = snapshots.path(of: "\(SnapshotName.unfinishedPrefix)verify-\(name)")
            try environment.fileSystem.removeTree(scratch)
            try environment.fileSystem.createDirectory(scratch)
            defer { remove(scratch) }
            var generator = SeededGenerator(
                seed: environment.bootNonce ^ environment.clock.monotonicNanoseconds())
            let store = CollectionStore(
                directory: scratch, incarnation: Incarnation(using: &generator), environment: environment)
            let source = RestoreSource(
                folder: snapshots.path(of: name), snapshot: manifest,
                history: history(of: manifest, name: name), point: .snapshot)
            let (collection, log) = try store.restore(source, name: name, work: work)
            defer { collection.retire() }
            let probes = try prove(collection, log, source, work: work)
            return SnapshotVerification(
                snapshot: name, lsn: manifest.lsn, points: manifest.points, files: manifest.files.count,
                bytes: manifest.bytes, probes: probes)
        }
    }

    /// Makes a collection of a snapshot, and of the log behind it for a later point. Everything is checked before
    /// anything of it becomes visible.
    ///
    /// - Throws: `already_exists` when the name is taken; `invalid_params` for a point before the snapshot;
    ///   `not_found` when the log up to the point is not kept; `corruption`; `disk_full` before anything is written.
    package func restoreSnapshot(
        _ name: String, as target: String, to point: RestorePoint, work: SnapshotWork
    ) throws(DatabaseError) -> RestoredCollection {
        try run(work) { () throws(DatabaseError) in
            try environment.disk.requireRoomForNewData()
            let store = try beginRestoring(as: target)
            var mayBeNamed = false
            do throws(DatabaseError) {
                let (manifest, _) = try snapshots.read(name)
                try Self.check(point, against: manifest)
                try requireRoom(for: manifest)
                _ = try checkFiles(of: name, work: work)
                let collection = try restore(manifest, name, as: target, to: point, store, work: work)
                do throws(DatabaseError) {
                    try work.context.check()
                    try finishRestoring(collection, mayBeNamed: &mayBeNamed)
                } catch {
                    collection.retire()
                    throw error
                }
                return RestoredCollection(
                    collection: target, points: collection.view().count, lsn: collection.visibleLSN)
            } catch {
                if !mayBeNamed { remove(store.directory) }
                throw error
            }
        }
    }

    private func restore(
        _ manifest: SnapshotManifest, _ name: String, as target: String, to point: RestorePoint,
        _ store: CollectionStore, work: SnapshotWork
    ) throws(DatabaseError) -> Collection {
        let scratch = snapshots.path(
            of: "\(SnapshotName.unfinishedPrefix)log-\(store.incarnation.hex)")
        defer { remove(scratch) }
        let live = point == .snapshot ? nil : try collection(of: manifest.incarnation)
        var later: [SealedLogFile] = []
        if point != .snapshot {
            try environment.fileSystem.createDirectory(scratch)
            later += try live?.shareLog(behind: manifest.lsn, in: scratch) ?? []
            later += try store.logArchive?.files(of: manifest.incarnation) ?? []
        }
        let source = RestoreSource(
            folder: snapshots.path(of: name), snapshot: manifest,
            history: history(of: manifest, name: name, later: later), point: point)
        let (collection, log) = try store.restore(source, name: target, work: work)
        do throws(DatabaseError) {
            try Self.check(log, reaches: point, isComplete: live != nil || !later.isEmpty)
            _ = try prove(collection, log, source, work: work)
        } catch {
            collection.retire()
            throw error
        }
        return collection
    }

    // MARK: Steps

    /// The log is copied, everything else is shared, or copied too where links are refused.
    private func requireRoom(for manifest: SnapshotManifest) throws(DatabaseError) {
        let log = manifest.files.filter { SealedLogFile(name: $0.name, directory: "") != nil }
        try environment.disk.requireRoom(for: log.reduce(0) { $0 + $1.bytes }, "the log of the snapshot")
    }

    /// Compares lengths and hashes of all files: the one pass over the snapshot.
    private func checkFiles(of name: String, work: SnapshotWork) throws(DatabaseError) -> SnapshotManifest {
        let (manifest, _) = try snapshots.read(name)
        try work.begin("comparing files", total: manifest.bytes)
        do throws(DatabaseError) {
            try snapshots.check(name, manifest) { (count) throws(DatabaseError) in
                try work.advance(count, bytes: count)
            }
        } catch {
            if error.kind == .corruption { note(error, of: name) }
            throw error
        }
        return manifest
    }

    /// The log of a snapshot, and what comes behind it.
    private func history(
        of manifest: SnapshotManifest, name: String, later: [SealedLogFile] = []
    ) -> LogHistory {
        let folder = snapshots.path(of: name)
        let own = manifest.files.compactMap { SealedLogFile(name: $0.name, directory: folder) }
        return LogHistory(environment.fileSystem, incarnation: manifest.incarnation, files: own + later)
    }

    /// Whether what was restored is what the snapshot says: its LSN, its points, the answers to its probes.
    ///
    /// - Returns: how many probes were asked.
    private func prove(
        _ collection: Collection, _ log: RestoredLog, _ source: RestoreSource, work: SnapshotWork
    ) throws(DatabaseError) -> Int {
        let (snapshot, folder) = (source.snapshot, source.folder)
        guard log.last >= snapshot.lsn, source.point != .snapshot || log.last == snapshot.lsn else {
            throw .corruption(
                file: folder, offset: 0,
                what: "its log ends with write \(log.last), the snapshot is of \(snapshot.lsn)")
        }
        let newest = collection.view()
        try newest.set.requireUndamaged()
        let view = ReadView(
            set: newest.set, lsn: snapshot.lsn, now: snapshot.timeMS, liveRows: newest.liveRows)
        if source.point == .snapshot {
            let points = try view.count(context: work.context)
            guard points == snapshot.points else {
                throw .corruption(
                    file: folder, offset: 0, what: "\(points) points in place of \(snapshot.points)")
            }
        }
        let path = "\(folder)/\(ProbeFile.fileName)"
        guard snapshot.file(ProbeFile.fileName) != nil else {
            throw .corruption(file: path, offset: 0, what: "the file is missing")
        }
        let file = try ProbeFile.read(environment.fileSystem, path: path)
        guard file.incarnation == snapshot.incarnation, file.lsn == snapshot.lsn else {
            throw .corruption(file: path, offset: 16, what: "the probes of another snapshot")
        }
        try SnapshotProbes(collection: collection, view: view).compare(file.probes, file: path, work: work)
        return file.probes.count
    }

    private static func check(_ point: RestorePoint, against manifest: SnapshotManifest) throws(DatabaseError)
    {
        switch point {
        case .snapshot: return
        case .lsn(let lsn):
            guard lsn < manifest.lsn else { return }
            throw DatabaseError(
                .invalidParams, "write \(lsn) is before the snapshot", at: "to_lsn",
                expected: "at least \(manifest.lsn)", got: lsn.description)
        case .time(let time):
            guard time < manifest.timeMS else { return }
            throw DatabaseError(
                .invalidParams, "that time is before the snapshot", at: "to_time",
                expected: "at least \(manifest.timeMS)", got: String(time))
        }
    }

    /// - Parameter isComplete: there is a log behind the snapshot: a time after its end is known to be reached.
    private static func check(
        _ log: RestoredLog, reaches point: RestorePoint, isComplete: Bool
    ) throws(DatabaseError) {
        switch point {
        case .snapshot: return
        case .lsn(let lsn):
            guard log.last < lsn, !log.hasMore else { return }
            throw DatabaseError(
                .notFound, "no log with write \(lsn) is kept; what is kept ends with \(log.last)",
                at: "to_lsn",
                expected: "at most \(log.last)", got: lsn.description)
        case .time:
            guard !log.hasMore, !isComplete else { return }
            throw DatabaseError(.notFound, "no log behind the snapshot is kept", at: "to_time")
        }
    }

    /// Best effort: what stays is removed at the next opening.
    private func remove(_ path: String) {
        do throws(DatabaseError) { try environment.fileSystem.removeTree(path) } catch { return }
    }

    func run<Result>(
        _ work: SnapshotWork, _ body: () throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        try work.run { () throws(DatabaseError) in try hidingPaths(body) }
    }

    /// Clients are told which file it is, but not where the server keeps its data.
    func hidingPaths<Result>(
        _ body: () throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        do throws(DatabaseError) {
            return try body()
        } catch {
            var shown = error
            shown.message = hidingDirectory(in: error.message)
            shown.at = error.at.map { hidingDirectory(in: $0) }
            throw shown
        }
    }

    // MARK: Jobs

    /// Every job that runs or is remembered: those of snapshots, then those of each collection.
    package func jobs() -> [JobSnapshot] {
        (snapshotJobs.all + readyCollections.flatMap(\.maintenance.jobs)).map { $0.snapshot() }
    }

    /// Asks all work on snapshots to end soon: the server stops.
    package func cancelSnapshotWork() {
        for job in snapshotJobs.all { job.cancel() }
    }

    /// Asks a job to end soon; nothing when it has ended.
    ///
    /// - Returns: the job; `nil` when there is none of this name.
    package func cancelJob(_ id: String) -> JobSnapshot? {
        let all = snapshotJobs.all + readyCollections.flatMap(\.maintenance.jobs)
        guard let job = all.first(where: { $0.id == id }) else { return nil }
        job.cancel()
        return job.snapshot()
    }
}
