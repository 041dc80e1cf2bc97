import ArgumentParser
import NeedleClient

struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how well collections are, and how good one's vectors and answers are over time.",
        discussion: """
            Without a collection: each one's state, why it is not ready, and what has become
            worse. With one: what the server measured of its vector spaces in idle time, now
            and compared with a baseline. The baseline is the first measurement, until
            --accept makes it the newest one: after a change that was meant.

            EXAMPLES
              needletail health
              needletail health packages
              needletail health packages --accept
              needletail health packages --json | jq '.history[-1].hubness'
            """)

    @Argument(help: "The collection to report on; all of them in short when left out.")
    var collection: String?
    @Flag(help: "Compare with the newest measurement from now on.")
    var accept = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if accept, collection == nil {
            throw ValidationError("--accept takes a collection: needletail health COLLECTION --accept")
        }
    }

    func run() async throws {
        try await global.withClient(collection: collection) { client in
            if let collection {
                try await report(on: collection, client)
            } else {
                try await overview(client)
            }
        }
    }

    private func overview(_ client: NeedletailClient) async throws {
        let terminal = Terminal.current()
        let overview = HealthOverview(try await client.health())
        if output.json { return terminal.print(overview.json.map(\.description)) }
        terminal.print(overview.lines(width: terminal.width, style: terminal.style))
        if overview.health.collections.isEmpty { terminal.say("no collections yet") }
    }

    private func report(on collection: String, _ client: NeedletailClient) async throws {
        let terminal = Terminal.current()
        if accept { try await client.updateCollection(collection, qualityBaseline: .now) }
        let info = try await client.collection(collection, quality: true)
        let report = QualityReport(collection: info.name, points: info.points, spaces: info.quality)
        if accept, !report.isMeasured {
            throw Failure(.refused, "there is no measurement to accept yet", advice: [report.waiting])
        }
        if output.json {
            terminal.print((info.raw["quality"]?.arrayValue ?? []).map(\.description))
            if !report.isMeasured { terminal.say("nothing was measured yet: \(report.waiting)") }
        } else if accept {
            terminal.print(report.accepted)
        } else {
            terminal.print(report.lines(width: terminal.width, style: terminal.style))
        }
    }
}
