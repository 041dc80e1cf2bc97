import ArgumentParser
import NeedleClient

struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show points by id.",
        discussion: """
            Ids of nothing but digits are integers, others strings; --string-ids makes all
            of them strings. The exit status is 1 when any point is missing.

            EXAMPLES
              needletail get packages 17 18
              needletail get notes readme.md --vectors --json
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Argument(help: "The points.")
    var ids: [String]
    @Flag(help: "Show vectors too.")
    var vectors = false
    @OptionGroup var kind: IDOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        let wanted = try ids.map { try kind.id($0) }
        try await global.withClient(collection: collection) { client in
            let answer = try await client.get(collection, ids: wanted, withVector: vectors)
            for point in answer.points {
                terminal.print(output.json ? [PointText.json(point)] : PointText.lines(point, terminal.style))
            }
            guard answer.missing.isEmpty else {
                terminal.say("not found: " + answer.missing.map(\.description).joined(separator: ", "))
                throw StatusError(status: .refused)
            }
        }
    }
}

struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete points by id, by filter, or all of them.",
        discussion: """
            Ids that are not there are ignored. --all asks first, unless --yes is given.

            EXAMPLES
              needletail delete packages 17 18
              needletail delete packages \\
                --filter '{"key":"section","match":{"value":"games"}}'
              needletail delete packages --all --yes
            """)

    @Argument(help: "The collection.")
    var collection: String
    @OptionGroup var points: ChosenPoints
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        let choice = try points.choice()
        try await global.withClient(collection: collection) { client in
            try await points.confirm(collection, client, terminal) {
                "Delete all \($0) of \"\(collection)\"?"
            }
            let result = try await client.delete(collection, choice)
            terminal.print("deleted \(Numbers.count(result.deleted, "point"))")
        }
    }
}

struct Count: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Count points, exactly.",
        discussion: """
            EXAMPLES
              needletail count packages
              needletail count packages --filter '{"key":"size","range":{"gt":1000000}}'
            """)

    @Argument(help: "The collection.")
    var collection: String
    @OptionGroup var filter: FilterOption
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let chosen = try filter.parsed()
        try await global.withClient(collection: collection) { client in
            Terminal.current().print(String(try await client.count(collection, filter: chosen)))
        }
    }
}

/// A point as text.
enum PointText {
    static func json(_ point: StoredPoint) -> String {
        var parts = ["\"id\":\(JSONValue(point.id))", "\"version\":\(point.version)"]
        if let vector = point.vector { parts.append("\"vector\":\(json(vector))") }
        if let vectors = point.vectors {
            let members = vectors.sorted { $0.key < $1.key }.map {
                "\(JSONValue.string($0.key)):\(json($0.value))"
            }
            parts.append("\"vectors\":{" + members.joined(separator: ",") + "}")
        }
        if let payload = point.payload { parts.append("\"payload\":\(payload.json)") }
        if let moment = point.expiresAt { parts.append("\"expires_at\":\(moment)") }
        return "{" + parts.joined(separator: ",") + "}"
    }

    /// Each component as the shortest decimal that reads back as the same float32.
    static func json(_ vector: Vector) -> String {
        "[" + vector.map(\.description).joined(separator: ",") + "]"
    }

    static func lines(_ point: StoredPoint, _ style: Style) -> [String] {
        var facts: [(String, String)] = []
        for member in point.payload?.object.members ?? [] {
            facts.append((member.key, member.value.stringValue ?? member.value.description))
        }
        if let vector = point.vector { facts.append(("(vector)", preview(vector))) }
        for (name, vector) in (point.vectors ?? [:]).sorted(by: { $0.key < $1.key }) {
            facts.append(("(vector \(name))", preview(vector)))
        }
        let width = facts.map { DisplayWidth.of(DisplayWidth.safe($0.0)) }.max() ?? 0
        let heading =
            style.bold(DisplayWidth.safe(point.id.description)) + style.dim("  version \(point.version)")
        return [heading]
            + facts.map { key, value in
                "  " + style.dim(DisplayWidth.pad(DisplayWidth.safe(key), to: width)) + "  "
                    + DisplayWidth.safe(value)
            }
    }

    static func preview(_ vector: Vector) -> String {
        let first = vector.prefix(4).map { Numbers.fixed(Double($0), 4) }.joined(separator: ", ")
        return "[\(first)\(vector.count > 4 ? ", …" : "")]  \(vector.count) dimensions"
    }
}
