// Filling the directory of a collection from a snapshot whose files have been compared with their hashes. Segments
// are shared and keep the incarnation in their headers, which the manifest notes; deletions and the log are written
// anew. Then the collection is opened like any other, which checks everything that opening checks.

import NeedleCore
import NeedleStorage

/// What a collection is restored from.
struct RestoreSource {
    /// The snapshot's directory.
    let folder: String
    let snapshot: SnapshotManifest
    /// The log of the snapshot, and for a later point what is known behind it.
    let history: LogHistory
    let point: RestorePoint

    /// Whether a write is in what is restored.
    func includes(_ frame: LogFrame) -> Bool {
        switch point {
        case .snapshot: frame.lsn <= snapshot.lsn
        case .lsn(let last): frame.lsn <= last
        case .time(let last): frame.timeMS <= last || frame.lsn <= snapshot.lsn
        }
    }
}

/// How far the log went.
struct RestoredLog {
    /// The last write that was taken.
    var last: LSN
    /// There is a later one.
    var hasMore = false
}

extension CollectionStore {
    /// Makes the files and opens the collection. The directory exists and is empty; whoever calls removes it when
    /// this throws.
    func restore(
        _ source: RestoreSource, name: String, work: SnapshotWork
    ) throws(DatabaseError) -> (collection: Collection, log: RestoredLog) {
        let manifest = try readManifest(source)
        try fileSystem.createDirectory(logDirectory)
        var restored = Manifest(
            incarnation: incarnation, config: manifest.config, checkpointLSN: manifest.checkpointLSN,
            lastTimeMS: manifest.lastTimeMS, lsnCeiling: manifest.checkpointLSN,
            nextSegmentID: manifest.nextSegmentID)
        for segment in manifest.segments {
            restored.segments.append(try take(segment, of: manifest, source))
        }
        restored.opKeys = manifest.opKeys
        restored.indexes = manifest.indexes
        let log = try takeLog(source, behind: manifest.checkpointLSN, work: work)
        try fileSystem.syncDirectory(directory)
        try fileSystem.syncDirectory(PosixFileSystem.parent(of: directory))
        try restored.write(fileSystem, directory: directory)
        return (try recover(name: name), log)
    }

    private func readManifest(_ source: RestoreSource) throws(DatabaseError) -> Manifest {
        let file = "\(source.folder)/\(Manifest.fileName)"
        let manifest = try Manifest.read(fileSystem, directory: source.folder)
        guard manifest.incarnation == source.snapshot.incarnation,
            manifest.checkpointLSN <= source.snapshot.lsn
        else {
            throw .corruption(file: file, offset: 0, what: "it is not the manifest of this snapshot")
        }
        // Numbers that nothing real has, but that somebody can write.
        guard source.snapshot.lsn.value < 1 << 62, manifest.nextSegmentID < 1 << 62 else {
            throw .corruption(file: file, offset: 0, what: "numbers beyond all use")
        }
        let limits = environment.options.limits
        let config = try ConfigCodec.decode(manifest.config, file: file)
        guard config.spaces.count <= limits.spaces,
            config.spaces.allSatisfy({ $0.size <= limits.dimensions })
        else {
            throw DatabaseError(
                .limitExceeded,
                "\(file): the collection has more spaces or dimensions than this server allows",
                at: "snapshot",
                expected: "\(limits.spaces) spaces, \(limits.dimensions) dimensions")
        }
        return manifest
    }

    /// Shares a segment's files, and writes its deletions for this collection.
    private func take(
        _ segment: ManifestSegment, of manifest: Manifest, _ source: RestoreSource
    ) throws(DatabaseError) -> ManifestSegment {
        var taken = segment
        taken.origin = segment.origin ?? manifest.incarnation
        guard segment.file == ManifestSegment.fileName(id: segment.id) else {
            throw .corruption(
                file: "\(source.folder)/\(Manifest.fileName)", offset: 0,
                what: "segment \(segment.id) is called \(segment.file)")
        }
        for file in [segment.file] + segment.overlays {
            try fileSystem.linkOrCopy(try path(of: file, in: source), to: "\(directory)/\(file)")
        }
        guard let deletions = segment.deletions else { return taken }
        var file = try DeletionFile.read(
            fileSystem, path: try path(of: deletions.file, in: source), incarnation: manifest.incarnation,
            segmentID: segment.id, rowCount: segment.rows)
        file.incarnation = incarnation
        try file.write(fileSystem, path: "\(directory)/\(deletions.file)")
        return taken
    }

    /// A file of the snapshot: one that SNAPSHOT names, and was therefore checked.
    private func path(of file: String, in source: RestoreSource) throws(DatabaseError) -> String {
        guard source.snapshot.file(file) != nil else {
            throw .corruption(
                file: "\(source.folder)/\(Manifest.fileName)", offset: 0,
                what: "it names \(file), which the snapshot does not have")
        }
        return "\(source.folder)/\(file)"
    }

    /// Bytes of log written before they are synced, which lets the log begin another file.
    private static let syncedBytes = 64 << 20

    /// Copies the writes behind the checkpoint into a log of this collection, each with its LSN and its time.
    private func takeLog(
        _ source: RestoreSource, behind checkpoint: LSN, work: SnapshotWork
    ) throws(DatabaseError) -> RestoredLog {
        try work.begin("copying the log", total: 0)
        let log = try LocalLog.create(
            fileSystem, directory: logDirectory, incarnation: incarnation, firstLSN: checkpoint.next,
            saltSeed: saltSeed)
        var taken = RestoredLog(last: checkpoint)
        var bodies: [[UInt8]] = []
        var unsynced = 0
        try source.history.replay(behind: checkpoint) { (frame, body) throws(DatabaseError) in
            if frame.isFirst {
                bodies.removeAll(keepingCapacity: true)
                taken.hasMore = !source.includes(frame)
                if taken.hasMore { return false }
            }
            bodies.append(body.withUnsafeBytes { Array($0) })
            unsynced += body.byteCount
            try work.advance(body.byteCount, bytes: body.byteCount)
            guard frame.isCommit else { return true }
            taken.last = try log.append(lsn: frame.lsn, timeMS: frame.timeMS, bodies: bodies).lsn
            if unsynced >= Self.syncedBytes {
                _ = try log.sync()
                unsynced = 0
            }
            return true
        }
        try log.close()
        return taken
    }
}
