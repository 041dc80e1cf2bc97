import ArgumentParser
import Glibc
import NeedleClient

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write all collections, their configuration and all aliases into a directory.",
        discussion: """
            Each collection is saved as it was at one moment, while it goes on taking writes;
            all moments are close together. The directory is made, or has to be empty. It is
            a backup once it holds the file BACKUP, which is written last.

            needletail restore DIR brings everything back, on this server or another.

            EXAMPLES
              needletail backup /mnt/backups/2026-11-21
            """)

    @Argument(help: "The directory.", completion: .directory)
    var directory: String
    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        let interrupt = Interrupt(terminal, "stopping")
        try await global.withClient { client in
            try await Self.refuseDamaged(client)
            var folder = try BackupFolder(creating: directory)
            do {
                let list = try await save(client, &folder, terminal, interrupt)
                try folder.commit(list)
                let (points, bytes) = list.collections.reduce((0, 0)) { ($0.0 + $1.points, $0.1 + $1.bytes) }
                terminal.print(
                    "backed up \(Numbers.count(list.collections.count, "collection"))"
                        + " (\(Numbers.count(points, "point")), \(Numbers.bytes(bytes))) and "
                        + "\(list.aliases.count) \(list.aliases.count == 1 ? "alias" : "aliases") to \(directory)"
                )
            } catch {
                folder.abandon()
                throw error
            }
        }
    }

    /// A backup without a collection that should be in it would be taken for whole one day.
    private static func refuseDamaged(_ client: NeedletailClient) async throws {
        let damaged = try await client.health().collections.filter { $0.state == "quarantined" }
        guard damaged.isEmpty else {
            throw Failure(
                .refused, "cannot back up \(damaged.map(\.name).joined(separator: ", ")): quarantined",
                advice: damaged.map { "\($0.name): \($0.reason ?? "damaged")" })
        }
    }

    private func save(
        _ client: NeedletailClient, _ folder: inout BackupFolder, _ terminal: Terminal, _ interrupt: Interrupt
    ) async throws -> BackupList {
        var list = BackupList(
            serverVersion: try await client.serverInfo().version, createdMS: try await client.ping())
        list.aliases = try await client.aliasesIfKnown()
        let names = try await client.collections().map(\.name)
        // All snapshots first: the moments they show lie close together.
        var snapshots: [BackupSnapshot] = []
        do {
            for name in names {
                if interrupt.isRaised { throw CancellationError() }
                snapshots.append(try await client.takeSnapshot(of: name))
            }
            for (index, snapshot) in snapshots.enumerated() {
                let file = BackupFolder.fileName(index, snapshot.collection)
                let output = try folder.file(file)
                var progress = TransferPrinter("saving \(snapshot.collection)", terminal, quiet: quiet)
                let sha256 = try await client.export(
                    snapshot.name, to: output, global.transferTimeout, interrupt
                ) { progress.show($0) }
                progress.end()
                list.collections.append(
                    BackupList.Collection(
                        name: snapshot.collection, file: file, bytes: output.byteCount, sha256: sha256,
                        points: snapshot.points, lsn: snapshot.lsn))
            }
        } catch {
            await client.dropSnapshots(snapshots.map(\.name))
            throw error
        }
        await client.dropSnapshots(snapshots.map(\.name))
        return list
    }
}

/// A directory that is becoming a backup.
struct BackupFolder {
    private let path: String
    private let wasMade: Bool
    private var files: [String] = []

    /// - Throws: a `Failure` when the directory is not empty or cannot be made.
    init(creating path: String) throws(Failure) {
        self.path = path
        wasMade = mkdir(path, 0o700) == 0
        guard wasMade || errno == EEXIST, let names = Folder.names(in: path) else {
            throw Failure(.refused, "cannot make \(path): \(String(cString: strerror(errno)))")
        }
        guard names.isEmpty else {
            let advice =
                names.contains(BackupList.fileName)
                ? "it holds a backup already: name another directory"
                : "if that is a backup that was interrupted, remove it: rm -r \(path)"
            throw Failure(.usage, "\(path) is not empty", advice: [advice])
        }
    }

    /// `0001-packages.archive`: in order, and readable.
    static func fileName(_ index: Int, _ collection: String) -> String {
        let digits = String(index + 1)
        let padding = String(repeating: "0", count: max(0, 4 - digits.count))
        return "\(padding)\(digits)-\(collection.prefix(100)).archive"
    }

    mutating func file(_ name: String) throws(Failure) -> OutputFile {
        files.append(name)
        return try OutputFile("\(path)/\(name)")
    }

    /// Makes it a backup; durable when it returns.
    func commit(_ list: BackupList) throws(Failure) {
        let output = try OutputFile("\(path)/\(BackupList.fileName)")
        try output.write(Array(list.text.utf8))
        try output.finish()
        Folder.sync(Folder.parent(of: path))
    }

    /// Removes what was written.
    func abandon() {
        for file in files { unlink("\(path)/\(file)") }
        if wasMade { rmdir(path) }
    }
}

/// A snapshot that was taken for a backup.
struct BackupSnapshot {
    var name: String
    var collection: String
    var points: Int
    var lsn: UInt64
}

extension NeedletailClient {
    func takeSnapshot(of collection: String) async throws -> BackupSnapshot {
        let made = try await call("snapshot.create", ["collection": .string(collection)], timeout: .none)
        guard let name = made["snapshot"]?.stringValue, let points = made["points"]?.intValue,
            let lsn = made["lsn"]?.intValue
        else {
            throw Failure(.broken, "the server's answer to snapshot.create cannot be read")
        }
        return BackupSnapshot(name: name, collection: collection, points: points, lsn: UInt64(max(0, lsn)))
    }

    /// Best effort, also when the work they were for has failed: they cost the server disk space.
    func dropSnapshots(_ names: [String]) async {
        await tidy(names) { name in
            _ = try await self.call(
                "snapshot.delete", ["snapshot": .string(name)], timeout: .after(.seconds(5)))
        }
    }

    /// Does something for each name, as far as it goes, also in a task that was cancelled. A server that is not there
    /// any more is not asked again.
    func tidy(_ names: [String], _ body: @escaping @Sendable (String) async throws -> Void) async {
        await Task {
            for name in names {
                do {
                    try await body(name)
                } catch let error as NeedletailError where error.code == nil {
                    return
                } catch {
                    continue
                }
            }
        }.value
    }

    /// The server's aliases; none on a server that has no aliases.
    func aliasesIfKnown() async throws -> [(alias: String, collection: String)] {
        do {
            return try await aliases().sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        } catch let error as NeedletailError where error.kind == .unknownMethod {
            return []
        }
    }
}
