import ArgumentParser
import NeedleClient

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write points from JSON Lines files or standard input.",
        discussion: """
            Each line is a point: {"id":1, "vector":[...], "payload":{...}}, with
            "vectors":{"title":[...]} for several spaces, or "text":"..." in a collection
            with a model. Any other rows can be mapped: --id-key, --text-key and
            --vector-key name the keys of id, text and vector, and all other keys become
            the payload.

            Writing the same rows again is harmless, so an import that was interrupted is
            simply run again. It stops at the first row that is malformed (unless
            --skip-bad) or refused, and says which one it is.

            EXAMPLES
              needletail import photos photos.jsonl
              zcat packages.jsonl.gz | needletail import packages --text-key text \\
                --create --model all-MiniLM-L6-v2
              needletail import books rows.jsonl --id-key isbn --vector-key embedding \\
                --create --size 768
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Argument(
        help: "JSON Lines files; - or nothing is standard input.",
        completion: .file(extensions: ["jsonl", "json"]))
    var files: [String] = []
    @Option(help: ArgumentHelp("The key of a row's id. Default: id.", valueName: "key"))
    var idKey: String?
    @Option(help: ArgumentHelp("The key of the text that the server embeds.", valueName: "key"))
    var textKey: String?
    @Option(
        help: ArgumentHelp(
            "The key of the vector: numbers, or base64 of little-endian float32.", valueName: "key"))
    var vectorKey: String?
    @Flag(help: "Leave malformed lines out and say so.")
    var skipBad = false
    @Option(help: ArgumentHelp("Stop after this many points.", valueName: "n"))
    var limit: Int?
    @Flag(help: "Create the collection first if it does not exist; needs --size or --model.")
    var create = false
    @OptionGroup var vectors: SpaceOptions
    @Option(help: ArgumentHelp("Points per batch; a batch is written wholly or not at all.", valueName: "n"))
    var batch = 500
    @Option(help: ArgumentHelp("Batches sent and not yet acknowledged.", valueName: "n"))
    var inFlight = 4
    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if create != (vectors.space != nil) {
            throw ValidationError(
                create ? "--create needs --size or --model" : "--size and --model are for --create")
        }
        guard batch > 0, inFlight > 0, limit ?? 1 > 0 else {
            throw ValidationError("--batch, --in-flight and --limit are at least 1")
        }
    }

    /// How rows become points, `nil` when they are points already.
    var mapping: RowMapping? {
        guard idKey != nil || textKey != nil || vectorKey != nil else { return nil }
        return RowMapping(idKey: idKey ?? "id", textKey: textKey, vectorKey: vectorKey)
    }

    func run() async throws {
        let terminal = Terminal.current()
        let interrupt = Interrupt(terminal)
        let inputs = try (files.isEmpty ? ["-"] : files).map { try InputFile($0) }
        let source = RowSource(
            files: inputs, mapping: mapping, skipsBad: skipBad, limit: limit,
            isInterrupted: { interrupt.isRaised }, warn: { terminal.say($0) })
        try await global.withClient(collection: collection) { client in
            try await createIfNeeded(client, terminal)
            try await write(source, client, terminal, interrupt)
        }
    }

    private func createIfNeeded(_ client: NeedletailClient, _ terminal: Terminal) async throws {
        guard create, let space = vectors.space else { return }
        do {
            try await client.createCollection(collection, space)
            if !quiet { terminal.say("created \(collection)") }
        } catch let error as NeedletailError where error.kind == .alreadyExists {
            return
        }
    }

    private func write(
        _ source: RowSource, _ client: NeedletailClient, _ terminal: Terminal, _ interrupt: Interrupt
    ) async throws {
        var options = ImportOptions()
        options.batchPoints = batch
        options.batchesInFlight = inFlight
        if global.timeout != nil { options.timeout = global.clientTimeout }
        var printer = ProgressPrinter(terminal, quiet: quiet)
        let start = ContinuousClock.now
        let result: ImportProgress
        do {
            result = try await client.importPoints(
                RowSequence(source: source), into: collection, options: options
            ) {
                printer.show(Self.line($0, source, elapsed: start.duration(to: .now).seconds))
            }
        } catch let error as ImportError {
            printer.end()
            throw failure(error, source, client: try? await client.collections().map(\.name))
        }
        printer.end()
        let elapsed = start.duration(to: .now).seconds
        terminal.print(Self.summary(result, bad: source.bad, elapsed: elapsed))
        if interrupt.isRaised {
            terminal.say(
                "interrupted: \(Numbers.count(result.acknowledged, "point")) acknowledged; repeat to go on"
            )
            throw StatusError(status: .interrupted)
        }
    }

    /// The share done is that of the bytes read, less what has been read but not acknowledged.
    static func line(_ progress: ImportProgress, _ source: RowSource, elapsed: Double) -> ProgressLine {
        var line = ProgressLine(label: "importing", unit: "points")
        line.done = progress.acknowledged
        line.elapsed = elapsed
        if let total = source.totalBytes, total > 0, source.points > 0 {
            let acknowledged = Double(progress.acknowledged) / Double(source.points)
            line.fraction = Double(source.bytesRead) / Double(total) * acknowledged
        }
        return line
    }

    static func summary(_ result: ImportProgress, bad: Int, elapsed: Double) -> String {
        var text = "\(Numbers.count(result.acknowledged, "point")) acknowledged"
        if !result.durable.isEmpty { text += " (\(result.durable))" }
        text += ": \(Numbers.grouped(result.created)) created, \(Numbers.grouped(result.updated)) updated"
        if bad > 0 { text += ", \(Numbers.count(bad, "bad line")) skipped" }
        let rate = elapsed > 0 ? Int(Double(result.acknowledged) / elapsed) : 0
        return text + " in \(Numbers.fixed(elapsed, 1)) s, \(Numbers.grouped(rate))/s"
    }

    /// Which line it was, how much is safe, and how to go on.
    private func failure(_ error: ImportError, _ source: RowSource, client existing: [String]?) -> Failure {
        var failure = Failure(error.cause, collection: collection, existing: existing)
        if let place = error.pointIndex.flatMap({ source.lines.place(of: $0) }) {
            failure.message =
                "\(place.description): point \(error.pointID?.description ?? ""): \(failure.message)"
        }
        var state = "\(Numbers.count(error.progress.acknowledged, "point")) acknowledged"
        if failure.status != .badInput, let place = source.lines.place(of: error.firstUnacknowledged) {
            state += "; the first row that was not is \(place.description)"
        }
        failure.advice.insert(state, at: 0)
        failure.advice.append("writing rows again is harmless: repair and run the same command")
        return failure
    }
}
