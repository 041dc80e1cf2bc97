package import NeedleCore
import Synchronization

/// Sizes of a local log.
package struct LogOptions: Hashable, Sendable {
    /// A file this long is left for a new one after the next sync.
    package var rollBytes: Int
    /// Appended frames are handed to the system at the latest when this many bytes have gathered.
    package var bufferBytes: Int

    package init(rollBytes: Int = 64 << 20, bufferBytes: Int = 1 << 20) {
        self.rollBytes = rollBytes
        self.bufferBytes = bufferBytes
    }
}

/// What the owner of a log knows from elsewhere (the manifest), below which the log must not go.
package struct LogFloor: Hashable, Sendable {
    /// Everything up to here is in segment files; the log need not have it any more.
    package var checkpoint: LSN
    package var lastTimeMS: Int64

    package init(checkpoint: LSN = .zero, lastTimeMS: Int64 = 0) {
        self.checkpoint = checkpoint
        self.lastTimeMS = lastTimeMS
    }
}

/// The log of one collection in files of its own: `CommitLog` for a single machine.
///
/// Appends are for one thread at a time; `sync`, `tail` and `replay` may be called from others meanwhile,
/// and appends go on during a sync (group commit). After a failed sync every later append, flush and sync
/// throws its `failure` until the log is opened again, which trusts nothing of the file that failed: it
/// copies what is valid into a new one (invariant 7).
package final class LocalLog: CommitLog {
    private let directory: LogDirectory
    private let floor: LogFloor
    private let saltSeed: UInt64
    private let lock = Mutex<Void>(())
    /// Held across a sync. Lock order: this, then `lock`.
    private let syncing = Mutex<Void>(())
    // SAFETY: used only while `lock` is held.
    private nonisolated(unsafe) let appender: LogAppender
    // SAFETY: used only while `lock` is held. Files before the newest one, oldest first.
    private nonisolated(unsafe) var sealed: [LogFileInfo]
    // SAFETY: used only while `lock` is held.
    private nonisolated(unsafe) var reservedThrough: LSN
    // SAFETY: used only while `lock` is held. Where files go before they are removed, if anywhere.
    private nonisolated(unsafe) var archive: LogArchive?
    /// Bytes that opening cut off as a torn tail; they were never acknowledged as durable.
    package let tornBytes: Int

    init(
        directory: LogDirectory, floor: LogFloor, saltSeed: UInt64, appender: LogAppender,
        sealed: [LogFileInfo],
        tornBytes: Int
    ) {
        self.directory = directory
        self.floor = floor
        self.saltSeed = saltSeed
        self.appender = appender
        self.sealed = sealed
        self.tornBytes = tornBytes
        reservedThrough = appender.lsnCeiling
    }

    private func locked<Value>(_ body: () throws(DatabaseError) -> Value) throws(DatabaseError) -> Value {
        var value: Value?
        try lock.withLock { (_) throws(DatabaseError) in value = try body() }
        // swift-format-ignore: NeverForceUnwrap
        return value!
    }

    package var tail: LogTail {
        lock.withLock { _ in
            LogTail(
                lastLSN: max(appender.lastLSN, floor.checkpoint),
                durableLSN: max(appender.durableLSN, floor.checkpoint), nextLSN: appender.burnedLSN.next,
                lastTimeMS: appender.lastTimeMS, reservedThrough: reservedThrough,
                byteCount: sealed.reduce(appender.endOffset) { $0 + $1.end })
        }
    }

    package var failure: DatabaseError? { lock.withLock { _ in appender.poison } }

    // MARK: Writing

    package func append(
        lsn: LSN, timeMS: Int64, epoch: UInt32, frames: (any LogFrameSink) throws(DatabaseError) -> Void
    ) throws(DatabaseError) -> AppendedWrite {
        try locked { () throws(DatabaseError) in
            try appender.append(lsn: lsn, timeMS: timeMS, epoch: epoch, frames: frames)
        }
    }

    package func flush() throws(DatabaseError) {
        try locked { () throws(DatabaseError) in try appender.flush() }
    }

    package func discardUnflushed(from lsn: LSN) throws(DatabaseError) {
        try locked { () throws(DatabaseError) in try appender.discard(from: lsn) }
    }

    package func sync() throws(DatabaseError) -> LSN {
        // One at a time: the system reports a failed sync once, and a second one that began in between
        // would succeed although the pages are lost. Who waits here finds its writes durable, or takes all
        // that gathered at once.
        var lsn = LSN.zero
        try syncing.withLock { (_) throws(DatabaseError) in lsn = try syncAlone() }
        return lsn
    }

    private func syncAlone() throws(DatabaseError) -> LSN {
        let (file, offset, lsn, isDone) = try locked { () throws(DatabaseError) in
            try appender.flush()
            let isDone = appender.durableOffset == appender.flushedOffset
            return (appender.file, appender.flushedOffset, appender.lastLSN, isDone)
        }
        if !isDone {
            // Outside the lock: others append meanwhile.
            do throws(DatabaseError) {
                try file.sync()
            } catch {
                throw lock.withLock { _ in appender.poison(because: error) }
            }
        }
        return try locked { () throws(DatabaseError) in
            if !isDone {
                appender.noteDurable(file, offset: offset, lsn: lsn)
                afterSync()
            }
            return max(lsn, floor.checkpoint)
        }
    }

    /// Leaves the proof of this sync behind, or goes on in a new file. Neither can undo the sync.
    private func afterSync() {
        if appender.shouldRoll {
            roll()
        } else if !appender.hasPending {
            // Without the marker only the telling apart of torn and damaged is weaker until the next sync.
            do { try appender.writeMarker(.marker) } catch {}
        }
    }

    private func roll() {
        do throws(DatabaseError) { try appender.syncMarker() } catch { return }
        let old = LogFileInfo(
            path: directory.filePath(appender.header.firstLSN), header: appender.header,
            end: appender.endOffset, isSynced: true)
        let header = LogFileHeader(
            incarnation: directory.incarnation, firstLSN: appender.lastLSN.next,
            salt: Self.nextSalt(after: old.header.salt, seed: saltSeed),
            previousFirstLSN: old.header.firstLSN,
            previousEnd: old.end, previousChain: appender.chain, lsnCeiling: appender.lsnCeiling,
            lastTimeMS: appender.lastTimeMS)
        var isPlaced = false
        do throws(DatabaseError) {
            let file = try directory.place(header, isPlaced: &isPlaced)
            sealed.append(old)
            appender.roll(to: file, header: header)
        } catch {
            // Before the rename nothing has happened: the old file serves on, and the next sync tries
            // again. After it the new file may be there after a crash and would cut the old one off:
            // nothing more may go there.
            if isPlaced || error.kind != .diskFull { _ = appender.poison(because: error) }
        }
    }

    static func nextSalt(after salt: UInt64, seed: UInt64) -> UInt64 {
        SeededGenerator.mix(salt ^ seed &+ 0x9E37_79B9_7F4A_7C15)
    }

    package func reserveLSNs(through lsn: LSN) throws(DatabaseError) {
        try locked { () throws(DatabaseError) in
            try appender.checkUsable()
            appender.reserve(through: lsn)
        }
        _ = try sync()
        lock.withLock { _ in reservedThrough = max(reservedThrough, lsn) }
    }

    package func close() throws(DatabaseError) {
        let isUsable = lock.withLock { _ in appender.poison == nil }
        defer {
            lock.withLock { _ in
                _ = appender.poison(because: DatabaseError(.storageFailed, "closed"))
                appender.file.close()
            }
        }
        guard isUsable else { return }
        _ = try sync()
        try locked { () throws(DatabaseError) in
            // The next life takes a closed file for durable as it is.
            if appender.isCut { try appender.syncMarker() }
            try appender.writeMarker(.close)
        }
    }

    // MARK: Reading and trimming

    /// All files, the newest as far as it was written.
    private var files: [LogFileInfo] {
        lock.withLock { _ in
            let newest = LogFileInfo(
                path: directory.filePath(appender.header.firstLSN), header: appender.header,
                end: appender.flushedOffset)
            return sealed + [newest]
        }
    }

    package func replay(
        from lsn: LSN, _ visit: (LogFrame, RawSpan) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        let files = files
        for (index, info) in files.enumerated() {
            if index + 1 < files.count, files[index + 1].header.firstLSN <= lsn { continue }
            let file = try directory.fileSystem.openForReading(info.path)
            defer { file.close() }
            try Self.replay(file, info, from: lsn, visit)
        }
    }

    private static func replay(
        _ file: any StorageFile, _ info: LogFileInfo, from lsn: LSN,
        _ visit: (LogFrame, RawSpan) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        var cursor = LogCursor(file: file, salt: info.header.salt, limit: info.end)
        var offset = LogFormat.headerBytes
        while offset < info.end {
            guard let frame = try cursor.frame(at: offset) else {
                throw .corruption(
                    file: file.path, offset: offset, what: "a frame that was valid is not any more")
            }
            if frame.kind == .data, frame.lsn >= lsn {
                let lent = LogFrame(
                    lsn: frame.lsn, timeMS: frame.timeMS, epoch: frame.epoch, isFirst: frame.isFirst,
                    isCommit: frame.isCommit)
                try cursor.withBody(of: frame, at: offset) { (body) throws(DatabaseError) in
                    try visit(lent, body)
                }
            }
            offset += frame.frameBytes
        }
    }

    package func scrubFile(behind lsn: LSN) throws(DatabaseError) -> ScrubbedLogFile? {
        // What a failed sync has left of a file is told by opening the log anew.
        guard failure == nil, let info = files.first(where: { $0.header.firstLSN > lsn }) else { return nil }
        var scrubbed = ScrubbedLogFile(firstLSN: info.header.firstLSN, byteCount: info.end)
        do throws(DatabaseError) {
            let file = try directory.fileSystem.openForReading(info.path)
            defer { file.close() }
            guard try directory.readHeader(file, firstLSN: info.header.firstLSN) == info.header else {
                throw .corruption(file: info.path, offset: 0, what: "not the header that was written")
            }
            // From a write on that no file has: everything is checked, nothing is visited.
            try Self.replay(file, info, from: .infinity) { (_, _) throws(DatabaseError) in }
        } catch {
            guard error.kind == .corruption || error.kind == .notFound else { throw error }
            scrubbed.damage = error
        }
        return scrubbed
    }

    package func leaveNewestFile() throws(DatabaseError) {
        _ = try sync()
        syncing.withLock { _ in
            lock.withLock { _ in
                if canRoll { roll() } else { replaceEmptyFile() }
            }
        }
        if let failure { throw failure }
    }

    /// The same for a newest file without writes: another one of its name takes its place. Under both locks.
    private func replaceEmptyFile() {
        let isDurable = !appender.hasPending && appender.durableOffset == appender.flushedOffset
        guard appender.poison == nil, isDurable, appender.lastLSN < appender.header.firstLSN else { return }
        var header = appender.header
        header.salt = Self.nextSalt(after: header.salt, seed: saltSeed)
        header.lsnCeiling = appender.lsnCeiling
        header.lastTimeMS = appender.lastTimeMS
        var isPlaced = false
        do throws(DatabaseError) {
            appender.roll(to: try directory.place(header, isPlaced: &isPlaced), header: header)
        } catch {
            if isPlaced { _ = appender.poison(because: error) }
        }
    }

    /// From now on files are kept in an archive before a trim removes them.
    package func archive(to archive: LogArchive?) {
        lock.withLock { _ in self.archive = archive }
    }

    package func sealFiles(behind lsn: LSN) throws(DatabaseError) -> [SealedLogFile] {
        _ = try sync()
        syncing.withLock { _ in
            lock.withLock { _ in
                if canRoll { roll() }
            }
        }
        return try locked { () throws(DatabaseError) in
            try appender.checkUsable()
            let newest = appender.header.firstLSN
            guard newest > appender.lastLSN else {
                throw DatabaseError(.diskFull, "no space to begin another log file in \(directory.path)")
            }
            // Opening reads only what is needed. A trim that was cut short may have left older files, which nobody
            // has kept elsewhere yet.
            let known = sealed.map { (first: $0.header.firstLSN, isSynced: $0.isSynced) }
            let older = try directory.firstLSNs().filter { $0 < known.first?.first ?? newest }
            let files = older.map { (first: $0, isSynced: false) } + known
            let ends = files.dropFirst().map(\.first) + [newest]
            return zip(files, ends).filter { $0.1 > lsn.next }.map { file, _ in
                SealedLogFile(
                    firstLSN: file.first, path: directory.filePath(file.first), isSynced: file.isSynced)
            }
        }
    }

    /// Whether the newest file holds writes, all of which are durable. Under both locks.
    private var canRoll: Bool {
        let hasWrites = appender.header.firstLSN <= appender.lastLSN
        let isDurable = !appender.hasPending && appender.durableOffset == appender.flushedOffset
        return appender.poison == nil && hasWrites && isDurable
    }

    /// Removes files; with an archive, each only once it is kept there.
    package func trim(upTo lsn: LSN) throws(DatabaseError) {
        rollIfUnneeded(upTo: lsn)
        let archive = lock.withLock { _ in self.archive }
        let newestNeeded = lock.withLock { _ in
            let firsts = sealed.map(\.header.firstLSN) + [appender.header.firstLSN]
            return firsts.last { $0.value - 1 <= lsn.value } ?? .zero
        }
        var isChanged = false
        for first in try directory.firstLSNs() where first < newestNeeded {
            let file = SealedLogFile(firstLSN: first, path: directory.filePath(first))
            try archive?.keep(file, of: directory.incarnation)
            try directory.fileSystem.unlinkIfPresent(directory.filePath(first))
            isChanged = true
        }
        guard isChanged else { return }
        lock.withLock { _ in sealed.removeAll { $0.header.firstLSN < newestNeeded } }
        try directory.fileSystem.syncDirectory(directory.path)
    }

    /// When nothing in the newest file is needed either, goes on in a new one, so that it can be dropped too.
    private func rollIfUnneeded(upTo lsn: LSN) {
        syncing.withLock { _ in
            lock.withLock { _ in
                if canRoll, appender.lastLSN <= lsn { roll() }
            }
        }
    }
}
