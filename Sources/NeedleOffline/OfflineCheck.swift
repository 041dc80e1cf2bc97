// `needletail check`: all invariants and all checksums of files that no server has open. What a path is, is told by
// what lies there. Nothing is changed; everything that is wrong is told, with its place.

package import NeedleCore
package import NeedleEngine
package import NeedleStorage

/// What a check looked at, and what it found.
package struct CheckReport: Sendable {
    /// What the path is.
    package var kind: String
    /// What was read, a line each.
    package var contents: [String] = []
    package var findings: [Finding] = []
    /// Snapshots in which nothing is wrong, with the collection they were taken of: what could be restored.
    package var wholeSnapshots: [(name: String, manifest: SnapshotManifest)] = []

    package var isClean: Bool { !findings.contains(where: \.isDamage) }
}

/// Checks a data directory, a snapshot's directory, an archive, or a single file.
package struct OfflineCheck {
    private let fileSystem: any FileSystem

    package init(_ fileSystem: any FileSystem) {
        self.fileSystem = fileSystem
    }

    /// - Throws: `conflict` when a server has the data directory; `not_found`; `invalid_params` for a path that is
    ///   nothing of ours; why files cannot be read.
    package func run(_ path: String) throws(DatabaseError) -> CheckReport {
        switch try fileSystem.kind(of: path) {
        case .file?: return try file(path)
        case .directory?: break
        default: throw DatabaseError(.notFound, "\(path): no such file or directory")
        }
        if try fileSystem.kind(of: "\(path)/\(SnapshotManifest.fileName)") == .file {
            var report = CheckReport(kind: "snapshot")
            try snapshot(path, name: path, &report)
            return report
        }
        guard try isDataDirectory(path) else {
            throw DatabaseError(
                .invalidParams,
                "\(path): neither a data directory (no \(Catalogue.fileName), no collections) nor a snapshot")
        }
        let lock = try DataLock.take(path, fileSystem)
        defer { lock.release() }
        return try dataDirectory(path)
    }

    func isDataDirectory(_ path: String) throws(DatabaseError) -> Bool {
        if try fileSystem.kind(of: "\(path)/\(Catalogue.fileName)") == .file { return true }
        return try fileSystem.kind(of: "\(path)/collections") == .directory
    }

    // MARK: A data directory

    /// The caller holds its lock.
    func dataDirectory(_ path: String) throws(DatabaseError) -> CheckReport {
        var report = CheckReport(kind: "data directory")
        var catalogue: Catalogue?
        do throws(DatabaseError) {
            catalogue = try Catalogue.read(fileSystem, directory: path)
        } catch {
            let file = "\(path)/\(Catalogue.fileName)"
            let missing = DatabaseError.corruption(file: file, offset: 0, what: "the file is missing")
            report.findings.append(
                Finding(.catalogue, error.kind == .notFound ? missing : error, file: file))
        }
        try collections(path, catalogue, &report)
        try snapshots(path, &report)
        return report
    }

    private func collections(
        _ path: String, _ catalogue: Catalogue?, _ report: inout CheckReport
    ) throws(DatabaseError) {
        let folder = "\(path)/collections"
        let there =
            try fileSystem.kind(of: folder) == .directory ? try fileSystem.list(folder) : []
        for entry in catalogue?.collections ?? [] where !there.contains(entry.incarnation.hex) {
            report.findings.append(
                Finding(
                    .collection(entry.incarnation), file: "\(folder)/\(entry.incarnation.hex)",
                    what: "the directory of collection \"\(entry.name)\" is missing"))
        }
        for name in there {
            let named = catalogue?.collections.first { $0.incarnation.hex == name }
            guard let incarnation = Incarnation(hex: name), catalogue == nil || named != nil else {
                report.findings.append(
                    Finding(
                        .note, file: "\(folder)/\(name)", what: "in no catalogue: the next start removes it"))
                continue
            }
            let inspection = try CollectionInspection(
                fileSystem, folder: "\(folder)/\(name)", owner: .collection(incarnation))
            report.findings += inspection.findings
            report.contents.append(
                "collection \(named.map { "\"\($0.name)\"" } ?? name): \(Self.counts(inspection))")
        }
    }

    private static func counts(_ inspection: CollectionInspection) -> String {
        "\(inspection.segments) segments, \(inspection.rows) rows, \(inspection.points) living at the checkpoint, "
            + "\(inspection.writes) writes behind it"
    }

    // MARK: Snapshots

    private func snapshots(_ path: String, _ report: inout CheckReport) throws(DatabaseError) {
        let folder = "\(path)/snapshots"
        guard try fileSystem.kind(of: folder) == .directory else { return }
        for name in try fileSystem.list(folder) {
            if SnapshotName.isValid(name), try fileSystem.kind(of: "\(folder)/\(name)") == .directory {
                try snapshot("\(folder)/\(name)", name: name, &report)
            } else {
                report.findings.append(
                    Finding(
                        .note, file: "\(folder)/\(name)", what: "no snapshot, or one that was never finished")
                )
            }
        }
    }

    /// The files against their hashes; then what is in them.
    private func snapshot(
        _ path: String, name: String, _ report: inout CheckReport
    ) throws(DatabaseError) {
        let file = "\(path)/\(SnapshotManifest.fileName)"
        let before = report.findings.count
        do throws(DatabaseError) {
            let directory = SnapshotDirectory(fileSystem, path: Self.parent(of: path))
            let (manifest, _) = try directory.read(Self.lastPart(of: path))
            let wrong = try directory.differences(Self.lastPart(of: path), manifest)
            report.findings += wrong.map { Finding(.snapshot(name), $0, file: file) }
            let inspection = try CollectionInspection(fileSystem, folder: path, owner: .snapshot(name))
            // A file whose hash is wrong is told once, unless its own format says where.
            report.findings += inspection.findings
            try probes(path, manifest, name, &report)
            report.contents.append(
                "snapshot \(name) of \"\(manifest.collection)\" at write \(manifest.lsn): "
                    + "\(manifest.points) points, \(Self.counts(inspection))")
            if report.findings.count == before { report.wholeSnapshots.append((name, manifest)) }
        } catch {
            guard error.kind == .corruption || error.kind == .storageFailed else { throw error }
            report.findings.append(Finding(.snapshot(name), error, file: file))
        }
    }

    private func probes(
        _ path: String, _ manifest: SnapshotManifest, _ name: String, _ report: inout CheckReport
    ) throws(DatabaseError) {
        let file = "\(path)/\(ProbeFile.fileName)"
        guard try fileSystem.kind(of: file) == .file else { return }
        do throws(DatabaseError) {
            let probes = try ProbeFile.read(fileSystem, path: file)
            guard probes.incarnation == manifest.incarnation, probes.lsn == manifest.lsn else {
                throw .corruption(file: file, offset: 16, what: "the probes of another snapshot")
            }
        } catch {
            report.findings.append(Finding(.snapshot(name), error, file: file))
        }
    }

    private static func parent(of path: String) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        let parent = parts.dropLast().joined(separator: "/")
        if path.utf8.first == UInt8(ascii: "/") { return "/" + parent }
        return parent.isEmpty ? "." : parent
    }

    private static func lastPart(of path: String) -> String {
        String(path.split(separator: "/", omittingEmptySubsequences: true).last ?? "")
    }

    // MARK: Single files

    private func file(_ path: String) throws(DatabaseError) -> CheckReport {
        let kind = try FileKindOfOurs(of: path, fileSystem)
        var report = CheckReport(kind: kind.name)
        do throws(DatabaseError) {
            report.contents = try FileCheck(fileSystem, path: path).run(kind)
        } catch {
            guard error.kind == .corruption || error.kind == .storageFailed else { throw error }
            report.findings.append(Finding(.archive, error, file: path))
        }
        return report
    }
}

/// The lock of a data directory, which a server holds while it runs.
enum DataLock {
    static func take(_ path: String, _ fileSystem: any FileSystem) throws(DatabaseError) -> any FileLock {
        do throws(DatabaseError) {
            return try fileSystem.lock("\(path)/LOCK")
        } catch  where error.kind == .conflict {
            throw DatabaseError(
                .conflict, "a server has the data directory \(path) (its LOCK is held): stop it first")
        }
    }
}
