import ArgumentParser
import NeedleClient

struct DocumentCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "document",
        abstract: "Whole texts, which the server cuts into chunks and embeds.",
        discussion: """
            The chunks of a document are points with the ids DOCUMENT#0, DOCUMENT#1, ….
            For folders of files there is needletail ingest.

            EXAMPLES
              needletail document put notes readme README.md
              needletail document get notes readme
              needletail document delete notes readme
            """,
        subcommands: [PutDocument.self, GetDocument.self, DeleteDocuments.self])
}

struct PutDocument: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Write a document; only chunks with new content are embedded.",
        discussion: """
            EXAMPLES
              needletail document put notes readme README.md
              fortune | needletail document put notes saying --payload '{"lang":"en"}'
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Argument(help: "The document's id.")
    var id: String
    @Argument(help: "The file; - or nothing is standard input.", completion: .file())
    var file = "-"
    @OptionGroup var chunks: ChunkOptions
    @OptionGroup var attached: PayloadOption
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let payload = try attached.parsed()
        let input = try InputFile(file)
        var bytes: [UInt8] = []
        while let part = try input.nextBytes(isInterrupted: { false }) { bytes += part }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.badInput, "\(input.name): not UTF-8")
        }
        let isMarkdown = [".md", ".markdown"].contains { file.lowercased().hasSuffix($0) }
        let document = Document(
            id: id, text: text, format: chunks.format ?? (isMarkdown ? .markdown : .plain), payload: payload)
        try await global.withClient(collection: collection) { client in
            let result = try await client.upsertDocuments(collection, [document], sizes: chunks.sizes)
            Terminal.current().print(
                "\(Numbers.count(result.chunks, "chunk")): \(Numbers.grouped(result.embedded)) embedded, "
                    + "\(Numbers.grouped(result.unchanged)) unchanged, \(Numbers.grouped(result.deleted)) deleted"
            )
        }
    }
}

struct GetDocument: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show a document's chunks.",
        discussion: """
            The exit status is 1 when there are none.

            EXAMPLES
              needletail document get notes readme
              needletail document get notes readme --json
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Argument(help: "The document's id.")
    var id: String
    @Flag(help: "Show vectors too.")
    var vectors = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        try await global.withClient(collection: collection) { client in
            let points = try await client.document(collection, id: id, withVector: vectors)
            for point in points {
                terminal.print(output.json ? [PointText.json(point)] : PointText.lines(point, terminal.style))
            }
            guard !points.isEmpty else {
                terminal.say("not found: \(id)")
                throw StatusError(status: .refused)
            }
        }
    }
}

struct DeleteDocuments: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete documents.",
        discussion: """
            Those that are not there are ignored.

            EXAMPLES
              needletail document delete notes readme todo
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Argument(help: "The documents' ids.")
    var ids: [String]
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        try await global.withClient(collection: collection) { client in
            let result = try await client.deleteDocuments(collection, ids: ids)
            Terminal.current().print("deleted \(Numbers.count(result.deleted, "chunk"))")
        }
    }
}
