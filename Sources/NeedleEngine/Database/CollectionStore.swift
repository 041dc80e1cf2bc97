import NeedleCore
import NeedleStorage
import Synchronization

/// What a checkpoint writes down; taken under the writer lock, written outside of it.
struct CheckpointDraft: Sendable {
    var set: SegmentSet
    /// Everything up to here lies in sealed segments or is deleted.
    var lsn: LSN
    var nextSegmentID: UInt64
    var timeMS: Int64
    var reservedThrough: LSN
    var opKeys: [OpKeyWindow.Entry]
    /// Those that there were at `lsn`.
    var indexes: [FieldIndexRecord]
}

/// The files of one collection: manifest, segments and deletions. The log has its own object.
///
/// Writing methods are called by one thread at a time (whoever has the exclusive maintenance work, or
/// recovery).
final class CollectionStore: Sendable {
    let directory: String
    let incarnation: Incarnation
    let environment: EngineEnvironment
    private let current: Mutex<Manifest?>
    /// SHA-256 of files that never change, by name: taken once.
    let hashes = Mutex<[String: String]>([:])

    init(directory: String, incarnation: Incarnation, environment: EngineEnvironment) {
        self.directory = directory
        self.incarnation = incarnation
        self.environment = environment
        current = Mutex(nil)
    }

    var fileSystem: any FileSystem { environment.fileSystem }
    var logDirectory: String { "\(directory)/log" }

    /// What the disk should hold.
    var manifest: Manifest? { current.withLock { $0 } }

    func adopt(_ manifest: Manifest) {
        current.withLock { $0 = manifest }
    }

    /// What the newest checkpoint wrote.
    var currentManifest: Manifest? { current.withLock { $0 } }

    /// Bytes of segments, field indexes beside them, and log files.
    func bytesOnDisk(_ set: SegmentSet, logBytes: Int) -> Int {
        let segments = current.withLock { $0?.segments.reduce(0) { $0 + $1.bytes } ?? 0 }
        let indexes = set.sealed.reduce(0) { sum, segment in
            sum + segment.fieldIndexes.openFiles.reduce(0) { $0 + $1.file.byteCount }
        }
        return segments + indexes + logBytes
    }

    // MARK: Segments

    func path(of segmentID: UInt64) -> String { "\(directory)/\(ManifestSegment.fileName(id: segmentID))" }

    /// Writes a full, indexed segment to its file and opens that; deletions and newer payloads are shared, not copied.
    func seal(_ segment: GrowingSegment, config: CollectionConfig) throws(DatabaseError) -> SealedSegment {
        let path = path(of: segment.id)
        try SegmentSealing(segment: segment, config: config, incarnation: incarnation).write(
            to: path, fileSystem)
        let sha256 = try ContentHash.hex(ofFile: path, fileSystem)
        hashes.withLock { $0[ManifestSegment.fileName(id: segment.id)] = sha256 }
        let sealed = try open(
            segment.id, config: config, deletions: segment.deletions, overlay: segment.overlay,
            fieldIndexes: segment.fieldIndexes)
        // Here nobody waits for it.
        sealed.admit()
        return sealed
    }

    /// - Parameters:
    ///   - origin: whose the file is, if not this collection's.
    ///   - deletions: `nil` begins with none.
    ///   - overlay: the same.
    ///   - fieldIndexes: those of the rows in memory, when the file was just made of them.
    func open(
        _ id: UInt64, config: CollectionConfig, origin: Incarnation? = nil, deletions: DeletionTable? = nil,
        overlay: PayloadOverlay? = nil, fieldIndexes: FieldIndexSlot = FieldIndexSlot()
    ) throws(DatabaseError) -> SealedSegment {
        let reader = try SegmentReader(
            fileSystem, path: path(of: id), incarnation: origin ?? incarnation, segmentID: id)
        let table = if let deletions { deletions } else { try DeletionTable(capacity: reader.rowCount) }
        return try SealedSegment(
            reader: reader, config: config, deletions: table, overlay: overlay, fieldIndexes: fieldIndexes)
    }

    // MARK: Checkpoints

    /// Writes deletions and payloads that are new, then the manifest that names everything. Durable when it returns.
    func write(_ draft: CheckpointDraft, config: CollectionConfig) throws(DatabaseError) {
        let before = current.withLock { $0 }
        var manifest = Manifest(
            incarnation: incarnation, config: ConfigCodec.encode(config), checkpointLSN: draft.lsn,
            lastTimeMS: draft.timeMS, lsnCeiling: max(draft.reservedThrough, draft.lsn),
            nextSegmentID: draft.nextSegmentID)
        for segment in draft.set.sealed {
            let known = before?.segments.first { $0.id == segment.id }
            manifest.segments.append(try entry(for: segment, known: known, at: draft.lsn))
        }
        manifest.segments += draft.set.unreadable.map(\.entry)
        manifest.opKeys = draft.opKeys.map { entry in
            ManifestOpKey(
                key: entry.key, lsn: entry.receipt.lsn, timeMS: entry.timeMS,
                result: ReceiptCodec.encode(entry.receipt))
        }
        manifest.indexes = FieldIndexCodec.encode(draft.indexes)
        try manifest.write(fileSystem, directory: directory)
        adopt(manifest)
    }

    private func entry(
        for segment: SealedSegment, known: ManifestSegment?, at lsn: LSN
    ) throws(DatabaseError) -> ManifestSegment {
        let header = segment.reader.header
        let dead = segment.deletions.rowsDeleted(upTo: lsn, of: segment.rowCount)
        var entry = ManifestSegment(
            id: segment.id, file: ManifestSegment.fileName(id: segment.id), rows: segment.rowCount,
            bytes: segment.fileBytes, live: segment.rowCount - dead.count, minLSN: header.minLSN,
            maxLSN: header.maxLSN)
        entry.sha256 = known?.sha256 ?? hashes.withLock { $0[entry.file] }
        let payloads = try payloadFile(of: segment, known: known?.payloads, at: lsn)
        entry.overlays = (payloads.map { [$0] } ?? []) + segment.fieldIndexes.files
        entry.origin = header.incarnation == incarnation ? nil : header.incarnation
        if let written = known?.deletions, written.count == dead.count {
            entry.deletions = written
        } else if !dead.isEmpty {
            let file = ManifestSegment.deletionsFileName(id: segment.id, lsn: lsn)
            try DeletionFile(
                incarnation: incarnation, segmentID: segment.id, lsn: lsn, rowCount: segment.rowCount,
                rows: dead
            ).write(fileSystem, path: "\(directory)/\(file)")
            entry.deletions = ManifestDeletions(file: file, lsn: lsn, count: dead.count)
        }
        return entry
    }

    /// Removes files that the manifest does not name: replaced ones, and what a crash left.
    ///
    /// Open mappings stay valid: files go by unlink (invariant 5).
    func removeUnnamedFiles() throws(DatabaseError) {
        guard let manifest = current.withLock({ $0 }) else { return }
        let named = manifest.fileNames.union([Manifest.fileName, "log"] + Self.measuredNames)
        for name in try fileSystem.list(directory) where !named.contains(name) {
            try fileSystem.unlink("\(directory)/\(name)")
        }
    }
}
