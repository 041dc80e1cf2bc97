import ArgumentParser
import NeedleClient

struct ChangePayload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payload",
        abstract: "Change payloads of points: set keys, delete keys, or replace them.",
        discussion: """
            Vectors stay as they are. Ids that are not there are ignored. --all asks first,
            unless --yes is given.

            EXAMPLES
              needletail payload packages 17 18 --set '{"checked":true}'
              needletail payload packages --delete checked --delete by \\
                --filter '{"key":"section","match":{"value":"games"}}'
              needletail payload packages --all --yes --replace '{}'
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Option(help: ArgumentHelp("Sets these top-level keys, and keeps the others.", valueName: "json"))
    var set: String?
    @Option(help: ArgumentHelp("The new payload.", valueName: "json"))
    var replace: String?
    @Option(help: ArgumentHelp("Deletes a top-level key; may be given several times.", valueName: "key"))
    var delete: [String] = []
    @OptionGroup var points: ChosenPoints
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard [set != nil, replace != nil, !delete.isEmpty].count(where: { $0 }) == 1 else {
            throw ValidationError("give one of: --set, --replace, --delete")
        }
    }

    func run() async throws {
        let terminal = Terminal.current()
        let choice = try points.choice()
        let set = try Self.payload(set, "--set")
        let replacement = try Self.payload(replace, "--replace")
        try await global.withClient(collection: collection) { client in
            try await points.confirm(collection, client, terminal) {
                "Change the payloads of all \($0) of \"\(collection)\"?"
            }
            let result: WriteResult
            if let set {
                result = try await client.setPayload(collection, set, of: choice)
            } else if let replacement {
                result = try await client.replacePayload(collection, with: replacement, of: choice)
            } else {
                result = try await client.deletePayload(collection, keys: delete, of: choice)
            }
            terminal.print("changed \(Numbers.count(result.changed, "point"))")
        }
    }

    private static func payload(_ json: String?, _ option: String) throws -> Payload? {
        guard let json else { return nil }
        do {
            return try Payload(json: json)
        } catch {
            throw Failure(
                .usage, "\(option): \(error.message)",
                advice: [#"for example: \#(option) '{"checked":true}'"#])
        }
    }
}
