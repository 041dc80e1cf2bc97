// Reading one log file as a whole: where its valid part ends, and whether the rest is a torn tail or
// damage.
//
// At the first frame that does not validate, the tail is *torn* (a crash came before the sync that would
// have made it whole, and nobody was told that it is durable) unless something proves that a sync had
// covered that place:
//   - a later intact frame whose `durable_offset` lies behind it. Each sync leaves such a frame: its own
//     marker, or the
//     next frame, which takes the marker's place;
//   - a later log file: a file is begun only when the one before is durable up to the end that the new
//     header names.
// With proof it is damage, and an error. What a torn tail holds was never acknowledged, so cutting it loses
// nothing.

import NeedleCore

/// What one file holds.
struct LogFileScan: Sendable {
    /// The state after the last complete write.
    var sequence: LogSequence
    /// Where its last complete write (or reservation) ends.
    var end: Int
    /// Whether bytes behind `end` were ignored.
    var isTorn: Bool
    /// Whether the last writer closed the file, and so proved that all of it is durable.
    var isClosed: Bool
    /// Complete writes in it.
    var writes: Int

    /// Reads the newest file, whose end nothing else names; writes behind `limit` count as torn.
    static func newest(
        _ file: any StorageFile, header: LogFileHeader, epoch: UInt32, upTo limit: LSN = .infinity
    ) throws(DatabaseError) -> LogFileScan {
        var cursor = LogCursor(file: file, salt: header.salt, limit: try file.size())
        let (scan, stop) = try walk(&cursor, header: header, epoch: epoch, upTo: limit)
        if stop < cursor.limit, let proof = try cursor.proofOfDurability(of: stop) {
            throw .corruption(
                file: file.path, offset: stop,
                what: "no valid frame, though the frame at \(proof) proves that it was durable")
        }
        return scan
    }

    /// Reads a file that has a successor, which says where it ends.
    static func sealed(
        _ file: any StorageFile, header: LogFileHeader, next: LogFileHeader, epoch: UInt32
    ) throws(DatabaseError) -> LogFileScan {
        let size = try file.size()
        guard next.previousEnd >= LogFormat.headerBytes, next.previousEnd <= size else {
            throw .corruption(
                file: file.path, offset: size,
                what: "its successor says that it has \(next.previousEnd) bytes")
        }
        var cursor = LogCursor(file: file, salt: header.salt, limit: next.previousEnd)
        let (scan, stop) = try walk(&cursor, header: header, epoch: epoch)
        guard stop == next.previousEnd, scan.end == stop else {
            throw .corruption(
                file: file.path, offset: stop, what: "no valid frame, though a later file follows")
        }
        guard scan.sequence.chain == next.previousChain, scan.sequence.lastLSN < next.firstLSN else {
            throw .corruption(file: file.path, offset: stop, what: "not the file that its successor followed")
        }
        return scan
    }

    /// - Returns: the valid part, and where the first frame lies that is not valid (or the end).
    private static func walk(
        _ cursor: inout LogCursor, header: LogFileHeader, epoch: UInt32, upTo limit: LSN = .infinity
    ) throws(DatabaseError) -> (LogFileScan, stop: Int) {
        var sequence = LogSequence(beginning: header, epoch: epoch)
        var scan = LogFileScan(
            sequence: sequence, end: LogFormat.headerBytes, isTorn: false, isClosed: false, writes: 0)
        var offset = LogFormat.headerBytes
        while let frame = try cursor.frame(at: offset), sequence.allows(frame) {
            try cursor.withBody(of: frame, at: offset) { (body) throws(DatabaseError) in
                sequence.take(frame, body: body)
            }
            offset += frame.frameBytes
            switch frame.kind {
            case .marker: continue
            case .close: scan.isClosed = sequence.lastLSN <= limit
            case .data where sequence.openLSN != nil: continue
            case .data where sequence.lastLSN > limit, .reserve where sequence.lastLSN > limit: continue
            case .data, .reserve:
                scan.writes += frame.kind == .data ? 1 : 0
                scan.end = offset
                scan.sequence = sequence
            }
        }
        scan.isTorn =
            offset < cursor.limit || sequence.openLSN != nil || sequence.lastLSN > scan.sequence.lastLSN
        return (scan, offset)
    }
}
