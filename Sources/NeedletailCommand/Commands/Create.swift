public import ArgumentParser
public import NeedleClient

/// What describes vector spaces on the command line; shared by `create` and `import --create`.
struct SpaceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Dimensions of the vectors.", valueName: "n"))
    var size: Int?

    @Option(
        help: ArgumentHelp(
            "The built-in model that turns text into vectors: all-MiniLM-L6-v2.", valueName: "name"))
    var model: String?

    @Option(
        help: ArgumentHelp(
            "How nearness is measured: cosine (the default), dot or euclid.", valueName: "metric"))
    var metric: Metric?

    func validate() throws {
        if let size, size < 1 { throw ValidationError("--size is at least 1") }
    }

    /// The space, `nil` when neither size nor model was given.
    var space: VectorSpace? {
        guard size != nil || model != nil else { return nil }
        var space = model.map { VectorSpace(model: $0) } ?? VectorSpace(size: size ?? 0)
        space.size = size
        space.metric = metric
        return space
    }
}

extension Metric: ExpressibleByArgument {}
extension Quantization: ExpressibleByArgument {}
extension Durability: ExpressibleByArgument {}
extension EmbeddingKind: ExpressibleByArgument {}
extension FieldIndexType: ExpressibleByArgument {}
extension TextStemming: ExpressibleByArgument {}
extension Document.Format: ExpressibleByArgument {}

struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create a collection.",
        discussion: """
            Give the dimensions of your vectors, or the name of the built-in model if the
            server is to embed texts itself.

            EXAMPLES
              needletail create packages --model all-MiniLM-L6-v2
              needletail create photos --size 512 --metric dot --durability os
              needletail create papers --space title=384 --space body=768
            """)

    @Argument(help: "1 to 255 letters, digits, dots, dashes and underscores, not beginning with a dot.")
    var name: String
    @OptionGroup var vectors: SpaceOptions
    @Option(
        help: ArgumentHelp(
            "A named vector space and its dimensions, instead of --size; repeat for several.",
            valueName: "name=n"))
    var space: [String] = []
    @Option(help: ArgumentHelp("Codes for traversal: none, int8 (the default) or binary.", valueName: "kind"))
    var quantization: Quantization?
    @Option(
        name: .customLong("m"),
        help: ArgumentHelp("Links of a row in the graph. Default: 16.", valueName: "n"))
    var links: Int?
    @Option(help: ArgumentHelp("Width of the beam while building the graph. Default: 128.", valueName: "n"))
    var efConstruct: Int?
    @Option(
        help: ArgumentHelp(
            """
            What acknowledged writes survive: fsync (power loss, the default), os (the end of the server) or \
            memory.
            """,
            valueName: "level"))
    var durability: Durability?
    @Option(
        help: ArgumentHelp("Where a point's text is kept in its payload. Default: text.", valueName: "key"))
    var textKey: String?
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        let isSingle = vectors.space != nil
        guard isSingle != !space.isEmpty else {
            throw ValidationError(
                isSingle
                    ? "give either --space, or --size and --model"
                    : "give --size, --model or --space: how long are the vectors?")
        }
        _ = try named()
    }

    func run() async throws {
        try await global.withClient(collection: name) { client in
            let spaces = try named()
            if spaces.isEmpty {
                try await client.createCollection(
                    name, tuned(vectors.space ?? VectorSpace(size: 0)), durability: durability,
                    textKey: textKey)
            } else {
                try await client.createCollection(
                    name, spaces: spaces, durability: durability, textKey: textKey)
            }
            Terminal.current().print("created \(name)")
        }
    }

    /// The named spaces.
    func named() throws -> [(name: String, space: VectorSpace)] {
        try space.map { text in
            guard let mark = text.lastIndex(of: "="), mark > text.startIndex,
                let size = Int(text[text.index(after: mark)...]), size > 0
            else {
                throw ValidationError("--space is NAME=DIMENSIONS, for example title=384, not \"\(text)\"")
            }
            return (String(text[..<mark]), tuned(VectorSpace(size: size, metric: vectors.metric)))
        }
    }

    private func tuned(_ space: VectorSpace) -> VectorSpace {
        var space = space
        space.quantization = quantization
        space.m = links
        space.efConstruct = efConstruct
        return space
    }
}

struct Drop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete a collection with everything in it.",
        discussion: """
            Asks first, unless --yes is given.

            EXAMPLES
              needletail drop packages
              needletail drop packages --yes
            """)

    @Argument(help: "The collection to delete.")
    var collection: String
    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        try await global.withClient(collection: collection) { client in
            if !yes {
                let info = try await client.collection(collection)
                try terminal.demand("Delete \"\(info.name)\" with \(Numbers.count(info.points, "point"))?")
            }
            try await client.deleteCollection(collection)
            terminal.print("deleted \(collection)")
        }
    }
}

extension Terminal {
    /// Asks for a yes.
    ///
    /// - Throws: when the answer is no, or when there is nobody to ask.
    func demand(_ question: String) throws {
        switch confirm(question) {
        case true?: return
        case false?:
            say("nothing was deleted")
            throw StatusError(status: .refused)
        case nil:
            throw Failure(
                .usage, "standard input is no terminal, so nobody can be asked",
                advice: ["add --yes to go ahead"])
        }
    }
}
