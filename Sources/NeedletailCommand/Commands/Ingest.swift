import ArgumentParser
import NeedleClient

struct Ingest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keep a collection's documents like the text files of a folder.",
        discussion: """
            Every .md, .markdown and .txt file below the folder becomes a document, whose id
            is its path below the folder. The server cuts it into chunks and embeds those
            whose content is new, so a second run over an unchanged folder embeds nothing.
            Hidden files and links to folders are left out.

            Files that cannot be read or are not UTF-8 are named and left out, and the exit
            status is 5. An ingest that was interrupted is simply run again.

            EXAMPLES
              needletail ingest notes ~/notes --create --model all-MiniLM-L6-v2
              needletail ingest notes ~/notes --delete-missing
              needletail ingest manuals doc --glob '*.rst' --prefix doc/
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Argument(help: "The folder.", completion: .directory)
    var folder: String
    @Option(
        help: ArgumentHelp(
            "Take files that match, in place of the usual endings; may be given several times.",
            valueName: "pattern"))
    var glob: [String] = []
    @Option(help: ArgumentHelp("Put before the paths to make ids.", valueName: "text"))
    var prefix = ""
    @Flag(
        help: """
            Delete documents whose files are not there: all of the collection whose ids begin with the \
            prefix.
            """)
    var deleteMissing = false
    @Flag(help: "Create the collection first if it does not exist; needs --model.")
    var create = false
    @Option(help: ArgumentHelp("The built-in model of a collection that is created.", valueName: "name"))
    var model: String?
    @OptionGroup var chunks: ChunkOptions
    @OptionGroup var attached: PayloadOption
    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if create != (model != nil) {
            throw ValidationError(create ? "--create needs --model" : "--model is for --create")
        }
    }

    func run() async throws {
        let terminal = Terminal.current()
        let interrupt = Interrupt(terminal)
        let payload = try attached.parsed()
        let walk = try FolderWalk(folder, patterns: glob)
        try await global.withClient(collection: collection) { client in
            if create, let model {
                do {
                    try await client.createCollection(collection, VectorSpace(model: model))
                    if !quiet { terminal.say("created \(collection)") }
                } catch let error as NeedletailError where error.kind == .alreadyExists {}
            }
            var documents = FolderDocuments(lineBytes: try await client.connect().lineBytes)
            (documents.prefix, documents.format, documents.payload) = (prefix, chunks.format, payload)
            var run = IngestRun(
                client: client, collection: collection, documents: documents, sizes: chunks.sizes,
                timeout: global.timeout == nil ? .none : global.clientTimeout)
            var printer = ProgressPrinter(terminal, quiet: quiet)
            let start = ContinuousClock.now
            for problem in walk.problems { run.leaveOut(problem) }
            do {
                try await run.write(walk.files, isInterrupted: { interrupt.isRaised }) { line in
                    var line = line
                    line.elapsed = start.duration(to: .now).seconds
                    printer.show(line)
                }
                if deleteMissing, !interrupt.isRaised { try await deleteMissing(walk, &run) }
            } catch {
                printer.end()
                for problem in run.tally.problems { terminal.say(problem) }
                throw error
            }
            printer.end()
            try finish(run.tally, start.duration(to: .now).seconds, interrupt.isRaised, terminal)
        }
    }

    private func deleteMissing(_ walk: FolderWalk, _ run: inout IngestRun) async throws {
        guard walk.problems.isEmpty else {
            return run.leaveOut(
                "nothing is deleted: some folders could not be read, so it is not known what is missing")
        }
        try await run.deleteMissing(keeping: walk.files)
    }

    private func finish(
        _ tally: IngestTally, _ elapsed: Double, _ isInterrupted: Bool, _ terminal: Terminal
    ) throws {
        for problem in tally.problems { terminal.say(problem) }
        terminal.print(tally.summary(elapsed: elapsed))
        if isInterrupted {
            terminal.say("interrupted: repeat to go on")
            throw StatusError(status: .interrupted)
        }
        if !tally.problems.isEmpty { throw StatusError(status: .badInput) }
    }
}

/// How texts are cut.
struct ChunkOptions: ParsableArguments {
    @Option(
        help: "How texts are taken apart: markdown (by headings) or plain. Default: by the file's ending.")
    var format: Document.Format?
    @Option(help: ArgumentHelp("Tokens of a chunk at most. Default: what the model reads.", valueName: "n"))
    var maxTokens: Int?
    @Option(
        help: ArgumentHelp(
            "Tokens that a chunk repeats of the one before, at most. Default: an eighth of a chunk.",
            valueName: "n"))
    var overlapTokens: Int?

    var sizes: ChunkSizes { ChunkSizes(maximum: maxTokens, overlap: overlapTokens) }

    func validate() throws {
        if let maxTokens, maxTokens < 16 { throw ValidationError("--max-tokens is at least 16") }
        if let overlapTokens, overlapTokens < 0 { throw ValidationError("--overlap-tokens is at least 0") }
    }
}

/// `--payload`.
struct PayloadOption: ParsableArguments {
    @Option(help: ArgumentHelp("A payload for every chunk.", valueName: "json"))
    var payload: String?

    func parsed() throws -> Payload {
        guard let payload else { return Payload() }
        do {
            return try Payload(json: payload)
        } catch {
            throw Failure(
                .usage, "--payload: \(error.message)", advice: [#"for example: --payload '{"lang":"en"}'"#])
        }
    }
}
