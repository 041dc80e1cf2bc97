import NeedleCore

/// The rules between frames: what may follow what.
///
/// A frame that breaks them is treated like one whose checksum is wrong. The writer burns the LSN of a
/// write that it took back, so whatever such a write left behind the end breaks the first rule.
struct LogSequence: Sendable {
    /// The newest complete write.
    private(set) var lastLSN: LSN
    private(set) var lastTimeMS: Int64
    private(set) var lsnCeiling: LSN
    private(set) var epoch: UInt32
    /// Whether the last frame was a marker; nothing may follow it, since the next frame takes its place.
    private(set) var isEnded = false
    /// The write whose commit frame has not come yet.
    private(set) var openLSN: LSN?
    /// The checksums of all frames except markers, chained.
    private(set) var chain: UInt32 = 0

    init(lastLSN: LSN, lastTimeMS: Int64, lsnCeiling: LSN, epoch: UInt32) {
        self.lastLSN = lastLSN
        self.lastTimeMS = lastTimeMS
        self.lsnCeiling = lsnCeiling
        self.epoch = epoch
    }

    /// The state at the beginning of a file.
    init(beginning header: LogFileHeader, epoch: UInt32) {
        self.init(
            lastLSN: LSN(header.firstLSN.value - 1), lastTimeMS: header.lastTimeMS,
            lsnCeiling: header.lsnCeiling,
            epoch: epoch)
    }

    /// Whether a frame may come next.
    func allows(_ frame: LogFrameHeader) -> Bool {
        guard !isEnded, frame.timeMS >= lastTimeMS, frame.epoch >= epoch else { return false }
        switch frame.kind {
        case .data:
            if let openLSN { return frame.lsn == openLSN && !frame.isFirst }
            return frame.lsn > lastLSN && frame.lsn < .infinity && frame.isFirst
        case .reserve: return openLSN == nil && frame.lsn == lastLSN && frame.bodyBytes == 8
        case .marker, .close: return openLSN == nil && frame.lsn == lastLSN && frame.bodyBytes == 0
        }
    }

    /// Takes a frame that is allowed.
    mutating func take(_ frame: LogFrameHeader, body: RawSpan) {
        assert(allows(frame), "frames are checked before they are taken")
        switch frame.kind {
        case .data:
            lastTimeMS = frame.timeMS
            epoch = frame.epoch
            openLSN = frame.isCommit ? nil : frame.lsn
            if frame.isCommit { lastLSN = frame.lsn }
        case .reserve:
            // SAFETY: `allows` demands eight bytes.
            let ceiling = UInt64(littleEndian: body.unsafeLoadUnaligned(as: UInt64.self))
            lsnCeiling = max(lsnCeiling, LSN(ceiling))
        case .marker, .close:
            isEnded = true
            return
        }
        chain = Self.chained(chain, frame.checksum)
    }

    /// One more link of the chain.
    static func chained(_ chain: UInt32, _ checksum: UInt32) -> UInt32 {
        CRC32C.checksum([checksum.littleEndian].span.bytes, seed: chain)
    }
}
