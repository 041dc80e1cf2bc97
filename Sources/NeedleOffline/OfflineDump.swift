package import NeedleCore
import NeedleEngine
import NeedleStorage

/// `needletail dump`: one file as text, for people. Reads damaged files as far as it can.
package struct OfflineDump {
    private let fileSystem: any FileSystem

    package init(_ fileSystem: any FileSystem) {
        self.fileSystem = fileSystem
    }

    /// - Parameter rowLimit: so many rows of a segment, deletions and probes are shown.
    /// - Throws: `invalid_params` for a file that is none of ours; `corruption` when there is nothing to show.
    package func text(of path: String, rowLimit: Int) throws(DatabaseError) -> String {
        switch try FileKindOfOurs(of: path, fileSystem) {
        case .log: return try LogDump.text(fileSystem, path: path)
        case .segment where PayloadFile.lsn(ofFile: Self.name(of: path)) != nil:
            return try payloads(path, rowLimit)
        case .segment where FieldIndexFile.index(ofFile: Self.name(of: path)) != nil:
            let (segmentID, rowCount) = try FieldIndexFile.check(fileSystem, path: path)
            return "an index of the \(rowCount) rows of segment \(segmentID)\n"
        case .segment:
            let reader = try SegmentReader(fileSystem, path: path)
            return try SegmentDump.text(reader, rowLimit: rowLimit)
        case .deletions: return try deletions(path, rowLimit)
        case .probes: return try probes(path, rowLimit)
        case .archive: return try archive(path)
        case .recall: return try RecallText.text(of: path, fileSystem)
        case .quality: return try QualityText.text(of: path, fileSystem)
        case .manifest:
            return try headed(path) { (bytes) throws(DatabaseError) in
                _ = try Manifest(decoding: bytes, file: path)
            }
        case .catalogue:
            return try headed(path) { (bytes) throws(DatabaseError) in
                _ = try Catalogue(decoding: bytes, file: path)
            }
        case .snapshot:
            return try headed(path) { (bytes) throws(DatabaseError) in
                _ = try SnapshotManifest(decoding: bytes, file: path)
            }
        }
    }

    /// Text files are readable as they are; what is wrong with them comes last.
    private func headed(
        _ path: String, _ check: ([UInt8]) throws(DatabaseError) -> Void
    ) throws(DatabaseError) -> String {
        let bytes = try fileSystem.readAll(path, limit: 256 << 20)
        var text = String(decoding: bytes, as: UTF8.self)
        if !text.hasSuffix("\n") { text += "\n" }
        do throws(DatabaseError) {
            try check(bytes)
        } catch {
            text += "DAMAGED: \(error.message)\n"
        }
        return text
    }

    private static func name(of path: String) -> String {
        String(path.split(separator: "/").last ?? "")
    }

    private func payloads(_ path: String, _ limit: Int) throws(DatabaseError) -> String {
        let (file, segmentID, rowCount) = try PayloadFile.read(fileSystem, path: path)
        var lines = [
            "newer payloads of segment \(segmentID)", "  up to LSN    \(file.lsn)",
            "  rows         \(file.rows.count) of \(rowCount)",
        ]
        for place in file.rows.indices.prefix(limit) {
            lines.append(
                "row \(file.rows[place]), version \(file.lsns[place]), payload "
                    + String(decoding: file.payload(at: place).prefix(200), as: UTF8.self))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func deletions(_ path: String, _ limit: Int) throws(DatabaseError) -> String {
        let file = try DeletionFile(
            decoding: try fileSystem.readAll(path, limit: 256 << 20), file: path)
        let rows = file.rows.prefix(limit).map { String($0) }.joined(separator: " ")
        return """
            deletions of segment \(file.segmentID)
              incarnation  \(file.incarnation)
              up to LSN    \(file.lsn)
              dead rows    \(file.rows.count) of \(file.rowCount)
            \(rows)\(file.rows.count > limit ? " …" : "")

            """
    }

    private func probes(_ path: String, _ limit: Int) throws(DatabaseError) -> String {
        let file = try ProbeFile.read(fileSystem, path: path)
        var lines = [
            "probes, \(file.probes.count)", "  incarnation  \(file.incarnation)",
            "  at LSN       \(file.lsn)",
        ]
        for (number, probe) in file.probes.prefix(limit).enumerated() {
            let hits = probe.hits.map { "\($0.id) \($0.score)" }.joined(separator: ", ")
            lines.append(
                "probe \(number): space \(probe.space), \(probe.vector.count) floats, limit \(probe.limit): \(hits)"
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func archive(_ path: String) throws(DatabaseError) -> String {
        let directory = try ArchiveDirectory.read(fileSystem, path: path)
        var lines = ["archive, \(directory.entries.count) files, \(directory.contentBytes) bytes of content"]
        for entry in directory.entries { lines.append("\(entry.sha256)  \(entry.bytes)  \(entry.name)") }
        return lines.joined(separator: "\n") + "\n"
    }
}
