// What a snapshot consists of (docs/format/snapshot.md): SNAPSHOT names every file of the directory with its length
// and SHA-256, so that nothing of a snapshot is believed that was not compared.

package import NeedleCore

/// One file of a snapshot.
package struct SnapshotFile: Hashable, Sendable {
    /// Name in the snapshot's directory: `SnapshotName.isFile`.
    package var name: String
    package var bytes: Int
    /// SHA-256 of the content, 64 hex digits.
    package var sha256: String

    package init(name: String, bytes: Int, sha256: String) {
        self.name = name
        self.bytes = bytes
        self.sha256 = sha256
    }
}

/// The content of SNAPSHOT.
package struct SnapshotManifest: Hashable, Sendable {
    /// Features without which the snapshot cannot be read right; a server that lacks one refuses it.
    package var features: [String] = []
    /// The collection it was taken of, which may be gone.
    package var collection: String
    package var incarnation: Incarnation
    /// The state after this write.
    package var lsn: LSN
    /// The moment, in ms since 1970, that expiry was judged by: `points` and the probes are true then.
    package var timeMS: Int64
    /// When it was taken, in ms since 1970, as the server's clock said.
    package var createdMS: Int64
    /// Points that were visible.
    package var points: Int
    /// By name, distinct.
    package var files: [SnapshotFile]

    package static let fileName = "SNAPSHOT"
    /// Features this server has.
    package static let knownFeatures: Set<String> = []
    /// Beyond this no manifest is believed.
    package static let maximumBytes = 64 << 20

    package init(
        collection: String, incarnation: Incarnation, lsn: LSN, timeMS: Int64, createdMS: Int64, points: Int,
        files: [SnapshotFile]
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.lsn = lsn
        self.timeMS = timeMS
        self.createdMS = createdMS
        self.points = points
        self.files = files
    }

    /// Bytes of all files, without the manifest's own.
    package var bytes: Int { files.reduce(0) { $0 + $1.bytes } }

    package func file(_ name: String) -> SnapshotFile? { files.first { $0.name == name } }
}

/// The names that snapshots and their files may have: nothing that could lead out of their directory.
package enum SnapshotName {
    /// What lies under a name that begins so is not finished, or is being removed; it goes at the next opening.
    package static let unfinishedPrefix = "."

    /// 1 to 200 of `A-Za-z0-9._-`, not beginning with a dot.
    package static func isValid(_ name: String) -> Bool {
        (1...200).contains(name.utf8.count) && name.utf8.first != UInt8(ascii: ".")
            && name.utf8.allSatisfy(isPlain)
    }

    /// The same rule, and not the manifest's own name.
    package static func isFile(_ name: String) -> Bool {
        isValid(name) && name != SnapshotManifest.fileName
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
