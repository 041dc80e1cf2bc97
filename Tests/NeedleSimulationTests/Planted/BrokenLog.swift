import NeedleCore
import NeedleStorage
import Synchronization

/// A log that breaks one promise of `CommitLog`.
final class BrokenLog: CommitLog {
    /// Which write each log took last: what a torn tail would still show a part of.
    final class Memory: Sendable {
        struct Write: Sendable {
            var frame: LogFrame
            var lastBody: [UInt8]
        }

        let last = Mutex<[String: Write]>([:])
    }

    private let inner: any CommitLog
    private let bug: PlantedBug
    private let directory: String
    private let memory: Memory
    private let pretended = Mutex(LSN.zero)

    init(_ inner: any CommitLog, _ bug: PlantedBug, directory: String, memory: Memory) {
        self.inner = inner
        self.bug = bug
        self.directory = directory
        self.memory = memory
    }

    var tail: LogTail {
        var tail = inner.tail
        tail.reservedThrough = max(tail.reservedThrough, pretended.withLock { $0 })
        return tail
    }

    var failure: DatabaseError? { inner.failure }

    func append(
        lsn: LSN, timeMS: Int64, epoch: UInt32, frames: (any LogFrameSink) throws(DatabaseError) -> Void
    ) throws(DatabaseError) -> AppendedWrite {
        let listener = Listener()
        let appended = try inner.append(lsn: lsn, timeMS: timeMS, epoch: epoch) {
            (sink) throws(DatabaseError) in
            listener.sink = sink
            try frames(listener)
            listener.sink = nil
        }
        let frame = LogFrame(
            lsn: appended.lsn, timeMS: appended.timeMS, epoch: epoch, isFirst: true, isCommit: true)
        memory.last.withLock { $0[directory] = Memory.Write(frame: frame, lastBody: listener.lastBody) }
        return appended
    }

    private final class Listener: LogFrameSink {
        var sink: (any LogFrameSink)?
        var lastBody: [UInt8] = []

        func add(_ body: RawSpan) throws(DatabaseError) {
            lastBody = body.withUnsafeBytes { Array($0) }
            try sink?.add(body)
        }
    }

    func flush() throws(DatabaseError) { try inner.flush() }

    func sync() throws(DatabaseError) -> LSN { try inner.sync() }

    func discardUnflushed(from lsn: LSN) throws(DatabaseError) { try inner.discardUnflushed(from: lsn) }

    func reserveLSNs(through lsn: LSN) throws(DatabaseError) {
        if bug == .lsnReusedAfterCrash { return pretended.withLock { $0 = lsn } }
        try inner.reserveLSNs(through: lsn)
    }

    func replay(
        from lsn: LSN, _ visit: (LogFrame, RawSpan) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        try inner.replay(from: lsn, visit)
        // Of a write that is not whole the last frame is there, and it is taken for the whole.
        guard bug == .tornTailAccepted, let torn = memory.last.withLock({ $0[directory] }),
            torn.frame.lsn > inner.tail.lastLSN
        else { return }
        try visit(torn.frame, torn.lastBody.span.bytes)
    }

    func trim(upTo lsn: LSN) throws(DatabaseError) {
        try inner.trim(upTo: bug == .logTrimmedTooEarly ? inner.tail.lastLSN : lsn)
    }

    func sealFiles(behind lsn: LSN) throws(DatabaseError) -> [SealedLogFile] {
        try inner.sealFiles(behind: lsn)
    }

    func scrubFile(behind lsn: LSN) throws(DatabaseError) -> ScrubbedLogFile? {
        try inner.scrubFile(behind: lsn)
    }

    func leaveNewestFile() throws(DatabaseError) { try inner.leaveNewestFile() }

    func close() throws(DatabaseError) { try inner.close() }
}
