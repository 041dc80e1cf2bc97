// From a stream of bytes to lines: a pure state machine that the server drives with whatever the socket
// gives.
//
// Invariants:
// - between calls, of a line that has not ended never more than the limit (and one `\r`) is kept; the rest is
//   skipped;
// - every byte is looked at a bounded number of times, however small the pieces are it comes in;
// - events come in the order of the bytes.

/// Splits a byte stream into the protocol's lines.
///
/// Lines end with `\n`; a `\r` before it belongs to the newline, and neither counts against the limit. Lines
/// of nothing but JSON's white space are swallowed (one that is over the limit is answered like any other). A
/// last line without newline never comes out: the protocol drops it.
///
/// ```swift
/// framer.feed(piece)
/// while session.mayTakeMore, let event = framer.next() { … }
/// ```
package struct LineFramer: Sendable {
    package enum Event: Hashable, Sendable {
        /// A whole line without its newline, of at most `limit` bytes, not only white space.
        case line([UInt8])
        /// A line was longer than the limit and has been skipped up to its newline.
        case lineTooLong
        /// The first line is an HTTP request: close the connection. Nothing comes after this.
        case close
    }

    /// Bytes a line may have.
    package private(set) var limit: Int

    private enum Phase {
        /// Too few bytes to tell whether the first line is HTTP.
        case beginning
        case lines
        /// Inside a line that is over the limit.
        case skipping
        /// HTTP was seen; `close` has not been handed out.
        case closing
        case closed
    }

    private var phase = Phase.beginning
    /// What has arrived and was not handed out: `[head, ends)` whole lines, `[ends, count)` the start of the
    /// next.
    private var buffer: [UInt8] = []
    private var head = 0
    private var ends = 0
    /// Places in the buffer, at most `ends`, where a skipped line has ended; ascending.
    private var skippedAt: [Int] = []

    /// Buffers larger than this are given back when they are empty, so that idle connections cost nothing.
    private static let keptCapacity = 16 << 10

    package init(limit: Int) {
        precondition(limit > 0, "a line has at least one byte")
        self.limit = limit
    }

    /// From now on lines may be longer.
    package mutating func raiseLimit(to limit: Int) {
        self.limit = max(limit, self.limit)
    }

    /// Bytes held: for the server's byte budget.
    package var bufferedBytes: Int { buffer.count - head }

    /// Whether the stream is inside a line; if it ends here, that line is dropped.
    package var isInsideLine: Bool { phase == .skipping || ends < buffer.count }

    /// Takes the next piece of the stream. O(bytes), amortised.
    package mutating func feed(_ bytes: [UInt8]) {
        feed(bytes.span.bytes)
    }

    /// Takes the next piece of the stream. O(bytes), amortised.
    package mutating func feed(_ bytes: borrowing RawSpan) {
        var start = 0
        switch phase {
        case .closing, .closed: return
        case .skipping:
            guard let newline = ByteSearch.first(0x0A, in: bytes) else { return }
            phase = .lines
            skippedAt.append(buffer.count)
            start = newline + 1
        case .beginning, .lines: break
        }
        compact()
        let rest = bytes.extracting(start..<bytes.byteCount)
        let base = buffer.count
        rest.withUnsafeBytes { buffer.append(contentsOf: $0) }
        if let newline = ByteSearch.last(0x0A, in: rest) { ends = base + newline + 1 }
        if phase == .beginning { lookForHTTP() }
        dropStartOverLimit()
    }

    /// The next event, or `nil` until more bytes come.
    package mutating func next() -> Event? {
        if phase == .closing {
            phase = .closed
            return .close
        }
        while true {
            if skippedAt.first == head {
                skippedAt.removeFirst()
                return .lineTooLong
            }
            guard head < ends, let newline = ByteSearch.first(0x0A, in: buffer.span.bytes, from: head) else {
                return nil
            }
            let end = newline > head && buffer[newline - 1] == 0x0D ? newline - 1 : newline
            if end - head > limit {
                head = newline + 1
                return .lineTooLong
            }
            let isBlank = Self.isBlank(buffer[head..<end])
            if !isBlank { return .line(takeLine(end: end, newline: newline)) }
            head = newline + 1
        }
    }

    /// Cuts the line `[head, end)` out. A line that has the buffer to itself takes the buffer along instead
    /// of a copy.
    private mutating func takeLine(end: Int, newline: Int) -> [UInt8] {
        if head == 0, newline + 1 == buffer.count, skippedAt.isEmpty {
            var line: [UInt8] = []
            swap(&line, &buffer)
            line.removeSubrange(end...)
            ends = 0
            return line
        }
        let line = Array(buffer[head..<end])
        head = newline + 1
        return line
    }

    /// Forgets what was handed out, once that is at least half of the buffer: each byte moves O(1) times.
    private mutating func compact() {
        guard head > 0, head >= buffer.count - head else { return }
        if head == buffer.count, buffer.capacity > Self.keptCapacity {
            buffer = []
        } else {
            buffer.removeSubrange(..<head)
        }
        ends -= head
        for index in skippedAt.indices { skippedAt[index] -= head }
        head = 0
    }

    /// Stops keeping a line that is over the limit already.
    private mutating func dropStartOverLimit() {
        let length = buffer.count - ends
        guard length > limit, length > limit + 1 || buffer[buffer.count - 1] != 0x0D else { return }
        phase = .skipping
        if head == ends {
            for index in skippedAt.indices { skippedAt[index] -= head }
            (buffer, head, ends) = ([], 0, 0)
        } else {
            buffer.removeSubrange(ends...)
        }
    }

    private mutating func lookForHTTP() {
        if Self.httpMethods.contains(where: { buffer.starts(with: $0) }) {
            phase = .closing
            buffer = []
            ends = 0
        } else if ends > 0 || buffer.count >= Self.longestMethod {
            phase = .lines
        }
    }

    /// Methods of RFC 9110 and RFC 5789, and the preface of HTTP/2, each with the space that follows.
    private static let httpMethods: [[UInt8]] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI",
    ].map { Array("\($0) ".utf8) }

    private static let longestMethod = httpMethods.map(\.count).max() ?? 0

    private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool {
        line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
    }
}
