// The writing end of the newest log file: a buffer, where it belongs in the file, and what is known about
// both.
//
// Invariants: 1. The file's bytes [0, flushedOffset) are valid frames; the buffer holds the frames that
// follow them. 2. durableOffset <= flushedOffset, and it lies between two writes, never inside one. 3.
// Frames are taken back only behind durableOffset, and never once a sync may have covered them.
//
// Why writing again at the same offset after a failed append is safe. Only `disk_full` leads there; any
// other error poisons. Bytes of the write that was taken back may remain in the file behind the new end, or
// come back after a crash even though the file was cut. Each of its frames carries an LSN that was burned,
// so it is less than that of every write appended since; the rules of LogSequence refuse such a frame
// behind a newer one, and before a newer one it stands at the place that the newer one took. A frame that
// is part of both does not validate. What such bytes say about durability is what was true when they were
// written, so they prove nothing that is not so.

import NeedleCore

/// Not thread safe: LocalLog lends it to one thread at a time.
final class LogAppender: LogFrameSink {
    /// A write in the buffer, so that it can be taken back.
    private struct Mark {
        var lsn: LSN
        var offset: Int
        var chain: UInt32
        var lastLSN: LSN
        var lastTimeMS: Int64
    }

    let options: LogOptions
    private(set) var file: any StorageFile
    private(set) var header: LogFileHeader
    private(set) var flushedOffset: Int
    private(set) var durableOffset: Int
    /// How far frames may have been written, also by flushes that failed.
    private var touchedOffset: Int
    private var buffer = ByteWriter()
    private var marks: [Mark] = []
    private(set) var chain: UInt32
    private(set) var lastLSN: LSN
    private(set) var lastTimeMS: Int64
    private(set) var durableLSN: LSN
    /// No LSN up to here is given again.
    private(set) var burnedLSN: LSN
    private(set) var lsnCeiling: LSN
    private(set) var epoch: UInt32
    /// Why nothing can be written any more.
    private(set) var poison: DatabaseError?

    /// The write that is being appended, and its frame that waits to know whether it is the last.
    private var open: (lsn: LSN, timeMS: Int64, frames: Int)?
    private var waiting: [UInt8] = []

    /// Goes on behind the valid part of a file that is wholly durable.
    init(
        file: any StorageFile, header: LogFileHeader, scan: LogFileScan, floor: LogFloor, options: LogOptions
    ) {
        self.options = options
        self.file = file
        self.header = header
        flushedOffset = scan.end
        durableOffset = scan.end
        touchedOffset = scan.end
        chain = scan.sequence.chain
        lastLSN = scan.sequence.lastLSN
        lastTimeMS = max(scan.sequence.lastTimeMS, floor.lastTimeMS)
        durableLSN = scan.sequence.lastLSN
        lsnCeiling = scan.sequence.lsnCeiling
        burnedLSN = max(max(lastLSN, lsnCeiling), floor.checkpoint)
        epoch = scan.sequence.epoch
    }

    /// Where the next frame goes.
    var endOffset: Int { flushedOffset + buffer.count }
    var hasPending: Bool { buffer.count > 0 }
    var shouldRoll: Bool {
        endOffset >= options.rollBytes && durableOffset == endOffset && lastLSN >= header.firstLSN
    }

    func checkUsable() throws(DatabaseError) {
        if let poison { throw poison }
    }

    /// After this nothing is written any more: what the file holds can only be told by reading it after a
    /// reopening.
    func poison(because error: DatabaseError) -> DatabaseError {
        let reason = DatabaseError(
            error.kind == .diskFull ? .diskFull : .storageFailed,
            "the log failed and takes no more writes until it is reopened: \(error.message)", at: file.path)
        if poison == nil { poison = reason }
        return poison ?? reason
    }

    // MARK: Appending

    func append(
        lsn: LSN, timeMS: Int64, epoch: UInt32, frames: (any LogFrameSink) throws(DatabaseError) -> Void
    ) throws(DatabaseError) -> AppendedWrite {
        try checkUsable()
        precondition(lsn > burnedLSN && lsn < .infinity, "LSNs rise, also over writes that were taken back")
        precondition(open == nil, "one write after the other")
        guard epoch >= self.epoch else {
            throw DatabaseError(
                .conflict, "another owner has taken the log over", expected: String(self.epoch),
                got: String(epoch))
        }
        let mark = Mark(lsn: lsn, offset: endOffset, chain: chain, lastLSN: lastLSN, lastTimeMS: lastTimeMS)
        let time = max(timeMS, lastTimeMS)
        burnedLSN = lsn
        self.epoch = epoch
        open = (lsn, time, 0)
        do throws(DatabaseError) {
            try frames(self)
            try emitWaiting(isCommit: true)
        } catch {
            open = nil
            try takeBack(to: mark)
            throw error
        }
        open = nil
        marks.append(mark)
        lastLSN = lsn
        lastTimeMS = time
        return AppendedWrite(lsn: lsn, timeMS: time)
    }

    func add(_ body: RawSpan) throws(DatabaseError) {
        precondition(open != nil, "frames are added inside append")
        guard body.byteCount <= LogFormat.maximumBodyBytes else {
            throw DatabaseError(
                .limitExceeded, "a log frame of \(body.byteCount) bytes",
                expected: String(LogFormat.maximumBodyBytes))
        }
        if open?.frames != 0 { try emitWaiting(isCommit: false) }
        open?.frames += 1
        waiting.removeAll(keepingCapacity: true)
        body.withUnsafeBytes { waiting.append(contentsOf: $0) }
    }

    private func emitWaiting(isCommit: Bool) throws(DatabaseError) {
        guard let open else { return }
        precondition(open.frames > 0, "a write has at least one frame")
        let header = LogFrameHeader(
            bodyBytes: waiting.count, lsn: open.lsn, timeMS: open.timeMS, durableOffset: durableOffset,
            kind: .data,
            isFirst: isFirstFrame, isCommit: isCommit, epoch: epoch)
        isFirstFrame = isCommit
        emit(header, body: waiting.span.bytes)
        if buffer.count >= options.bufferBytes { try flush() }
    }

    private var isFirstFrame = true

    private func emit(_ frame: LogFrameHeader, body: RawSpan) {
        let checksum = frame.append(body: body, to: &buffer, offset: endOffset, salt: header.salt)
        chain = LogSequence.chained(chain, checksum)
    }

    /// Forgets everything from a write on.
    private func takeBack(to mark: Mark) throws(DatabaseError) {
        isFirstFrame = true
        marks.removeAll { $0.offset >= mark.offset }
        chain = mark.chain
        lastLSN = mark.lastLSN
        lastTimeMS = mark.lastTimeMS
        if mark.offset >= flushedOffset {
            buffer.bytes.removeLast(endOffset - mark.offset)
        } else {
            precondition(mark.offset >= durableOffset, "what is durable is never taken back")
            buffer.bytes.removeAll()
            flushedOffset = mark.offset
        }
        guard poison == nil else { return }
        // A failed flush may have left some of it in the file. Cutting the file is for kill -9: without it,
        // a write that was refused could be found again. (For power loss see the head of this file.)
        do throws(DatabaseError) {
            if touchedOffset > flushedOffset {
                isCut = true
                try file.truncate(to: flushedOffset)
            }
            touchedOffset = flushedOffset
        } catch {
            throw poison(because: error)
        }
    }

    func discard(from lsn: LSN) throws(DatabaseError) {
        try checkUsable()
        guard let mark = marks.first(where: { $0.lsn >= lsn }) else { return }
        try takeBack(to: mark)
    }

    // MARK: Reservation and markers

    func reserve(through lsn: LSN) {
        var body = ByteWriter()
        body.append(lsn.value)
        emit(frame(.reserve, bodyBytes: 8), body: body.bytes.span.bytes)
        lsnCeiling = max(lsnCeiling, lsn)
    }

    private func frame(_ kind: LogFrameKind, bodyBytes: Int) -> LogFrameHeader {
        LogFrameHeader(
            bodyBytes: bodyBytes, lsn: lastLSN, timeMS: lastTimeMS, durableOffset: durableOffset, kind: kind,
            epoch: epoch)
    }

    /// Puts a marker behind the end, where the next frame will overwrite it.
    func writeMarker(_ kind: LogFrameKind) throws(DatabaseError) {
        precondition(buffer.count == 0, "a marker follows everything else")
        var bytes = ByteWriter()
        _ = frame(kind, bodyBytes: 0).append(
            body: [UInt8]().span.bytes, to: &bytes, offset: flushedOffset, salt: header.salt)
        hasUnsyncedMarker = true
        try file.write(bytes.bytes, at: flushedOffset)
    }

    // MARK: Towards the disk

    /// Writes the buffer to the file. After `disk_full` it is still there, to be written again at the same
    /// place.
    func flush() throws(DatabaseError) {
        try checkUsable()
        guard buffer.count > 0 else { return }
        touchedOffset = endOffset
        do throws(DatabaseError) {
            try file.write(buffer.bytes, at: flushedOffset)
        } catch {
            throw error.kind == .diskFull ? error : poison(because: error)
        }
        flushedOffset += buffer.count
        buffer.bytes.removeAll(keepingCapacity: buffer.count <= 2 * options.bufferBytes)
        marks.removeAll(keepingCapacity: true)
    }

    /// A marker was written since the last sync. Nobody waits for it, but a file that others share must not lose it.
    private(set) var hasUnsyncedMarker = false
    /// The file was cut since the last sync: a power cut would bring back what was taken back, behind its end.
    private(set) var isCut = false

    /// Makes the last marker, and the end as it is, durable.
    func syncMarker() throws(DatabaseError) {
        guard hasUnsyncedMarker || isCut else { return }
        do throws(DatabaseError) { try file.sync() } catch { throw poison(because: error) }
        hasUnsyncedMarker = false
        isCut = false
    }

    /// Notes that a sync of `synced` has covered its first `offset` bytes and all writes up to `lsn`.
    func noteDurable(_ synced: any StorageFile, offset: Int, lsn: LSN) {
        durableLSN = max(durableLSN, lsn)
        guard synced === file else { return }
        durableOffset = max(durableOffset, offset)
        hasUnsyncedMarker = false
        isCut = false
    }

    /// Goes on in another file, which is empty and durable.
    func roll(to next: any StorageFile, header: LogFileHeader) {
        precondition(durableOffset == endOffset, "a file is left only when all of it is durable")
        file = next
        self.header = header
        flushedOffset = LogFormat.headerBytes
        durableOffset = LogFormat.headerBytes
        touchedOffset = LogFormat.headerBytes
        hasUnsyncedMarker = false
        isCut = false
        chain = 0
    }
}
