// Cutting the byte stream into lines, without looking at any byte twice.

package import NIOCore

/// Collects bytes and gives out whole lines, without their newline.
package struct LineSplitter {
    private var buffer = ByteBuffer()
    /// Bytes of the buffer known to hold no newline.
    private var scanned = 0
    /// A line longer than this means that the peer speaks something else.
    package let maximumLineBytes: Int

    package init(maximumLineBytes: Int) {
        self.maximumLineBytes = maximumLineBytes
    }

    package mutating func append(_ bytes: inout ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
            scanned = 0
        } else {
            buffer.writeBuffer(&bytes)
        }
    }

    /// The next whole line, `nil` when it has not arrived yet.
    ///
    /// - Throws: ``NeedletailError`` of kind `invalidReply` when the line is too long.
    package mutating func next() throws(NeedletailError) -> [UInt8]? {
        let view = buffer.readableBytesView
        let from = view.index(view.startIndex, offsetBy: scanned)
        guard let newline = view[from...].firstIndex(of: UInt8(ascii: "\n")) else {
            scanned = view.count
            guard scanned <= maximumLineBytes else {
                throw NeedletailError(
                    .invalidReply, "the server sent a line of more than \(maximumLineBytes) bytes")
            }
            buffer.discardReadBytes()
            return nil
        }
        var line = buffer.readBytes(length: newline - view.startIndex) ?? []
        buffer.moveReaderIndex(forwardBy: 1)
        scanned = 0
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return line
    }
}
