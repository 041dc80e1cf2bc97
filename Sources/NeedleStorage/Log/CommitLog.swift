package import NeedleCore

/// Where a log stands.
package struct LogTail: Hashable, Sendable {
    /// The newest write appended; found or taken over when nothing was appended yet.
    package var lastLSN: LSN
    /// The newest write known to survive power loss.
    package var durableLSN: LSN
    /// The least LSN that may be given next: never one that was answered or attempted before, also across a
    /// crash.
    package var nextLSN: LSN
    /// Time of the newest write, in milliseconds since 1970. Later writes are never given an earlier one.
    package var lastTimeMS: Int64
    /// LSNs up to here may be answered without their writes being durable (`reserveLSNs`).
    package var reservedThrough: LSN
    /// Bytes of log that a recovery from the last trim would read.
    package var byteCount: Int
}

/// What the log made of a write.
package struct AppendedWrite: Hashable, Sendable {
    package var lsn: LSN
    package var timeMS: Int64

    package init(lsn: LSN, timeMS: Int64) {
        self.lsn = lsn
        self.timeMS = timeMS
    }
}

/// One frame of a committed write, as a reader gets it.
package struct LogFrame: Hashable, Sendable {
    package var lsn: LSN
    package var timeMS: Int64
    package var epoch: UInt32
    /// Whether it begins its write, and whether it ends it. A write of one frame does both.
    package var isFirst: Bool
    package var isCommit: Bool

    package init(lsn: LSN, timeMS: Int64, epoch: UInt32, isFirst: Bool, isCommit: Bool) {
        self.lsn = lsn
        self.timeMS = timeMS
        self.epoch = epoch
        self.isFirst = isFirst
        self.isCommit = isCommit
    }
}

/// Takes the frames of one write.
package protocol LogFrameSink {
    /// Adds a frame. Bodies are opaque to the log; about 1 MiB each is a good size, 128 MiB the most.
    func add(_ body: RawSpan) throws(DatabaseError)
}

/// The ordered, durable record of a collection's writes.
///
/// The engine knows its log only through this, so that a shared log (PostgreSQL, an object store) can take
/// the place of local files. One writer appends; syncs and reads may come from other threads.
///
/// The rules that every implementation keeps:
/// - a write consists of one or more frames and counts only when its last one is there: batches are atomic;
/// - LSNs rise from write to write, gaps are legal, and time never goes backwards;
/// - `sync` returns only when everything appended before is durable; a failed one poisons the log for good;
/// - damage that is not a torn tail is `corruption`, never skipped.
package protocol CommitLog: AnyObject, Sendable {
    var tail: LogTail { get }

    /// Why it takes nothing more until it is opened again; `nil` while it works.
    var failure: DatabaseError? { get }

    /// Appends one write. It is neither durable nor handed to the system before `flush` or `sync`.
    ///
    /// - Parameters:
    ///   - lsn: at least `tail.nextLSN`. A shared log may draw a greater one; apply the write at the LSN
    ///     returned.
    ///   - timeMS: raised to the time of the write before, if it is earlier.
    ///   - epoch: the owner's fencing token; `conflict` when a greater one has appended already.
    ///   - frames: adds at least one frame, calling nothing else of this log. What it throws is passed on.
    /// - Throws: `disk_full`: this write is gone, its LSN burned, all earlier ones stand, and the log goes
    ///   on once there is space. `storage_failed`: the log is poisoned.
    func append(
        lsn: LSN, timeMS: Int64, epoch: UInt32, frames: (any LogFrameSink) throws(DatabaseError) -> Void
    ) throws(DatabaseError) -> AppendedWrite

    /// Hands everything appended to the operating system: it then survives the end of the process.
    func flush() throws(DatabaseError)

    /// Makes everything appended before durable. Concurrent appends go on meanwhile.
    ///
    /// - Returns: the newest write that is durable now.
    /// - Throws: `disk_full` when buffered writes did not fit: they are still pending, and the caller
    ///   either tries again or takes them back with `discardUnflushed`. Whatever the kind, when `failure` is
    ///   set afterwards, the log is poisoned.
    func sync() throws(DatabaseError) -> LSN

    /// Takes back the writes from `lsn` on that a failed flush left pending. Their LSNs stay burned.
    func discardUnflushed(from lsn: LSN) throws(DatabaseError)

    /// Durably promises that LSNs through `lsn` may be answered before their writes are durable: after a
    /// crash the log goes on behind them. For durability `os` and `memory`; reserve in large steps.
    func reserveLSNs(through lsn: LSN) throws(DatabaseError)

    /// Reads the committed writes from `lsn` on that were flushed when it was called, frame by frame, in
    /// order.
    func replay(from lsn: LSN, _ visit: (LogFrame, RawSpan) throws(DatabaseError) -> Void)
        throws(DatabaseError)

    /// Drops what holds only writes up to `lsn`; the caller has them in files that are durable and named.
    func trim(upTo lsn: LSN) throws(DatabaseError)

    /// Syncs, and ends the newest file, so that all writes lie in files that never change.
    ///
    /// Call it while nothing is appended.
    ///
    /// - Returns: the files that hold writes behind `lsn`, oldest first. A trim may remove their names.
    /// - Throws: like `sync`; `disk_full` also when no new file could be begun.
    func sealFiles(behind lsn: LSN) throws(DatabaseError) -> [SealedLogFile]

    /// Reads one file again and checks that it still says what it said: for scrub. Call it while nothing is trimmed.
    ///
    /// - Parameter lsn: the oldest file that begins behind it is read.
    /// - Returns: `nil` when there is none, or when the log has failed.
    /// - Throws: why the disk could not be asked, which says nothing about the file.
    func scrubFile(behind lsn: LSN) throws(DatabaseError) -> ScrubbedLogFile?

    /// Syncs, and goes on in a new file, so that the newest one, which is damaged, is needed no longer than its writes.
    /// Call it while nothing is appended.
    func leaveNewestFile() throws(DatabaseError)

    /// Syncs, marks the log as cleanly closed, and frees it. A poisoned log is only freed.
    func close() throws(DatabaseError)
}

/// A log file that was read again.
package struct ScrubbedLogFile: Sendable {
    package var firstLSN: LSN
    package var byteCount: Int
    package var damage: DatabaseError?
}

/// A log file that never changes again.
package struct SealedLogFile: Hashable, Sendable {
    /// Every write in it has at least this LSN.
    package var firstLSN: LSN
    package var path: String
    /// Whether every byte of it is known to be durable. Of a file of an earlier process only its writes are.
    package var isSynced: Bool

    package init(firstLSN: LSN, path: String, isSynced: Bool = false) {
        self.firstLSN = firstLSN
        self.path = path
        self.isSynced = isSynced
    }

    /// `<first LSN, 20 digits>.log`
    package var name: String { LogFormat.fileName(firstLSN: firstLSN) }

    /// The file of this name in a directory, if it is the name of a log file.
    package init?(name: String, directory: String) {
        guard let first = LogFormat.firstLSN(ofFileName: name) else { return nil }
        self.init(firstLSN: first, path: "\(directory)/\(name)")
    }
}

extension CommitLog {
    /// Appends a write whose frames are at hand.
    package func append(
        lsn: LSN, timeMS: Int64, epoch: UInt32 = 0, bodies: [[UInt8]]
    ) throws(DatabaseError) -> AppendedWrite {
        try append(lsn: lsn, timeMS: timeMS, epoch: epoch) { (sink) throws(DatabaseError) in
            for body in bodies { try sink.add(body.span.bytes) }
        }
    }
}
