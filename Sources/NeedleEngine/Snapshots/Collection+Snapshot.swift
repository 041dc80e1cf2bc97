// Taking a snapshot while writers go on. What it shares are files that never change, so the only thing that has to
// happen at one moment is to end the log file that is being written: everything up to that write then lies in the
// segments of the last checkpoint, their deletions, and sealed log files behind it. Writers wait for that, about as
// long as for a commit; searches do not wait.
//
// Nothing is sealed for a snapshot, so it needs no index and no memory. What it costs is reading: hashes of files
// that have none yet, and the probes.

import NeedleCore
import NeedleStorage
import Synchronization

extension Collection {
    /// Makes a snapshot of the newest state; durable and under its name when it returns. Leaves nothing when it
    /// throws.
    func makeSnapshot(
        in directory: SnapshotDirectory, work: SnapshotWork
    ) throws(DatabaseError) -> SnapshotDescription {
        try work.begin("capturing", total: 0)
        let capture = try maintenance.whenExclusive { () throws(DatabaseError) in
            try self.capture(in: directory)
        }
        do throws(DatabaseError) {
            return try finish(capture, work: work)
        } catch {
            capture.writer.abandon()
            throw error
        }
    }

    /// A moment of the collection whose files are in the snapshot's directory already.
    private struct Capture {
        var writer: SnapshotWriter
        var view: ReadView
        var manifest: Manifest
        var logFiles: [SealedLogFile]
        var createdMS: Int64
    }

    /// Ends the log file and takes part in all files. Nothing may be removed meanwhile: only exclusive work does.
    private func capture(in directory: SnapshotDirectory) throws(DatabaseError) -> Capture {
        guard let manifest = store.currentManifest else {
            preconditionFailure("a collection that is open has a manifest")
        }
        let (view, logFiles) = try writer.withLock {
            (writer) throws(DatabaseError) -> (ReadView, [SealedLogFile]) in
            if let failure = writer.failure { throw failure }
            let files = try writer.log.sealFiles(behind: manifest.checkpointLSN)
            return (self.view(), files)
        }
        try view.set.requireUndamaged()
        let writer = try Self.begin(name, at: view.lsn, in: directory)
        do throws(DatabaseError) {
            try writer.write(manifest.encoded(), as: Manifest.fileName)
            for segment in manifest.segments {
                let beside = [segment.deletions?.file].compactMap { $0 } + segment.overlays
                for file in [segment.file] + beside {
                    try writer.share("\(store.directory)/\(file)", as: file)
                }
            }
            for file in logFiles { try writer.add(file) }
        } catch {
            writer.abandon()
            throw error
        }
        return Capture(
            writer: writer, view: view, manifest: manifest, logFiles: logFiles,
            createdMS: clock.wallMilliseconds())
    }

    /// `<collection>-<LSN>`, and a number behind it if that is taken.
    private static func begin(
        _ collection: String, at lsn: LSN, in directory: SnapshotDirectory
    ) throws(DatabaseError) -> SnapshotWriter {
        let stem = "\(String(decoding: Array(collection.utf8.prefix(150)), as: UTF8.self))-\(lsn)"
        var number = 1
        while true {
            do throws(DatabaseError) {
                return try directory.begin(number == 1 ? stem : "\(stem)-\(number)")
            } catch  where error.kind == .alreadyExists {
                number += 1
            }
        }
    }

    private func finish(_ capture: Capture, work: SnapshotWork) throws(DatabaseError) -> SnapshotDescription {
        let writer = capture.writer
        var files = try describe(capture, work: work)
        let probes = try SnapshotProbes(collection: self, view: capture.view).make(
            seed: options.seed ^ capture.view.lsn.value, work: work)
        let probeFile = ProbeFile(incarnation: store.incarnation, lsn: capture.view.lsn, probes: probes)
        try writer.write(probeFile.encoded(), as: ProbeFile.fileName)
        files.append(try writer.describe(ProbeFile.fileName))
        let manifest = SnapshotManifest(
            collection: name, incarnation: store.incarnation, lsn: capture.view.lsn,
            timeMS: capture.view.now, createdMS: capture.createdMS,
            points: try capture.view.count(context: work.context), files: files)
        try work.context.check()
        let sha256 = try writer.commit(manifest)
        return SnapshotDescription(manifest, name: writer.name, sha256: sha256)
    }

    /// Lengths and hashes of all files; only those are read that were not read before.
    private func describe(_ capture: Capture, work: SnapshotWork) throws(DatabaseError) -> [SnapshotFile] {
        let manifest = capture.manifest
        var files = [try capture.writer.describe(Manifest.fileName)]
        for segment in manifest.segments {
            for file in [segment.deletions?.file].compactMap({ $0 }) + segment.overlays {
                files.append(try capture.writer.describe(file))
            }
        }
        var known = store.hashes.withLock { $0 }
        for segment in manifest.segments { known[segment.file] = segment.sha256 ?? known[segment.file] }
        let names = manifest.segments.map(\.file) + capture.logFiles.map(\.name)
        let sizes = try names.map { (name) throws(DatabaseError) in
            (name: name, bytes: try capture.writer.size(of: name))
        }
        try work.begin(
            "hashing", total: sizes.reduce(0) { $0 + (known[$1.name] == nil ? $1.bytes : 0) })
        for (name, bytes) in sizes {
            if let sha256 = known[name] {
                files.append(SnapshotFile(name: name, bytes: bytes, sha256: sha256))
                continue
            }
            let file = try capture.writer.describe(name) { (count) throws(DatabaseError) in
                try work.advance(count, bytes: count)
            }
            files.append(file)
            known[name] = file.sha256
        }
        // Sealed meanwhile, or used now: what is neither is gone for good.
        store.hashes.withLock { hashes in
            for name in hashes.keys where names.contains(name) { hashes[name] = nil }
            for name in names { hashes[name] = known[name] }
        }
        return files
    }

    // MARK: The log, for a restore that goes on behind a snapshot

    /// Gives the sealed log files behind `lsn` a second name in a directory, so that no checkpoint takes them away.
    func shareLog(behind lsn: LSN, in folder: String) throws(DatabaseError) -> [SealedLogFile] {
        try maintenance.whenExclusive { () throws(DatabaseError) in
            let files = try writer.withLock { (writer) throws(DatabaseError) in
                try writer.log.sealFiles(behind: lsn)
            }
            return try files.map { (file) throws(DatabaseError) in
                let copy = SealedLogFile(firstLSN: file.firstLSN, path: "\(folder)/\(file.name)")
                try store.fileSystem.linkOrCopy(file.path, to: copy.path)
                return copy
            }
        }
    }
}
