import ArgumentParser
import NeedleClient

struct ReembedCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reembed",
        abstract: "Move a collection to another model while it serves.",
        discussion: """
            The server embeds all texts of the collection with the other model in the background
            (model.more in its configuration). Searches use the old vectors until the cutover,
            and the new ones from then on; never both. For a day it can be rolled back.

            EXAMPLES
              needletail reembed start docs bge-small-en-v1.5
              needletail reembed status docs
              needletail reembed cutover docs
              needletail reembed rollback docs
            """,
        subcommands: [StartReembed.self, ReembedStatus.self, ReembedCutover.self, ReembedRollback.self])
}

struct StartReembed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Begin to embed a collection's texts with another model.",
        discussion: """
            Prints the job; cancelling it gives everything up.

            EXAMPLES
              needletail reembed start docs bge-small-en-v1.5
              needletail reembed start docs bge-small-en-v1.5 --using body
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Argument(help: "The model, by name or fingerprint.")
    var model: String
    @Option(help: "The vector space, if a model fills several.")
    var using: String?
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        try await global.withClient(collection: collection) { client in
            Terminal.current().print(
                try await client.startReembedding(collection, space: using, model: model))
        }
    }
}

struct ReembedStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how far it is, and how alike both models answer.",
        discussion: """
            EXAMPLES
              needletail reembed status docs
            """)

    @Argument(help: "The collection.")
    var collection: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        try await global.withClient(collection: collection) { client in
            for line in Self.lines(try await client.reembedding(of: collection)) { terminal.print(line) }
        }
    }

    static func lines(_ status: Reembedding) -> [String] {
        var lines = ["model         \(status.model)"]
        switch status.state {
        case "embedding":
            lines.append(
                "state         embedding: \(Numbers.grouped(status.done)) of \(Numbers.grouped(status.total))"
            )
        case "ready": lines.append("state         ready to be cut over")
        default: lines.append("state         cut over; it can be rolled back")
        }
        lines.append("pending       \(Numbers.count(status.pending, "changed point"))")
        if status.withoutText > 0 {
            lines.append(
                "without text  \(Numbers.count(status.withoutText, "point")): searches do not find them")
        }
        if status.comparedQueries > 0 {
            let overlap = status.overlap.map { Numbers.fixed($0, 2) } ?? "–"
            let ranks = status.rankCorrelation.map { Numbers.fixed($0, 2) } ?? "–"
            lines.append(
                "compared      \(Numbers.count(status.comparedQueries, "search")) of clients: "
                    + "\(overlap) of the first ten in common, rank correlation \(ranks)")
        }
        if let reason = status.reason { lines.append("waits         \(reason)") }
        return lines
    }
}

struct ReembedCutover: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cutover",
        abstract: "Search the new vectors from now on.",
        discussion: """
            EXAMPLES
              needletail reembed cutover docs
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Flag(help: "Although some points have no text, and will not be found.")
    var force = false
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        try await global.withClient(collection: collection) { client in
            let status = try await client.cutOver(collection, force: force)
            Terminal.current().print("\"\(collection)\" is searched by \(status.model) now")
        }
    }
}

struct ReembedRollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Search the old vectors again, and drop the new ones.",
        discussion: """
            EXAMPLES
              needletail reembed rollback docs
            """)

    @Argument(help: "The collection.")
    var collection: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        try await global.withClient(collection: collection) { client in
            try await client.rollBack(collection)
            Terminal.current().print("\"\(collection)\" is searched by its old model again")
        }
    }
}
