import ArgumentParser
import Glibc
import NeedleClient

struct Search: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find the nearest points.",
        discussion: """
            Searches by meaning (a text, which the server embeds), by a vector, or for the
            neighbours of a point. The table shows payload columns that fit the terminal;
            --columns chooses them, --json prints whole hits.

            EXAMPLES
              needletail search packages "tool to retouch photographs"
              needletail search packages "editor" --limit 5 \\
                --filter '{"key":"section","match":{"value":"text"}}'
              needletail search packages --id 17 --columns name,section
              needletail search photos --vector '[0.1, 0.2, 0.3]' --exact
              needletail search photos --vector query.json --json | jq -r .id
              needletail search packages "png viewer" --hybrid --keys name,text
              needletail search packages --id 17 --words gimp --weights 0.7,0.3
            """)

    @Argument(help: "The collection to search.")
    var collection: String
    @Argument(help: "What to look for, in words.")
    var text: String?
    @Option(
        help: ArgumentHelp(
            "A vector as JSON array, or a file that holds one (- is standard input).", valueName: "json|file")
    )
    var vector: String?
    @Option(
        name: .customLong("id"), help: ArgumentHelp("Look for the neighbours of this point.", valueName: "id")
    )
    var point: String?
    @Option(name: .shortAndLong, help: ArgumentHelp("Hits wanted, 1 to 10,000.", valueName: "n"))
    var limit = 10
    @Option(help: ArgumentHelp("Hits to skip first.", valueName: "n"))
    var offset = 0
    @OptionGroup var filter: FilterOption
    @Flag(help: "Compare every point.")
    var exact = false
    @Option(
        help: ArgumentHelp(
            "Width of the beam in the graph: more finds more and takes longer.", valueName: "n"))
    var ef: Int?
    @Option(
        help: ArgumentHelp(
            "Share of the true neighbours wanted, 0.5 to 0.999; the server picks the width.",
            valueName: "share"))
    var recall: Double?
    @Option(help: ArgumentHelp("The vector space, in a collection with several.", valueName: "space"))
    var using: String?
    @Option(
        help: ArgumentHelp(
            "Only hits at least this near: a lower bound for the score, for euclid an upper one.",
            valueName: "score"))
    var threshold: Double?
    @OptionGroup var words: HybridOptions
    @Option(
        help: ArgumentHelp(
            "Put hits into groups by the values of this payload field; --limit counts groups.",
            valueName: "key"))
    var groupBy: String?
    @Option(help: ArgumentHelp("Hits of a group.", valueName: "n"))
    var groupSize = 3
    @Option(help: ArgumentHelp("Payload columns of the table, separated by commas.", valueName: "keys"))
    var columns: String?
    @Flag(help: "Say how the answer was found, as JSON on standard error.")
    var explain = false
    @OptionGroup var ids: IDOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard [text, vector, point].compactMap({ $0 }).count == 1 else {
            throw ValidationError("give one thing to look for: a text, --vector or --id")
        }
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit is 1 to 10,000") }
        guard offset >= 0 else { throw ValidationError("--offset is 0 or more") }
        guard [exact, ef != nil, recall != nil].count(where: { $0 }) <= 1 else {
            throw ValidationError("--exact, --ef and --recall exclude each other")
        }
        if let recall, !(0.5...0.999).contains(recall) {
            throw ValidationError("--recall is 0.5 to 0.999")
        }
        if recall != nil, limit > 100 { throw ValidationError("--recall goes with a --limit of at most 100") }
        try words.check(isByText: text != nil)
        if groupBy != nil, words.isUsed || explain {
            throw ValidationError("--group-by goes without --hybrid, --words, --diverse and --explain")
        }
        guard (1...10_000).contains(groupSize) else { throw ValidationError("--group-size is 1 to 10,000") }
        if let threshold, !threshold.isFinite { throw ValidationError("--threshold is a finite number") }
    }

    func run() async throws {
        let terminal = Terminal.current()
        let request = try request()
        try await global.withClient(collection: collection) { client in
            if let groupBy {
                let answer = try await client.searchGroups(collection, request, by: groupBy, size: groupSize)
                return show(answer, terminal)
            }
            let answer = try await client.search(collection, request)
            if let explanation = answer.explanation { terminal.say(explanation.description) }
            if output.json {
                terminal.print(answer.hits.map { HitTable.json($0) })
                return
            }
            let chosen = columns.map { $0.split(separator: ",").map(String.init) }
            terminal.print(
                HitTable(answer.hits, columns: chosen, width: terminal.width).lines(style: terminal.style))
            terminal.say(terminal.errorStyle.dim(Self.summary(answer)))
            if !answer.isComplete {
                terminal.say("warning: part of the data could not be consulted; see needletail info")
            }
        }
    }

    private func show(_ answer: GroupAnswer, _ terminal: Terminal) {
        let chosen = columns.map { $0.split(separator: ",").map(String.init) }
        for group in answer.groups {
            if output.json {
                let hits = group.hits.map { HitTable.json($0) }.joined(separator: ",")
                terminal.print(#"{"value":\#(group.value),"points":[\#(hits)]}"#)
                continue
            }
            let name = group.value.stringValue ?? group.value.description
            terminal.print(terminal.style.bold(DisplayWidth.safe(name)))
            terminal.print(
                HitTable(group.hits, columns: chosen, width: terminal.width).lines(style: terminal.style))
        }
        guard !output.json else { return }
        terminal.say(terminal.errorStyle.dim(Numbers.count(answer.groups.count, "group")))
        if !answer.isComplete {
            terminal.say("warning: part of the data could not be consulted; see needletail info")
        }
    }

    func request() throws -> SearchRequest {
        let query: SearchRequest.Query
        if let text {
            query = .text(text)
        } else if let point {
            query = .point(try ids.id(point))
        } else {
            query = .vector(try VectorArgument.parse(vector ?? ""))
        }
        var request = SearchRequest(query, limit: limit, filter: try filter.parsed())
        request.offset = offset
        request.scoreThreshold = threshold
        request.explains = explain
        request.hybrid = words.hybridSearch
        request.diversity = words.diverse.map { Diversity(lambda: $0) }
        request.space = using
        request.effort =
            exact ? .exact : ef.map { .ef($0) } ?? recall.map { .recall($0) } ?? .standard
        return request
    }

    static func summary(_ answer: SearchAnswer) -> String {
        let count = answer.hits.count
        let milliseconds = Numbers.fixed(Double(answer.tookMicroseconds) / 1000, 1)
        return "\(Numbers.count(count, "hit")) in \(milliseconds) ms (\(answer.strategy))"
    }
}

/// `--vector`: JSON on the command line, or a file with JSON.
enum VectorArgument {
    static func parse(_ argument: String) throws -> Vector {
        let isInline = argument.first { !$0.isWhitespace } == "["
        let text: String
        if isInline {
            text = argument
        } else {
            guard let content = InputFile.contents(of: argument) else {
                throw Failure(
                    .badInput, "cannot read \(argument): \(String(cString: strerror(errno)))",
                    advice: ["--vector takes a JSON array, as in --vector '[0.1, 0.2]', or a file with one"])
            }
            text = content
        }
        let place = isInline ? "--vector" : argument
        do {
            let value = try JSONValue(parsing: text)
            let array = value.arrayValue ?? value["vector"]?.arrayValue
            let numbers = array?.compactMap(\.doubleValue) ?? []
            guard let array, !array.isEmpty, numbers.count == array.count else {
                throw Failure(isInline ? .usage : .badInput, "\(place): expected a JSON array of numbers")
            }
            return numbers.map { Float($0) }
        } catch let error as NeedletailError {
            throw Failure(
                isInline ? .usage : .badInput,
                "\(place): \(error.message)" + (error.at.map { " at \($0)" } ?? ""))
        }
    }
}
