import NIOCore

/// Lines that wait for the socket, handed over in pieces: small ones together, large ones cut, so that the channel never
/// buffers much and what is left stays where it can be counted.
struct Outbox {
    /// Small lines are gathered up to this.
    private static let gathered = 64 << 10
    /// Large lines are cut into pieces of this.
    private static let piece = 256 << 10

    private var lines: [[UInt8]] = []
    private var head = 0
    /// Bytes of the first line that are gone already.
    private var offset = 0

    var isEmpty: Bool { head == lines.count }

    mutating func append(_ line: [UInt8]) {
        lines.append(line)
    }

    mutating func removeAll() {
        lines = []
        head = 0
        offset = 0
    }

    mutating func next(_ allocator: ByteBufferAllocator) -> ByteBuffer? {
        guard !isEmpty else { return nil }
        let first = min(lines[head].count - offset, Self.piece)
        var buffer = allocator.buffer(capacity: max(first, min(Self.gathered, 2 * first)))
        repeat {
            let end = min(lines[head].count, offset + Self.piece - buffer.readableBytes)
            buffer.writeBytes(lines[head][offset..<end])
            offset = end
            if offset == lines[head].count { dropFirst() }
        } while !isEmpty && buffer.readableBytes < Self.gathered
        return buffer
    }

    private mutating func dropFirst() {
        lines[head] = []
        head += 1
        offset = 0
        if head == lines.count {
            lines.removeAll(keepingCapacity: head <= 64)
            head = 0
        } else if head >= 512 {
            lines.removeFirst(head)
            head = 0
        }
    }
}
