import ArgumentParser
import NeedleClient
import Synchronization

struct CreateSnapshot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Take a snapshot of a collection.",
        discussion: """
            Writers go on meanwhile. The snapshot's name is printed.

            EXAMPLES
              needletail snapshot create docs
            """)

    @Argument(help: "The collection.")
    var collection: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        let wait = WorkProgress(terminal)
        try await global.withClient(collection: collection) { client in
            let snapshot = try await client.createSnapshot(
                of: collection, timeout: global.waitTimeout, onProgress: wait.show)
            wait.end()
            if output.json { return terminal.print(SnapshotText.json(snapshot).description) }
            terminal.print(snapshot.name)
            terminal.say(
                "\(Numbers.count(snapshot.points, "point")), \(Numbers.bytes(snapshot.bytes)), "
                    + "SHA-256 \(snapshot.sha256)")
        }
    }
}

struct ListSnapshots: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List snapshots.",
        discussion: """
            EXAMPLES
              needletail snapshot list
              needletail snapshot list docs --json
            """)

    @Argument(help: "Only those taken of a collection of this name.")
    var collection: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        try await global.withClient { client in
            let snapshots = try await client.snapshots(of: collection)
            if output.json {
                for snapshot in snapshots { terminal.print(SnapshotText.json(snapshot).description) }
                return
            }
            guard !snapshots.isEmpty else {
                terminal.say("no snapshots; take one: needletail snapshot create COLLECTION")
                return
            }
            var table = Table([
                .init("SNAPSHOT"), .init("COLLECTION"), .init("LSN", right: true),
                .init("POINTS", right: true), .init("SIZE", right: true),
            ])
            for snapshot in snapshots {
                table.add([
                    snapshot.name, snapshot.collection, String(snapshot.lsn),
                    Numbers.grouped(snapshot.points), Numbers.bytes(snapshot.bytes),
                ])
            }
            terminal.print(table.lines(width: terminal.width, style: terminal.style))
        }
    }
}

struct DeleteSnapshot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a snapshot.",
        discussion: """
            Collections are not touched, neither the one it was taken of nor those restored
            from it.

            EXAMPLES
              needletail snapshot delete docs-42
            """)

    @Argument(help: "The snapshot.")
    var snapshot: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        try await global.withClient { client in
            try await client.deleteSnapshot(snapshot)
            terminal.print("deleted \(snapshot)")
        }
    }
}

struct VerifySnapshot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Prove that a snapshot can be restored.",
        discussion: """
            Compares every file with its SHA-256, restores the snapshot into scratch, and
            asks the searches whose exact answers it holds.

            EXAMPLES
              needletail snapshot verify docs-42
            """)

    @Argument(help: "The snapshot.")
    var snapshot: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        let wait = WorkProgress(terminal)
        try await global.withClient { client in
            let result = try await client.verifySnapshot(
                snapshot, timeout: global.waitTimeout, onProgress: wait.show)
            wait.end()
            terminal.print(
                "\(snapshot) is whole: \(Numbers.count(result.files, "file")), "
                    + "\(Numbers.bytes(result.bytes)), \(Numbers.count(result.points, "point")), "
                    + "\(Numbers.count(result.probes, "probe")) answered as before")
        }
    }
}

struct RestoreSnapshot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a new collection of a snapshot.",
        discussion: """
            Everything is checked before anything of it is visible. With --to-lsn or
            --to-time it goes on behind the snapshot, as far as the log is kept
            (storage.log_archive in the server's configuration).

            EXAMPLES
              needletail snapshot restore docs-42 --as docs-copy
              needletail snapshot restore docs-42 --as docs-before --to-lsn 57
            """)

    @Argument(help: "The snapshot.")
    var snapshot: String
    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("What to call the collection.", valueName: "collection"))
    var name: String
    @Option(help: ArgumentHelp("On through this write.", valueName: "lsn"))
    var toLsn: UInt64?
    @Option(
        help: ArgumentHelp(
            "On through the last write at or before this time, in ms since 1970.", valueName: "ms"))
    var toTime: Int?
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if toLsn != nil, toTime != nil {
            throw ValidationError("--to-lsn and --to-time exclude each other")
        }
    }

    func run() async throws {
        let terminal = Terminal.current()
        let wait = WorkProgress(terminal)
        let point = toLsn.map { RestorePoint.lsn($0) } ?? toTime.map { .time($0) } ?? .snapshot
        try await global.withClient { client in
            let restored = try await client.restoreSnapshot(
                snapshot, as: name, to: point, timeout: global.waitTimeout, onProgress: wait.show)
            wait.end()
            terminal.print(
                "restored \(name): \(Numbers.count(restored.points, "point")) at LSN \(restored.lsn)")
        }
    }
}

/// A snapshot as one line of JSON.
private enum SnapshotText {
    static func json(_ snapshot: SnapshotInfo) -> JSONObject {
        [
            "snapshot": .string(snapshot.name), "collection": .string(snapshot.collection),
            "lsn": .integer(Int64(clamping: snapshot.lsn)), "points": .integer(Int64(snapshot.points)),
            "bytes": .integer(Int64(snapshot.bytes)), "sha256": .string(snapshot.sha256),
        ]
    }
}

/// The line that shows how far the server is with a job that the command waits for.
private final class WorkProgress: Sendable {
    private let start = ContinuousClock.now
    private let printer: Mutex<ProgressPrinter>

    init(_ terminal: Terminal) {
        printer = Mutex(ProgressPrinter(terminal))
    }

    var show: @Sendable (Progress) -> Void {
        { progress in
            var line = ProgressLine(label: progress.phase, unit: "steps")
            line.done = progress.done
            line.fraction = progress.total > 0 ? Double(progress.done) / Double(progress.total) : nil
            line.elapsed = self.start.duration(to: .now).seconds
            self.printer.withLock { $0.show(line) }
        }
    }

    func end() {
        printer.withLock { $0.end() }
    }
}

extension GlobalOptions {
    /// None while something long is waited for, unless one was given.
    fileprivate var waitTimeout: Timeout? { timeout == nil ? nil : clientTimeout }
}
