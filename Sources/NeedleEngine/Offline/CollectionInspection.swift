// All invariants of one collection's files, checked without opening it for use: for `needletail check` and `repair`.
// Nothing is changed, everything is read, and every finding is told, not only the first.

package import NeedleCore
package import NeedleStorage

/// The folder of a collection, or of a snapshot, which is much the same with the log's files beside the others.
package struct CollectionInspection {
    package enum Owner: Hashable, Sendable {
        /// `DIR/collections/<incarnation>`
        case collection(Incarnation)
        /// `DIR/snapshots/<name>`, or wherever it lies.
        case snapshot(String)
    }

    /// What was there, for the summary.
    package private(set) var segments = 0
    package private(set) var rows = 0
    /// Points alive at the checkpoint, the log behind it not counted.
    package private(set) var points = 0
    /// Writes behind the checkpoint.
    package private(set) var writes = 0
    package private(set) var findings: [Finding] = []

    private let fileSystem: any FileSystem
    private let folder: String
    private let owner: Owner

    /// Reads everything. O(bytes), and 16 bytes of memory for each living row.
    ///
    /// - Throws: why files could not be read at all; damage is a finding.
    package init(
        _ fileSystem: any FileSystem, folder: String, owner: Owner
    ) throws(DatabaseError) {
        self.fileSystem = fileSystem
        self.folder = folder
        self.owner = owner
        let path = "\(folder)/\(Manifest.fileName)"
        let manifest: Manifest
        let config: CollectionConfig
        do throws(DatabaseError) {
            manifest = try Manifest.read(fileSystem, directory: folder)
            if case .collection(let incarnation) = owner, manifest.incarnation != incarnation {
                throw .corruption(file: path, offset: 0, what: "it is the manifest of another collection")
            }
            config = try ConfigCodec.decode(manifest.config, file: path)
        } catch {
            note { .init($0.whole, error, file: path) }
            return
        }
        checkOpKeys(of: manifest, config, path)
        try checkSegments(of: manifest, config)
        try checkLog(of: manifest, config)
        if case .collection = owner { try checkBesides(manifest) }
    }

    // MARK: Findings

    private struct Subjects {
        let owner: Owner

        private func of(_ subject: (Incarnation) -> Finding.Subject) -> Finding.Subject {
            switch owner {
            case .collection(let incarnation): subject(incarnation)
            case .snapshot(let name): .snapshot(name)
            }
        }

        var whole: Finding.Subject { of { .collection($0) } }
        var log: Finding.Subject { of { .log($0) } }
        func measured(_ name: String) -> Finding.Subject { of { .measured($0, name: name) } }
        func segment(_ id: UInt64) -> Finding.Subject { of { .segment($0, id: id) } }
        func derived(_ id: UInt64) -> Finding.Subject { of { .derived($0, id: id) } }
    }

    private mutating func note(_ make: (Subjects) -> Finding) {
        findings.append(make(Subjects(owner: owner)))
    }

    // MARK: Manifest and segments

    private mutating func checkOpKeys(of manifest: Manifest, _ config: CollectionConfig, _ path: String) {
        for entry in manifest.opKeys {
            do throws(DatabaseError) {
                _ = try ReceiptCodec.decode(
                    entry.result, lsn: entry.lsn, durability: config.durability, file: path)
            } catch {
                note { .init($0.whole, error, file: path) }
            }
        }
    }

    private mutating func checkSegments(of manifest: Manifest, _ config: CollectionConfig)
        throws(DatabaseError)
    {
        var living = LivingIDs()
        for entry in manifest.segments {
            let path = "\(folder)/\(entry.file)"
            segments += 1
            rows += entry.rows
            points += entry.live
            let deletions = readDeletions(entry, of: manifest)
            var inspection = SegmentInspection(
                path: path, entry: entry, incarnation: entry.origin ?? manifest.incarnation, config: config)
            let reader = try inspection.run(fileSystem)
            for fault in inspection.faults {
                note {
                    fault.isDerived
                        ? fault.finding($0.derived(entry.id)) : fault.finding($0.segment(entry.id))
                }
            }
            for overlay in entry.overlays where overlay != entry.payloads {
                try check(overlay, beside: entry, of: manifest)
            }
            checkPayloads(entry, of: manifest)
            guard let reader, inspection.faults.isEmpty, let deletions else { continue }
            try living.add(reader, dead: deletions)
        }
        for (reader, other, id) in try living.duplicates() {
            note { subjects in
                Finding(
                    subjects.segment(reader.header.segmentID), file: reader.path,
                    what: "point \(id) lives here and in segment \(other.header.segmentID)")
            }
        }
    }

    /// A field index, which the server makes again when it is damaged.
    private mutating func check(
        _ overlay: String, beside entry: ManifestSegment, of manifest: Manifest
    ) throws(DatabaseError) {
        let path = "\(folder)/\(overlay)"
        do throws(DatabaseError) {
            guard FieldIndexFile.index(ofFile: overlay) != nil else {
                throw .corruption(file: path, offset: 0, what: "no name of a field index")
            }
            let file = try FieldIndexFile(
                fileSystem, path: path, incarnation: entry.origin ?? manifest.incarnation,
                segmentID: entry.id, rowCount: entry.rows)
            try file.verify()
        } catch {
            let missing = DatabaseError.corruption(file: path, offset: 0, what: "the file is missing")
            note { .init($0.derived(entry.id), error.kind == .notFound ? missing : error, file: path) }
        }
    }

    /// Newer payloads are originals like the rows.
    private mutating func checkPayloads(_ entry: ManifestSegment, of manifest: Manifest) {
        guard let name = entry.payloads else { return }
        let path = "\(folder)/\(name)"
        do throws(DatabaseError) {
            let file = try PayloadFile.read(
                fileSystem, path: path, incarnation: entry.origin ?? manifest.incarnation,
                segmentID: entry.id, rowCount: entry.rows)
            guard file.lsn <= manifest.checkpointLSN, PayloadFile.lsn(ofFile: name) == file.lsn else {
                throw .corruption(
                    file: path, offset: 56,
                    what: "payloads up to write \(file.lsn), the checkpoint is at \(manifest.checkpointLSN)")
            }
            for place in file.rows.indices where !SegmentInspection.isObject(file.payload(at: place)) {
                throw .corruption(
                    file: path, offset: 0, what: "the payload of row \(file.rows[place]) is no JSON object")
            }
        } catch {
            let missing = DatabaseError.corruption(file: path, offset: 0, what: "the file is missing")
            note { .init($0.segment(entry.id), error.kind == .notFound ? missing : error, file: path) }
        }
    }

    /// - Returns: dead rows; `nil` when they are not known.
    private mutating func readDeletions(_ entry: ManifestSegment, of manifest: Manifest) -> [UInt32]? {
        let manifestPath = "\(folder)/\(Manifest.fileName)"
        guard let deletions = entry.deletions else {
            if entry.live != entry.rows {
                note { subjects in
                    Finding(
                        subjects.segment(entry.id), file: manifestPath,
                        what:
                            "\(entry.live) of \(entry.rows) rows of segment \(entry.id) live, but it has no deletions"
                    )
                }
            }
            return []
        }
        let path = "\(folder)/\(deletions.file)"
        do throws(DatabaseError) {
            let file = try DeletionFile.read(
                fileSystem, path: path, incarnation: manifest.incarnation, segmentID: entry.id,
                rowCount: entry.rows)
            guard file.rows.count == deletions.count, file.lsn == deletions.lsn,
                file.lsn <= manifest.checkpointLSN,
                entry.live == entry.rows - file.rows.count
            else {
                throw .corruption(
                    file: path, offset: 40,
                    what: "\(file.rows.count) dead rows up to write \(file.lsn), where the manifest has "
                        + "\(deletions.count) up to \(deletions.lsn) and \(entry.live) of \(entry.rows) living"
                )
            }
            return file.rows
        } catch {
            let missing = DatabaseError.corruption(file: path, offset: 0, what: "the file is missing")
            note { .init($0.segment(entry.id), error.kind == .notFound ? missing : error, file: path) }
            return nil
        }
    }

    // MARK: Log

    private mutating func checkLog(of manifest: Manifest, _ config: CollectionConfig) throws(DatabaseError) {
        if case .snapshot = owner { return try checkSnapshotLog(of: manifest, config) }
        let directory = "\(folder)/log"
        guard try fileSystem.kind(of: directory) == .directory else {
            return note { Finding($0.log, file: directory, what: "the log is missing") }
        }
        let log = try LogInspection(
            fileSystem, directory: directory, incarnation: manifest.incarnation,
            checkpoint: manifest.checkpointLSN)
        if let gap = log.gap { note { .init($0.log, gap, file: directory) } }
        for file in log.files {
            if let damage = file.damage {
                note {
                    file.isNeeded
                        ? .init($0.log, damage, file: file.path) : .init(.note, damage, file: file.path)
                }
            }
            if file.tornBytes > 0 {
                note { _ in
                    Finding(
                        .note, file: file.path, offset: file.end,
                        what: "\(file.tornBytes) bytes of a torn tail, which nobody was told are durable")
                }
            }
            guard file.isNeeded else { continue }
            var check = WriteCheck(config: config, behind: manifest.checkpointLSN, file: file.path)
            do throws(DatabaseError) {
                try log.forEachFrame(of: file) { (frame, body, offset) throws(DatabaseError) in
                    try check.take(frame, body, at: offset)
                }
            } catch {
                guard error.kind == .corruption else { throw error }
                note { .init($0.log, error, file: file.path) }
            }
            writes += check.writes
        }
    }

    private mutating func checkSnapshotLog(of manifest: Manifest, _ config: CollectionConfig)
        throws(DatabaseError)
    {
        let folder = folder
        let files = try fileSystem.list(folder).compactMap { SealedLogFile(name: $0, directory: folder) }
        let history = LogHistory(fileSystem, incarnation: manifest.incarnation, files: files)
        var check = WriteCheck(config: config, behind: manifest.checkpointLSN, file: folder)
        do throws(DatabaseError) {
            try history.replay(behind: manifest.checkpointLSN) { (frame, body) throws(DatabaseError) in
                try check.take(frame, body, at: 0)
                return true
            }
        } catch {
            guard error.kind == .corruption || error.kind == .notFound else { throw error }
            note { .init($0.log, error, file: folder) }
        }
        writes += check.writes
    }

    // MARK: Besides

    private mutating func checkBesides(_ manifest: Manifest) throws(DatabaseError) {
        let folder = folder
        for measured in CollectionStore.measured {
            let path = "\(folder)/\(measured.name)"
            guard try fileSystem.kind(of: path) == .file else { continue }
            do throws(DatabaseError) {
                _ = try measured.read(fileSystem, path: path)
            } catch {
                note { .init($0.measured(measured.name), error, file: path) }
            }
        }
        let named = manifest.fileNames.union([Manifest.fileName, "log"] + CollectionStore.measuredNames)
        for name in try fileSystem.list(folder) where !named.contains(name) {
            note { _ in
                Finding(
                    .note, file: "\(folder)/\(name)",
                    what: "not named by the manifest: the next start removes it")
            }
        }
    }
}

/// The meaning of logged writes: bodies decode, each write ends with its summary, LSNs and times rise.
struct WriteCheck {
    let codec: EffectCodec
    let behind: LSN
    let file: String
    private(set) var writes = 0
    private var hasSummary = false

    init(config: CollectionConfig, behind: LSN, file: String) {
        codec = EffectCodec(config: config)
        self.behind = behind
        self.file = file
    }

    mutating func take(_ frame: LogFrame, _ body: RawSpan, at offset: Int) throws(DatabaseError) {
        guard frame.lsn > behind else { return }
        if frame.isFirst { hasSummary = false }
        do throws(DatabaseError) {
            if case .summary = try codec.decode(body, file: file) { hasSummary = true }
        } catch {
            throw .corruption(file: file, offset: offset, what: "write \(frame.lsn): \(error.message)")
        }
        guard frame.isCommit else { return }
        guard hasSummary else {
            throw .corruption(file: file, offset: offset, what: "write \(frame.lsn) has no summary")
        }
        writes += 1
    }
}
