// Snapshots on their way out of a server and into one, a piece at a time.

/// Some bytes of a snapshot's archive.
package struct SnapshotPiece: Hashable, Sendable {
    package var bytes: [UInt8]
    /// The position of the next piece, in bytes of content; `nil` after the last.
    package var next: Int?
    /// Bytes of content in all.
    package var total: Int
    /// The snapshot's: all pieces of one archive have the same.
    package var sha256: String

    package init(bytes: [UInt8], next: Int?, total: Int, sha256: String) {
        self.bytes = bytes
        self.next = next
        self.total = total
        self.sha256 = sha256
    }
}

/// How far an archive has come in.
package struct ImportStatus: Hashable, Sendable {
    /// Bytes of the archive: where the next piece has to begin.
    package var received: Int
    /// Bytes of content unpacked.
    package var done: Int
    /// Bytes of content in all; `nil` until the archive has said so.
    package var total: Int?

    package init(received: Int, done: Int, total: Int?) {
        self.received = received
        self.done = done
        self.total = total
    }
}
