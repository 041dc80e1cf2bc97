// Parameters of `snapshot.read` and `snapshot.import_*`: methods of this server beside the protocol's, for archives.

/// `snapshot.read`.
package struct ReadSnapshot: Hashable, Sendable {
    package var snapshot: String
    /// 0, or the `next` of the piece before.
    package var position: Int
    /// Bytes of the archive wanted at most; `nil` leaves it to the server.
    package var bytes: Int?

    package init(snapshot: String, position: Int = 0, bytes: Int? = nil) {
        self.snapshot = snapshot
        self.position = position
        self.bytes = bytes
    }
}

/// `snapshot.import_write`.
package struct WriteImport: Hashable, Sendable {
    package var importID: String
    /// Where in the archive `data` begins.
    package var offset: Int
    package var data: [UInt8]

    package init(importID: String, offset: Int, data: [UInt8]) {
        self.importID = importID
        self.offset = offset
        self.data = data
    }
}

/// `snapshot.import_commit`.
package struct CommitImport: Hashable, Sendable {
    package var importID: String
    /// What the snapshot is to be called; `nil` leaves it to the server.
    package var name: String?

    package init(importID: String, name: String? = nil) {
        self.importID = importID
        self.name = name
    }
}
