import ArgumentParser
import Glibc
import NeedleClient

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring back everything that needletail backup saved.",
        discussion: """
            Everything is sent and checked before the first collection appears. Collections
            and aliases get the names they had, so none of them may be there already. When
            something goes wrong, what this command made is removed again.

            EXAMPLES
              needletail restore /mnt/backups/2026-11-21
            """)

    @Argument(help: "The directory of a backup.", completion: .directory)
    var directory: String
    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        let interrupt = Interrupt(terminal, "stopping")
        let list = try readList()
        try await global.withClient { client in
            try await refuseTaken(list, client)
            let snapshots = try await send(list, client, terminal, interrupt)
            var restored: [String] = []
            do {
                for (entry, snapshot) in zip(list.collections, snapshots) {
                    if interrupt.isRaised { throw CancellationError() }
                    if !quiet { terminal.say("restoring \(entry.name)") }
                    _ = try await client.call(
                        "snapshot.restore", ["snapshot": .string(snapshot), "as": .string(entry.name)],
                        timeout: .none)
                    restored.append(entry.name)
                }
                try await setAliases(list, client)
            } catch {
                await client.tidy(restored) {
                    try await client.deleteCollection($0, timeout: .after(.seconds(5)))
                }
                await client.dropSnapshots(snapshots)
                throw error
            }
            await client.dropSnapshots(snapshots)
            let points = list.collections.reduce(0) { $0 + $1.points }
            terminal.print(
                "restored \(Numbers.count(list.collections.count, "collection"))"
                    + " (\(Numbers.count(points, "point"))) and "
                    + "\(list.aliases.count) \(list.aliases.count == 1 ? "alias" : "aliases")")
        }
    }

    private func readList() throws -> BackupList {
        let path = "\(directory)/\(BackupList.fileName)"
        guard let text = InputFile.contents(of: path) else {
            let isThere = Folder.names(in: directory) != nil
            throw Failure(
                .badInput, "\(directory) is no backup: it has no file \(BackupList.fileName)",
                advice: isThere ? ["a backup that was interrupted is none; make it again"] : [])
        }
        let list = try BackupList(parsing: text, file: path)
        for entry in list.collections {
            let size = try InputFile("\(directory)/\(entry.file)").size
            guard size == entry.bytes else {
                throw Failure(
                    .badInput,
                    "\(directory)/\(entry.file) is damaged: \(size ?? 0) bytes, \(entry.bytes) expected")
            }
        }
        return list
    }

    private func refuseTaken(_ list: BackupList, _ client: NeedletailClient) async throws {
        let taken = Set(try await client.collections().map(\.name))
            .union(try await client.aliasesIfKnown().map(\.alias))
        let wanted = list.collections.map(\.name) + list.aliases.map(\.alias)
        let both = wanted.filter(taken.contains)
        guard both.isEmpty else {
            throw Failure(
                .refused, "already on the server: \(both.sorted().joined(separator: ", "))",
                advice: ["restore to another server, or drop them first: needletail drop COLLECTION"])
        }
    }

    /// Sends all archives.
    ///
    /// - Returns: the snapshots they became, in the order of the list.
    private func send(
        _ list: BackupList, _ client: NeedletailClient, _ terminal: Terminal, _ interrupt: Interrupt
    ) async throws -> [String] {
        var snapshots: [String] = []
        do {
            for (index, entry) in list.collections.enumerated() {
                let input = try InputFile("\(directory)/\(entry.file)")
                var progress = TransferPrinter("sending \(entry.name)", terminal, quiet: quiet)
                let imported = try await client.importSnapshot(
                    ArchiveBytes(file: input, interrupt: interrupt, sha256: entry.sha256),
                    as: "restore-\(list.createdMS)-\(getpid())-\(index)", timeout: global.transferTimeout
                ) { progress.show($0) }
                progress.end()
                snapshots.append(imported.snapshot)
            }
        } catch {
            await client.dropSnapshots(snapshots)
            throw error
        }
        return snapshots
    }

    private func setAliases(_ list: BackupList, _ client: NeedletailClient) async throws {
        guard !list.aliases.isEmpty else { return }
        try await client.setAliases(
            Dictionary(list.aliases.map { ($0.alias, $0.collection) }, uniquingKeysWith: { $1 }))
    }
}
