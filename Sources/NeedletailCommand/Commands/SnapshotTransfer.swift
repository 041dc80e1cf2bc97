import ArgumentParser
import NeedleClient

struct ExportSnapshot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a snapshot into one file.",
        discussion: """
            The file holds everything and can be imported into any server. Snapshots share
            their files with the live collections: only what was exported is a backup.

            The file appears when it is whole. Nothing of it is made on the server's disk.

            EXAMPLES
              needletail snapshot export docs-42 docs.archive
              needletail snapshot export docs-42 - | ssh backup 'cat > docs.archive'
            """)

    @Argument(help: "The snapshot.")
    var snapshot: String
    @Argument(help: "The file to write; - is standard output.", completion: .file())
    var file: String
    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        let interrupt = Interrupt(terminal, "stopping")
        let output = try OutputFile(file)
        var progress = TransferPrinter("exporting \(snapshot)", terminal, quiet: quiet)
        try await global.withClient { client in
            let sha256 = try await client.export(
                snapshot, to: output, global.transferTimeout, interrupt
            ) { progress.show($0) }
            progress.end()
            // Standard output may be the archive.
            terminal.say(
                "exported \(snapshot): \(Numbers.bytes(output.byteCount)) in \(progress.took), SHA-256 \(sha256)"
            )
        }
    }
}

struct ImportSnapshot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make a snapshot of a file that was exported.",
        discussion: """
            The snapshot is visible once all of the file has come and every checksum in it
            was found right; before that, nothing of it is. To make a collection of it:
            needletail snapshot restore SNAPSHOT --as COLLECTION.

            EXAMPLES
              needletail snapshot import docs.archive
              ssh backup 'cat docs.archive' | needletail snapshot import - --as docs-copy
            """)

    @Argument(help: "The file to read; - is standard input.", completion: .file())
    var file: String
    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("What to call the snapshot. Default: the server names it.", valueName: "snapshot"))
    var name: String?
    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        let interrupt = Interrupt(terminal, "stopping")
        let input = try InputFile(file)
        var progress = TransferPrinter("importing \(input.name)", terminal, quiet: quiet)
        try await global.withClient { client in
            let imported = try await client.importSnapshot(
                ArchiveBytes(file: input, interrupt: interrupt), as: name, timeout: global.transferTimeout
            ) { progress.show($0) }
            progress.end()
            terminal.print(
                "\(imported.snapshot): \(Numbers.count(imported.points, "point")) of \(imported.collection)"
                    + " at lsn \(imported.lsn), \(Numbers.bytes(imported.bytes)) in \(progress.took)")
        }
    }
}

extension NeedletailClient {
    /// Writes a snapshot's archive.
    ///
    /// - Returns: the SHA-256 of the file.
    func export(
        _ snapshot: String, to output: OutputFile, _ timeout: Timeout, _ interrupt: Interrupt,
        onProgress: (TransferProgress) -> Void
    ) async throws -> String {
        for try await piece in exportSnapshot(snapshot, timeout: timeout) {
            if interrupt.isRaised { throw CancellationError() }
            try output.write(piece.bytes)
            onProgress(piece.progress)
        }
        return try output.finish()
    }
}

extension GlobalOptions {
    /// For each piece of an archive: reading and writing files may take longer than an answer.
    var transferTimeout: Timeout { timeout == nil ? .after(.seconds(120)) : clientTimeout }
}

/// Shows how much of an archive is through.
struct TransferPrinter {
    private let label: String
    private var printer: ProgressPrinter
    private let start = ContinuousClock.now

    init(_ label: String, _ terminal: Terminal, quiet: Bool) {
        self.label = label
        printer = ProgressPrinter(terminal, quiet: quiet)
    }

    mutating func show(_ progress: TransferProgress) {
        var line = ProgressLine(label: label, unit: "MiB")
        line.done = progress.done >> 20
        line.fraction = progress.total.map { $0 > 0 ? Double(progress.done) / Double($0) : 1 }
        line.elapsed = start.duration(to: .now).seconds
        printer.show(line)
    }

    mutating func end() { printer.end() }

    /// The time since the beginning, for people.
    var took: String { Numbers.fixed(start.duration(to: .now).seconds, 1) + " s" }
}
