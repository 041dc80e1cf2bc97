// From a stream of bytes to lines: a pure state machine that the server drives with whatever the socket gives.
//
// Invariants:
// - of a line that has not ended never more than the limit (and one `\r`) is kept; the rest is skipped to its newline;
// - every byte is looked at a bounded number of times, however small the pieces are it comes in;
// - events come in the order of the bytes.

/// Splits a byte stream into the protocol's lines.
///
/// Lines end with `\n`; a `\r` before it belongs to the newline, and neither counts against the limit. Lines of
/// nothing but white space are swallowed (one that is over the limit is answered like any other). A last line without
/// newline never comes out: the protocol drops it.
///
/// ```swift
/// framer.feed(buffer.readableBytesSpan)
/// while session.mayTakeMore, let event = framer.next() { … }
/// ```
package struct LineFramer: Sendable {
    package enum Event: Hashable, Sendable {
        /// A whole line without its newline; never empty, at most `limit` bytes.
        case line([UInt8])
        /// A line was longer than the limit and has been skipped.
        case lineTooLong
        /// The first line is an HTTP request: close the connection. Nothing comes after this.
        case close
    }

    /// Bytes a line may have.
    package let limit: Int

    /// What has arrived and was not handed out: `[head, ends)` whole lines, `[ends, count)` the start of the next.
    private var buffer: [UInt8] = []
    private var head = 0
    private var ends = 0
    /// Places in the buffer (before `ends` or there) at which the end of a skipped line belongs, ascending.
    private var skippedAt: [Int] = []
    /// Inside a line that is over the limit.
    private var isSkipping = false
    private var isFirstLine = true
    private var isClosed = false

    package init(limit: Int) {
        precondition(limit > 0)
        self.limit = limit
    }

    /// Bytes held: for the server's byte budget.
    package var bufferedBytes: Int { buffer.count - head }

    /// Whether the stream is inside a line; at its end that line is dropped.
    package var isInsideLine: Bool { isSkipping || ends < buffer.count }

    /// Takes the next piece of the stream. O(bytes), amortised.
    package mutating func feed(_ bytes: borrowing RawSpan) {
        guard !isClosed, !bytes.isEmpty else { return }
        var start = 0
        if isSkipping {
            guard let newline = ByteSearch.first(0x0A, in: bytes, from: 0) else { return }
            isSkipping = false
            skippedAt.append(buffer.count)
            start = newline + 1
        }
        start -= compact()
        _ = start
    }

    private mutating func compact() -> Int { 0 }

    package mutating func next() -> Event? { nil }
}

enum ByteSearch {
    static func first(_ byte: UInt8, in bytes: borrowing RawSpan, from: Int) -> Int? { nil }
}
