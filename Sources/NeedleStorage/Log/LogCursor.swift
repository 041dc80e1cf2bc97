import NeedleCore

/// Walks through the frames of one log file, checking each by itself.
///
/// Reads through a window of its own, so that memory stays small whatever the file's size; a frame larger
/// than the window makes it grow to that frame. Not thread safe.
struct LogCursor: ~Copyable {
    let file: any StorageFile
    let salt: UInt64
    /// Frames are read only up to here.
    let limit: Int
    private var window: [UInt8] = []
    private var windowStart = 0

    private static let windowBytes = 1 << 18

    init(file: any StorageFile, salt: UInt64, limit: Int) {
        self.file = file
        self.salt = salt
        self.limit = limit
    }

    /// The frame at `offset` if it is intact, else `nil`. Its body can then be had by `body(of:at:)`.
    mutating func frame(at offset: Int) throws(DatabaseError) -> LogFrameHeader? {
        guard let header = try plausibleHeader(at: offset) else { return nil }
        try load(offset, header.frameBytes)
        let start = offset - windowStart
        let bytes = window.span.bytes.extracting(start..<(start + header.frameBytes))
        let sum = LogFrameHeader.checksum(of: bytes, offset: offset, salt: salt)
        return sum == header.checksum ? header : nil
    }

    /// Lends the body of the frame that `frame(at:)` just gave.
    func withBody<Result: ~Copyable>(
        of header: LogFrameHeader, at offset: Int, _ body: (RawSpan) throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        let start = offset - windowStart + LogFormat.frameHeaderBytes
        precondition(start >= 0 && start + header.bodyBytes <= window.count, "the frame was just read")
        return try body(window.span.bytes.extracting(start..<(start + header.bodyBytes)))
    }

    /// Looks for proof that a sync had covered `offset`: an intact frame behind it that says so.
    ///
    /// - Returns: where that frame lies.
    mutating func proofOfDurability(of offset: Int) throws(DatabaseError) -> Int? {
        var candidate = offset / LogFormat.alignment * LogFormat.alignment + LogFormat.alignment
        while candidate + LogFormat.frameHeaderBytes <= limit {
            if let header = try plausibleHeader(at: candidate), header.durableOffset > offset,
                try frame(at: candidate) != nil
            {
                return candidate
            }
            candidate += LogFormat.alignment
        }
        return nil
    }

    private mutating func plausibleHeader(at offset: Int) throws(DatabaseError) -> LogFrameHeader? {
        guard offset + LogFormat.frameHeaderBytes <= limit else { return nil }
        try load(offset, LogFormat.frameHeaderBytes)
        let start = offset - windowStart
        let bytes = window.span.bytes.extracting(start..<(start + LogFormat.frameHeaderBytes))
        return LogFrameHeader(plausibleIn: bytes, offset: offset, available: limit - offset)
    }

    private mutating func load(_ offset: Int, _ count: Int) throws(DatabaseError) {
        if offset >= windowStart, offset + count <= windowStart + window.count { return }
        let wanted = min(max(count, Self.windowBytes), limit - offset)
        window = try file.readExactly(wanted, at: offset)
        windowStart = offset
    }
}
