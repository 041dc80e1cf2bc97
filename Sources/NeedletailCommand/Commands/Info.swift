import ArgumentParser
package import NeedleClient

struct Info: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Describe the server, or one collection.",
        discussion: """
            EXAMPLES
              needletail info
              needletail info packages
              needletail info --json | jq .memory
            """)

    @Argument(help: "The collection to describe; the server when left out.")
    var collection: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        try await global.withClient(collection: collection) { client in
            if let collection {
                let info = try await client.collection(collection)
                terminal.print(output.json ? [info.raw.description] : Self.lines(info, terminal.style))
            } else {
                let info = try await client.serverInfo()
                terminal.print(
                    output.json ? [info.raw.description] : Outline.lines(info.raw, style: terminal.style))
            }
        }
    }

    static func lines(_ info: CollectionInfo, _ style: Style) -> [String] {
        var facts: [(String, String)] = [
            ("collection", info.name), ("state", info.state), ("points", Numbers.grouped(info.points)),
            ("indexed", Numbers.grouped(info.indexedPoints)), ("segments", Numbers.grouped(info.segments)),
            ("on disk", Numbers.bytes(info.bytesOnDisk)), ("in memory", Numbers.bytes(info.bytesInMemory)),
            ("durability", info.durability?.rawValue ?? "?"), ("text key", info.textKey),
            ("lsn", String(info.lsn)),
        ]
        for (name, space) in info.spaces {
            var words = ["\(space.size.map(String.init) ?? "?") dimensions", space.metric?.rawValue ?? "?"]
            if let quantization = space.quantization { words.append("codes \(quantization.rawValue)") }
            if let m = space.m { words.append("m \(m)") }
            if let width = space.efConstruct { words.append("ef_construct \(width)") }
            if let model = space.model { words.append("model \(model)") }
            facts.append((name.isEmpty ? "vectors" : "vectors \(name)", words.joined(separator: ", ")))
        }
        let width = facts.map { DisplayWidth.of($0.0) }.max() ?? 0
        return facts.map { style.dim(DisplayWidth.pad($0.0, to: width)) + "  " + DisplayWidth.safe($0.1) }
    }
}

struct Collections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the collections.",
        discussion: """
            EXAMPLES
              needletail collections
              needletail collections --json
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        try await global.withClient { client in
            let collections = try await client.collections()
            if output.json {
                for entry in collections {
                    let object: JSONObject = [
                        "name": .string(entry.name), "points": .integer(Int64(entry.points)),
                        "state": .string(entry.state),
                    ]
                    terminal.print(object.description)
                }
                return
            }
            guard !collections.isEmpty else {
                terminal.say("no collections yet; make one: needletail create NAME --size 384")
                return
            }
            var table = Table([.init("NAME"), .init("POINTS", right: true), .init("STATE")])
            for entry in collections { table.add([entry.name, Numbers.grouped(entry.points), entry.state]) }
            terminal.print(table.lines(width: terminal.width, style: terminal.style))
        }
    }
}

/// Nested JSON as indented names and values, for people.
package enum Outline {
    package static func lines(
        _ object: JSONObject, indent: Int = 0, within parent: String = "", style: Style
    ) -> [String] {
        let margin = String(repeating: " ", count: indent)
        let scalars = object.members.filter { !isContainer($0.value) }
        let width = scalars.map { DisplayWidth.of($0.key) }.max() ?? 0
        return object.members.flatMap { member -> [String] in
            let key = DisplayWidth.safe(member.key)
            switch member.value {
            case .object(let inner) where !inner.isEmpty:
                return [margin + style.bold(key)]
                    + lines(inner, indent: indent + 2, within: member.key, style: style)
            case .array(let elements) where elements.contains(where: isContainer):
                return [margin + style.bold(key)]
                    + elements.map { margin + "  " + DisplayWidth.safe(text($0)) }
            default:
                return [
                    margin + style.dim(DisplayWidth.pad(key, to: width)) + "  "
                        + text(member.value, key: parent == "memory" ? "bytes" : member.key)
                ]
            }
        }
    }

    private static func isContainer(_ value: JSONValue) -> Bool {
        switch value {
        case .object(let object): !object.isEmpty
        case .array(let elements): elements.contains(where: isContainer)
        default: false
        }
    }

    /// A value in words: integers grouped, bytes as KiB where the name says so, objects as `key value, …`.
    private static func text(_ value: JSONValue, key: String = "") -> String {
        switch value {
        case .string(let text): return DisplayWidth.safe(text)
        case .integer(let number):
            if key.hasPrefix("bytes") || key.hasSuffix("bytes") { return Numbers.bytes(Int(number)) }
            return Numbers.grouped(Int(number))
        case .array(let elements): return elements.map { text($0) }.joined(separator: ", ")
        case .object(let object):
            return object.members.map { "\($0.key) \(text($0.value, key: $0.key))" }.joined(separator: ", ")
        default: return value.description
        }
    }
}
