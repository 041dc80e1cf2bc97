import NeedleCore
import NeedleStorage

/// Writes a damaged log anew, from all writes in it that are whole.
///
/// Writes keep their LSNs and times; gaps are legal. The effects of a write do not depend on those before it, so what
/// comes behind a damaged one is right by itself: only what the damaged ones wrote is missing.
struct LogRescue {
    private let fileSystem: any FileSystem
    private let collection: String
    private let incarnation: Incarnation

    /// LSNs left out behind the last one found: what was lost may have been answered with them.
    private static let skippedLSNs: UInt64 = 1 << 30

    init(_ fileSystem: any FileSystem, collection: String, incarnation: Incarnation) {
        self.fileSystem = fileSystem
        self.collection = collection
        self.incarnation = incarnation
    }

    func run(quarantine: String, salt: UInt64) throws(DatabaseError) {
        let manifest = try Manifest.read(fileSystem, directory: collection)
        let live = "\(collection)/log"
        try fileSystem.ensureDirectory(live)
        let old = try fileSystem.list(live)
        try keep(old, in: quarantine)
        let scratch = "\(quarantine)/log.new-\(incarnation.hex)"
        try fileSystem.removeTree(scratch)
        try fileSystem.ensureDirectory(scratch)
        try rescue(from: live, to: scratch, manifest, salt: salt)
        // The new file holds all that the old ones do: whichever of them are there after a crash, a repair finds it all.
        let new = try fileSystem.list(scratch)
        for name in new { try fileSystem.rename("\(scratch)/\(name)", to: "\(live)/\(name)") }
        try fileSystem.syncDirectory(live)
        for name in old where !new.contains(name) { try fileSystem.unlink("\(live)/\(name)") }
        try fileSystem.syncDirectory(live)
        try fileSystem.removeTree(scratch)
    }

    private func keep(_ names: [String], in quarantine: String) throws(DatabaseError) {
        var folder = quarantine
        for part in ["collections", incarnation.hex, "log"] {
            folder += "/\(part)"
            try fileSystem.ensureDirectory(folder)
        }
        for name in names where try !fileSystem.exists("\(folder)/\(name)") {
            try fileSystem.linkOrCopy("\(collection)/log/\(name)", to: "\(folder)/\(name)")
        }
        try fileSystem.syncDirectory(folder)
    }

    private func rescue(
        from live: String, to scratch: String, _ manifest: Manifest, salt: UInt64
    ) throws(DatabaseError) {
        let found = try LogInspection(
            fileSystem, directory: live, incarnation: incarnation, checkpoint: manifest.checkpointLSN)
        // One file, however long: a second one would begin while the first has not its place yet.
        let log = try LocalLog.create(
            fileSystem, directory: scratch, incarnation: incarnation, firstLSN: manifest.checkpointLSN.next,
            saltSeed: salt, options: LogOptions(rollBytes: .max))
        let last = try found.rescue(behind: manifest.checkpointLSN) { (frame, bodies) throws(DatabaseError) in
            _ = try log.append(lsn: frame.lsn, timeMS: frame.timeMS, epoch: frame.epoch, bodies: bodies)
        }
        let ceiling = max(last, manifest.lsnCeiling).value
        try log.reserveLSNs(through: LSN(ceiling &+ Self.skippedLSNs))
        try log.close()
    }
}
