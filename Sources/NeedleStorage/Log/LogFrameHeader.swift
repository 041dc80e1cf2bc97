import NeedleCore

/// The 40 bytes before a frame's body.
struct LogFrameHeader: Hashable, Sendable {
    var bodyBytes: Int
    var checksum: UInt32 = 0
    var lsn: LSN
    var timeMS: Int64
    /// How much of the file was known to be durable when this frame was written.
    var durableOffset: Int
    var kind: LogFrameKind
    var isFirst = false
    var isCommit = false
    var epoch: UInt32

    init(
        bodyBytes: Int, lsn: LSN, timeMS: Int64, durableOffset: Int, kind: LogFrameKind,
        isFirst: Bool = false,
        isCommit: Bool = false, epoch: UInt32
    ) {
        self.bodyBytes = bodyBytes
        self.lsn = lsn
        self.timeMS = timeMS
        self.durableOffset = durableOffset
        self.kind = kind
        self.isFirst = isFirst
        self.isCommit = isCommit
        self.epoch = epoch
    }

    /// Header, body and padding.
    var frameBytes: Int { LogFormat.frameHeaderBytes + LogFormat.padded(bodyBytes) }

    private var flags: UInt8 { (isFirst ? 1 : 0) | (isCommit ? 2 : 0) }

    /// Appends the frame as it has to stand at `offset`, and gives its checksum.
    func append(body: RawSpan, to target: inout ByteWriter, offset: Int, salt: UInt64) -> UInt32 {
        precondition(body.byteCount == bodyBytes && offset % LogFormat.alignment == 0, "a frame and its body")
        let start = target.count
        target.append(UInt32(bodyBytes))
        target.append(UInt32(0))
        target.append(lsn.value)
        target.append(timeMS)
        target.append(UInt64(durableOffset))
        target.append(kind.rawValue)
        target.append(flags)
        target.append(UInt16(0))
        target.append(epoch)
        target.append(bytes: body)
        target.append(zeros: LogFormat.padded(bodyBytes) - bodyBytes)
        let checksum = target.bytes.withUnsafeBytes { bytes in
            Self.checksum(
                of: UnsafeRawBufferPointer(rebasing: bytes[start...]).bytes, offset: offset, salt: salt)
        }
        target.patch(checksum, at: start + 4)
        return checksum
    }

    /// The checksum of a whole frame, its own field left out.
    static func checksum(of frame: RawSpan, offset: Int, salt: UInt64) -> UInt32 {
        let place = [salt.littleEndian, UInt64(offset).littleEndian]
        var sum = CRC32C.checksum(place.span.bytes)
        sum = CRC32C.checksum(frame.extracting(0..<4), seed: sum)
        return CRC32C.checksum(frame.extracting(8..<frame.byteCount), seed: sum)
    }

    /// A header that could stand at `offset` with `available` bytes from there on, or `nil`. Says nothing
    /// about the checksum: that needs the whole frame.
    init?(plausibleIn bytes: RawSpan, offset: Int, available: Int) {
        guard bytes.byteCount >= LogFormat.frameHeaderBytes else { return nil }
        func load<Value: FixedWidthInteger & BitwiseCopyable>(_ at: Int, _ type: Value.Type) -> Value {
            // SAFETY: all fields lie in the 40 bytes checked above.
            Value(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: at, as: type))
        }
        bodyBytes = Int(load(0, UInt32.self))
        guard bodyBytes <= LogFormat.maximumBodyBytes, let kind = LogFrameKind(rawValue: load(32, UInt8.self))
        else {
            return nil
        }
        self.kind = kind
        let flags = load(33, UInt8.self)
        guard flags <= 3, load(34, UInt16.self) == 0 else { return nil }
        isFirst = flags & 1 != 0
        isCommit = flags & 2 != 0
        guard let durable = Int(exactly: load(24, UInt64.self)), durable <= offset else { return nil }
        durableOffset = durable
        checksum = load(4, UInt32.self)
        lsn = LSN(load(8, UInt64.self))
        timeMS = load(16, Int64.self)
        epoch = load(36, UInt32.self)
        guard frameBytes <= available else { return nil }
    }
}
