// Carrying out a repair. Before anything is taken out of use it has a second name in the quarantine directory, durable,
// with the reason beside it; only then is the collection changed, in the order that the server keeps (invariant 5). So
// a crash in the middle loses nothing, and the repair can be run again.

package import NeedleCore
import NeedleEngine
import NeedleStorage

/// `needletail repair`.
package struct OfflineRepair {
    private let fileSystem: any FileSystem
    private let path: String
    private let lock: any FileLock

    /// What was found, and what would be done about it.
    package let report: CheckReport
    package let plan: RepairPlan

    /// Checks the data directory and keeps servers out of it until `end`.
    ///
    /// - Throws: `conflict` when a server has it; `invalid_params` when it is no data directory.
    package init(_ fileSystem: any FileSystem, path: String) throws(DatabaseError) {
        let check = OfflineCheck(fileSystem)
        guard try fileSystem.kind(of: path) == .directory, try check.isDataDirectory(path) else {
            throw DatabaseError(.invalidParams, "\(path): not a data directory")
        }
        lock = try DataLock.take(path, fileSystem)
        self.fileSystem = fileSystem
        self.path = path
        report = try check.dataDirectory(path)
        plan = try RepairPlan(fileSystem, path: path, report)
    }

    package func end() { lock.release() }

    /// Does what the plan says.
    ///
    /// - Parameter salt: any number that differs from run to run.
    /// - Returns: the quarantine directory, and a check of the directory as it is now.
    package func carryOut(salt: UInt64) throws(DatabaseError) -> (quarantine: String, after: CheckReport) {
        let quarantine = try makeQuarantine()
        for step in plan.steps {
            switch step {
            case .rebuildCatalogue(let entries, let unreadable):
                try rebuildCatalogue(entries, unreadable, quarantine)
            case .removeSegments(let incarnation, let ids):
                try removeSegments(ids, of: incarnation, quarantine)
            case .rewriteLog(let incarnation):
                try LogRescue(fileSystem, collection: folder(incarnation), incarnation: incarnation)
                    .run(quarantine: quarantine, salt: salt)
            case .removeMeasured(let incarnation, let name):
                try moveAside("collections/\(incarnation.hex)/\(name)", quarantine)
            case .removeSnapshot(let name): try moveAside("snapshots/\(name)", quarantine)
            }
        }
        return (quarantine, try OfflineCheck(fileSystem).dataDirectory(path))
    }

    private func folder(_ incarnation: Incarnation) -> String { "\(path)/collections/\(incarnation.hex)" }

    // MARK: Quarantine

    /// `DIR/quarantine/<n>` with the file REASON: all findings and all that is done.
    private func makeQuarantine() throws(DatabaseError) -> String {
        try fileSystem.ensureDirectory("\(path)/quarantine")
        var number = 1
        while try fileSystem.exists("\(path)/quarantine/\(number)") { number += 1 }
        let quarantine = "\(path)/quarantine/\(number)"
        try fileSystem.ensureDirectory(quarantine)
        let text =
            ["found:"] + report.findings.filter(\.isDamage).map { "  \($0.text)" } + ["done:"]
            + plan.lines.map { "  \($0)" }
        try AtomicFile.replace(
            fileSystem, "\(quarantine)/REASON", with: Array((text.joined(separator: "\n") + "\n").utf8))
        return quarantine
    }

    /// Gives a file, or everything in a directory, a second name in quarantine; durable when it returns.
    private func keep(_ relative: String, _ quarantine: String) throws(DatabaseError) {
        let source = "\(path)/\(relative)"
        let target = "\(quarantine)/\(relative)"
        try makeParents(of: relative, in: quarantine)
        switch try fileSystem.kind(of: source) {
        case .directory?:
            try fileSystem.ensureDirectory(target)
            for name in try fileSystem.list(source) { try keep("\(relative)/\(name)", quarantine) }
        case .file?:
            guard try !fileSystem.exists(target) else { return }
            try fileSystem.linkOrCopy(source, to: target)
            try fileSystem.syncDirectory(PosixFileSystem.parent(of: target))
        default: return
        }
    }

    private func makeParents(of relative: String, in quarantine: String) throws(DatabaseError) {
        var folder = quarantine
        for part in relative.split(separator: "/").dropLast() {
            folder += "/\(part)"
            try fileSystem.ensureDirectory(folder)
        }
    }

    /// Moves what the server does not need.
    private func moveAside(_ relative: String, _ quarantine: String) throws(DatabaseError) {
        try makeParents(of: relative, in: quarantine)
        let (source, target) = ("\(path)/\(relative)", "\(quarantine)/\(relative)")
        try fileSystem.rename(source, to: target)
        try fileSystem.syncDirectory(PosixFileSystem.parent(of: target))
        try fileSystem.syncDirectory(PosixFileSystem.parent(of: source))
    }

    // MARK: Steps

    private func rebuildCatalogue(
        _ entries: [Catalogue.Entry], _ unreadable: [String], _ quarantine: String
    ) throws(DatabaseError) {
        try keep(Catalogue.fileName, quarantine)
        // No catalogue names them any more, so the next start would remove them.
        for directory in unreadable { try moveAside("collections/\(directory)", quarantine) }
        // Above that of any catalogue before, whatever it was.
        try Catalogue(collections: entries, generation: 1 << 40).write(fileSystem, directory: path)
    }

    private func removeSegments(
        _ ids: [UInt64], of incarnation: Incarnation, _ quarantine: String
    ) throws(DatabaseError) {
        let folder = folder(incarnation)
        var manifest = try Manifest.read(fileSystem, directory: folder)
        let before = manifest.fileNames
        try keep("collections/\(incarnation.hex)/\(Manifest.fileName)", quarantine)
        manifest.segments.removeAll { ids.contains($0.id) }
        let gone = before.subtracting(manifest.fileNames).sorted()
        for file in gone { try keep("collections/\(incarnation.hex)/\(file)", quarantine) }
        try manifest.write(fileSystem, directory: folder)
        for file in gone { try fileSystem.unlinkIfPresent("\(folder)/\(file)") }
        try fileSystem.syncDirectory(folder)
    }
}
