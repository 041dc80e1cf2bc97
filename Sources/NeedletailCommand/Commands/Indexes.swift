import ArgumentParser
import NeedleClient

struct IndexCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Indexes of payload fields.",
        discussion: """
            An index makes filters on its key fast; answers are the same without it. It is
            built in the background.

            EXAMPLES
              needletail index create packages section keyword
              needletail index create packages description text --stemming english
              needletail index list packages
              needletail index delete packages section
            """,
        subcommands: [CreateIndex.self, ListIndexes.self, DeleteIndex.self])
}

struct CreateIndex: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create an index of a payload field.",
        discussion: """
            Types: keyword, integer, float, bool, datetime, geo, text. The job that builds it
            is printed.

            EXAMPLES
              needletail index create packages size integer
              needletail index create notes owner keyword --tenant
              needletail index create notes body text --stop-words the,a,of
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Argument(help: "The path of the field, for example author.name or tags[].")
    var key: String
    @Argument(help: "What the index holds.")
    var type: FieldIndexType
    @Flag(help: "The key tells tenants apart; keyword only.")
    var tenant = false
    @Option(help: "Reduce words to their stems; text only.")
    var stemming: TextStemming?
    @Option(
        help: ArgumentHelp("Words that are not indexed, separated by commas; text only.", valueName: "words"))
    var stopWords: String?
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if tenant, type != .keyword { throw ValidationError("--tenant goes with the type keyword") }
        if stemming != nil || stopWords != nil, type != .text {
            throw ValidationError("--stemming and --stop-words go with the type text")
        }
    }

    func run() async throws {
        try await global.withClient(collection: collection) { client in
            let words = stopWords?.split(separator: ",").map(String.init) ?? []
            let job = try await client.createIndex(
                collection, key: key, type: type, isTenant: tenant,
                text: type == .text ? TextOptions(stemming: stemming ?? .none, stopWords: words) : nil)
            Terminal.current().print(job)
        }
    }
}

struct ListIndexes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the field indexes of a collection.",
        discussion: """
            EXAMPLES
              needletail index list packages
            """)

    @Argument(help: "The collection.")
    var collection: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        try await global.withClient(collection: collection) { client in
            let indexes = try await client.indexes(collection)
            if output.json {
                for index in indexes {
                    let value: JSONValue = [
                        "key": .string(index.key), "type": .string(index.type), "state": .string(index.state),
                    ]
                    terminal.print(value.description)
                }
                return
            }
            guard !indexes.isEmpty else { return terminal.say("no indexes") }
            var table = Table([Table.Column("KEY"), Table.Column("TYPE"), Table.Column("STATE")])
            for index in indexes { table.add([index.key, index.type, index.state]) }
            terminal.print(table.lines(width: terminal.width, style: terminal.style))
        }
    }
}

struct DeleteIndex: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Drop the index of a payload field.",
        discussion: """
            EXAMPLES
              needletail index delete packages section
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Argument(help: "The path of the field.")
    var key: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        try await global.withClient(collection: collection) { client in
            try await client.deleteIndex(collection, key: key)
            Terminal.current().print("dropped the index on \(key)")
        }
    }
}

struct Facet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Count how often each value of a field occurs.",
        discussion: """
            EXAMPLES
              needletail facet packages section
              needletail facet packages section --limit 50 \\
                --filter '{"key":"size","range":{"gt":1000000}}'
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Argument(help: "The path of the field.")
    var key: String
    @Option(name: .shortAndLong, help: ArgumentHelp("Values wanted.", valueName: "n"))
    var limit = 10
    @OptionGroup var filter: FilterOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is 1 or more") }
    }

    func run() async throws {
        let terminal = Terminal.current()
        let chosen = try filter.parsed()
        try await global.withClient(collection: collection) { client in
            let values = try await client.facet(collection, key: key, filter: chosen, limit: limit)
            if output.json {
                for value in values {
                    let count: JSONValue = .integer(Int64(value.count))
                    let line: JSONValue = ["value": value.value, "count": count]
                    terminal.print(line.description)
                }
                return
            }
            var table = Table([Table.Column("VALUE"), Table.Column("POINTS", right: true)])
            for value in values {
                table.add([value.value.stringValue ?? value.value.description, String(value.count)])
            }
            terminal.print(table.lines(width: terminal.width, style: terminal.style))
        }
    }
}
