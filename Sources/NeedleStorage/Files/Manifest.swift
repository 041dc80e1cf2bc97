// What a collection consists of: the one file whose replacement is a checkpoint's commit point. Whatever it
// does not name does not belong to the collection.

package import NeedleCore

/// A file of deleted rows beside a segment.
package struct ManifestDeletions: Hashable, Sendable {
    package var file: String
    /// Deletions up to here are in it.
    package var lsn: LSN
    package var count: Int

    package init(file: String, lsn: LSN, count: Int) {
        self.file = file
        self.lsn = lsn
        self.count = count
    }
}

/// A sealed segment as the manifest knows it.
package struct ManifestSegment: Hashable, Sendable {
    package var id: UInt64
    /// Name in the collection's directory.
    package var file: String
    package var rows: Int
    package var bytes: Int
    package var live: Int
    package var minLSN: LSN
    package var maxLSN: LSN
    /// Of the whole file, 64 hex digits; taken once, when the segment is sealed.
    package var sha256: String?
    /// The incarnation in the file's header when it is not the collection's: a restored collection shares the
    /// files of the one that the snapshot was taken of.
    package var origin: Incarnation?
    package var deletions: ManifestDeletions?
    /// Files with newer payloads (at most one) or indexes beside the segment.
    package var overlays: [String]

    /// The one with newer payloads.
    package var payloads: String? { overlays.first { PayloadFile.lsn(ofFile: $0) != nil } }

    package init(
        id: UInt64, file: String, rows: Int, bytes: Int, live: Int, minLSN: LSN, maxLSN: LSN,
        sha256: String? = nil, origin: Incarnation? = nil,
        deletions: ManifestDeletions? = nil, overlays: [String] = []
    ) {
        self.id = id
        self.file = file
        self.rows = rows
        self.bytes = bytes
        self.live = live
        self.minLSN = minLSN
        self.maxLSN = maxLSN
        self.sha256 = sha256
        self.origin = origin
        self.deletions = deletions
        self.overlays = overlays
    }

    /// `<segment id, 12 digits>.segment`
    package static func fileName(id: UInt64) -> String {
        "\(padded(id)).segment"
    }

    /// `<segment id, 12 digits>-<LSN>.deletions`
    package static func deletionsFileName(id: UInt64, lsn: LSN) -> String {
        "\(padded(id))-\(lsn.value).deletions"
    }

    private static func padded(_ id: UInt64) -> String {
        let digits = String(id)
        return String(repeating: "0", count: max(0, 12 - digits.utf8.count)) + digits
    }
}

/// A write whose `op_key` may still be repeated.
package struct ManifestOpKey: Hashable, Sendable {
    /// UTF-8.
    package var key: [UInt8]
    package var lsn: LSN
    package var timeMS: Int64
    /// The first answer, compact JSON.
    package var result: [UInt8]

    package init(key: [UInt8], lsn: LSN, timeMS: Int64, result: [UInt8]) {
        self.key = key
        self.lsn = lsn
        self.timeMS = timeMS
        self.result = result
    }
}

/// The content of MANIFEST.
package struct Manifest: Hashable, Sendable {
    /// Features without which the collection cannot be read right; a server that lacks one refuses it.
    package var features: [String] {
        (segments.contains { $0.origin != nil } ? [Self.foreignSegments] : [])
            + (indexes == nil ? [] : [Self.fieldIndexes])
            + (segments.contains { $0.payloads != nil } ? [Self.payloadFiles] : [])
    }
    package var incarnation: Incarnation
    /// The configuration as compact JSON, opaque here.
    package var config: [UInt8]
    /// All writes up to here are in the segments; the log is replayed behind it.
    package var checkpointLSN: LSN
    package var lastTimeMS: Int64
    /// LSNs up to here may have been answered.
    package var lsnCeiling: LSN
    package var nextSegmentID: UInt64
    package var segments: [ManifestSegment] = []
    /// Oldest first.
    package var opKeys: [ManifestOpKey] = []
    /// The field indexes that the collection has at the checkpoint: a compact JSON array, opaque here; `nil` without any.
    package var indexes: [UInt8]?

    package static let fileName = "MANIFEST"
    /// Features this server has.
    package static let knownFeatures: Set<String> = [foreignSegments, fieldIndexes, payloadFiles]
    /// Some segment has an `origin`.
    package static let foreignSegments = "foreign_segments"
    /// The collection has field indexes: a server that does not know them would lose them with its next checkpoint.
    package static let fieldIndexes = "field_indexes"
    /// Some segment has newer payloads beside it.
    package static let payloadFiles = "payload_files"

    package init(
        incarnation: Incarnation, config: [UInt8], checkpointLSN: LSN = .zero, lastTimeMS: Int64 = 0,
        lsnCeiling: LSN = .zero, nextSegmentID: UInt64 = 1, segments: [ManifestSegment] = [],
        opKeys: [ManifestOpKey] = [], indexes: [UInt8]? = nil
    ) {
        self.indexes = indexes
        self.incarnation = incarnation
        self.config = config
        self.checkpointLSN = checkpointLSN
        self.lastTimeMS = lastTimeMS
        self.lsnCeiling = lsnCeiling
        self.nextSegmentID = nextSegmentID
        self.segments = segments
        self.opKeys = opKeys
    }

    /// The files that belong to the collection because they are named here.
    package var fileNames: Set<String> {
        var names: Set<String> = []
        for segment in segments {
            names.insert(segment.file)
            if let deletions = segment.deletions { names.insert(deletions.file) }
            names.formUnion(segment.overlays)
        }
        return names
    }

    /// Reads and checks `directory`/MANIFEST.
    ///
    /// - Throws: `not_found`, `corruption`, or `storage_failed` for a format or feature that is not known
    ///   here.
    package static func read(_ fileSystem: any FileSystem, directory: String) throws(DatabaseError)
        -> Manifest
    {
        let path = "\(directory)/\(fileName)"
        return try Manifest(
            decoding: try fileSystem.readAll(path, limit: HeadedText.maximumBytes), file: path)
    }

    /// Replaces `directory`/MANIFEST atomically and durably.
    ///
    /// - Precondition: its parts agree, as reading demands: segments have distinct ids below
    ///   `nextSegmentID`, no LSN behind the checkpoint, and no more live and deleted rows than rows.
    package func write(_ fileSystem: any FileSystem, directory: String) throws(DatabaseError) {
        precondition(segments.allSatisfy(isConsistent), "a manifest that could not be read again")
        try AtomicFile.replace(fileSystem, "\(directory)/\(Self.fileName)", with: encoded())
    }
}
