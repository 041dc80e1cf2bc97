import ArgumentParser
import NeedleClient

struct Evaluate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Measure how good a collection's answers are, alone or against another.",
        discussion: """
            Each line of the file is a query with what is relevant to it:
            {"query":"text", "relevant":[7, "a"]}, with "vector":[...] for the query, and
            {"id":7, "grade":2} for degrees of relevance. With --by, hits are told apart by
            the value of a payload key in place of their ids: relevant are then documents, not
            chunks.

            Shown are recall@k, MRR (of the first k, 10 at least) and nDCG@10, means over the
            queries, and what a search took on this side of the network, one at a time, after
            each query has been asked once. With --against, both are asked in turn, and a
            paired randomization test says whether they differ.

            EXAMPLES
              needletail eval notes --queries judged.jsonl
              needletail eval notes --queries judged.jsonl --by document_id --k 5
              needletail eval notes --queries judged.jsonl --against notes2
              needletail eval notes --queries judged.jsonl --setting ef=64 --against exact
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Option(
        help: ArgumentHelp("JSON Lines with queries; - is standard input.", valueName: "file"),
        completion: .file(extensions: ["jsonl"]))
    var queries: String
    @Option(
        help: ArgumentHelp(
            "How it is searched: any of exact, ef=N, recall=R, using=SPACE, hybrid, with commas.",
            valueName: "setting"))
    var setting: String?
    @Option(
        help: ArgumentHelp(
            "The other side: a collection, or what differs in the setting, or both: notes2,exact.",
            valueName: "setting"))
    var against: String?
    @Option(help: ArgumentHelp("Places that recall looks at.", valueName: "n"))
    var k = 10
    @Option(help: ArgumentHelp("The payload key that hits are told apart by.", valueName: "key"))
    var by: String?
    @Option(help: ArgumentHelp("The key of what is relevant.", valueName: "key"))
    var relevantKey = "relevant"
    @Option(help: ArgumentHelp("Of the significance test.", valueName: "n"))
    var seed: UInt64 = 1
    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var global: GlobalOptions

    /// Hits that are looked at for each place that is wanted, when several may have one value.
    private static let hitsPerValue = 10
    private static let mostHits = 10_000

    func validate() throws {
        guard (1...1_000).contains(k) else { throw ValidationError("--k is 1 to 1000") }
    }

    func run() async throws {
        let terminal = Terminal.current()
        let first = try setting.map {
            try EvaluationSetting(parsing: $0, base: EvaluationSetting(collection: collection))
        }
        var settings = [first ?? EvaluationSetting(collection: collection)]
        if let against { settings.append(try EvaluationSetting(parsing: against, base: settings[0])) }
        let judged = try JudgedQuery.all(in: InputLines(queries), relevantKey: relevantKey)
        try await global.withClient(collection: collection) { client in
            let results = try await measure(judged, settings, client, terminal)
            let report = EvaluationReport(results: results, k: k, seed: seed)
            terminal.print(
                output.json
                    ? [report.json.description] : report.lines(width: terminal.width, style: terminal.style))
        }
    }

    private func measure(
        _ queries: [JudgedQuery], _ settings: [EvaluationSetting], _ client: NeedletailClient,
        _ terminal: Terminal
    ) async throws -> [EvaluationResult] {
        var results = settings.map { EvaluationResult(setting: $0) }
        var printer = ProgressPrinter(terminal, quiet: quiet)
        defer { printer.end() }
        let start = ContinuousClock.now
        for (number, query) in queries.enumerated() {
            // In turn, so that neither is always first.
            let order = number % 2 == 0 ? Array(settings.indices) : settings.indices.reversed()
            for side in order {
                let request = try request(query, settings[side])
                _ = try await client.search(settings[side].collection, request)
            }
            for side in order {
                let request = try request(query, settings[side])
                let begin = ContinuousClock.now
                let answer = try await client.search(settings[side].collection, request)
                results[side].latency.add(milliseconds: begin.duration(to: .now).seconds * 1_000)
                results[side].metrics.append(
                    RankingMetrics(ranking: ranking(answer), grades: query.grades, k: k))
            }
            var line = ProgressLine(label: "evaluating", unit: "queries")
            line.done = number + 1
            line.fraction = Double(number + 1) / Double(queries.count)
            line.elapsed = start.duration(to: .now).seconds
            printer.show(line)
        }
        return results
    }

    private func request(_ query: JudgedQuery, _ setting: EvaluationSetting) throws -> SearchRequest {
        let wanted = max(k, RankingMetrics.gainPlaces)
        return try setting.request(
            query, limit: by == nil ? wanted : min(Self.mostHits, wanted * Self.hitsPerValue),
            payload: by.map { .keys([$0]) } ?? .none)
    }

    /// Ids, or values of the key; hits without one count as none.
    private func ranking(_ answer: SearchAnswer) -> [JSONValue] {
        answer.hits.compactMap { hit in
            guard let by else { return JSONValue(hit.id) }
            return hit.payload?[by]
        }
    }
}
