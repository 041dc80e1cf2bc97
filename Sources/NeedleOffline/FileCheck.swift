import NeedleCore
import NeedleEngine
import NeedleStorage

/// Checks one file by itself, as far as it can be without those beside it.
struct FileCheck {
    private let fileSystem: any FileSystem
    private let path: String

    init(_ fileSystem: any FileSystem, path: String) {
        self.fileSystem = fileSystem
        self.path = path
    }

    /// - Returns: what is in it, a line each.
    /// - Throws: `corruption`; `storage_failed` for another format.
    func run(_ kind: FileKindOfOurs) throws(DatabaseError) -> [String] {
        switch kind {
        case .log: return try log()
        case .segment: return try segment()
        case .deletions:
            let file = try DeletionFile(decoding: try readAll(), file: path)
            return ["\(file.rows.count) of \(file.rowCount) rows of segment \(file.segmentID) are dead"]
        case .probes: return ["\(try ProbeFile.read(fileSystem, path: path).probes.count) probes"]
        case .archive: return try ArchiveInspection(fileSystem, path: path).run()
        case .recall: return [try RecallText.text(of: path, fileSystem)]
        case .quality: return [try QualityText.text(of: path, fileSystem)]
        case .manifest:
            let manifest = try Manifest(decoding: try readAll(), file: path)
            return ["\(manifest.segments.count) segments, checkpoint at write \(manifest.checkpointLSN)"]
        case .catalogue:
            let catalogue = try Catalogue(decoding: try readAll(), file: path)
            return ["\(catalogue.collections.count) collections, \(catalogue.aliases.count) aliases"]
        case .snapshot:
            let manifest = try SnapshotManifest(decoding: try readAll(), file: path)
            return ["\(manifest.files.count) files, \(manifest.points) points at write \(manifest.lsn)"]
        }
    }

    private func readAll() throws(DatabaseError) -> [UInt8] {
        try fileSystem.readAll(path, limit: 256 << 20)
    }

    private func log() throws(DatabaseError) -> [String] {
        let summary = try LogDump.summary(fileSystem, path: path)
        var lines = [
            "\(summary.frames) frames up to write \(summary.lastLSN), \(summary.end) of \(summary.bytes) bytes"
        ]
        if summary.bytes > summary.end { lines.append("\(summary.bytes - summary.end) bytes of a torn tail") }
        return lines
    }

    private func segment() throws(DatabaseError) -> [String] {
        // Files beside a segment have its container.
        let name = String(path.split(separator: "/").last ?? "")
        if PayloadFile.lsn(ofFile: name) != nil {
            let (file, segmentID, rowCount) = try PayloadFile.read(fileSystem, path: path)
            return [
                "newer payloads of \(file.rows.count) of \(rowCount) rows of segment \(segmentID), "
                    + "up to write \(file.lsn)"
            ]
        }
        if FieldIndexFile.index(ofFile: name) != nil {
            let (segmentID, rowCount) = try FieldIndexFile.check(fileSystem, path: path)
            return ["an index of the \(rowCount) rows of segment \(segmentID)"]
        }
        let reader = try SegmentReader(fileSystem, path: path)
        defer { reader.closeFile() }
        try reader.scrub(0..<reader.blockCount)
        return ["\(reader.rowCount) rows in \(reader.blockCount) blocks, segment \(reader.header.segmentID)"]
    }
}
