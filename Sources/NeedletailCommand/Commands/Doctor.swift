import ArgumentParser
import NeedleClient

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look whether this machine is fit for a server, and say what to do.",
        discussion: """
            Looks at the processor, memory, kernel limits, huge pages, the clock, the disk
            below DATA (its kind, its room, how long a sync takes), and at the server, if one
            answers. Changes nothing; writes and removes one small file in DATA. Limits are
            those of this shell: run it as the server's user.

            EXAMPLES
              needletail doctor
              needletail doctor /var/lib/needletail

            EXIT STATUS
              0  fit, perhaps with advice    1  something does not work, or not for long
            """)

    @Argument(help: "Where the server's data lies, or will lie.")
    var data: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        var readings = MachineProbe.readings(dataDirectory: data)
        readings.server = try await server()
        let found = Diagnosis.all(readings, clientVersion: NeedleClientVersion.current)
        terminal.print(
            output.json ? found.map { $0.json.description } : Self.lines(found, terminal.style))
        if readings.server == nil, !output.json {
            terminal.say("no server answers at \(try global.address()); that is no fault")
        }
        guard !found.contains(where: { $0.level == .problem }) else { throw StatusError(status: .refused) }
    }

    /// `nil` when none answers soon.
    private func server() async throws -> MachineReadings.Server? {
        var configuration = try global.clientConfiguration()
        configuration.requestTimeout = .seconds(2)
        let client = NeedletailClient(configuration)
        var server: MachineReadings.Server?
        do {
            let (info, health) = (try await client.serverInfo(), try await client.health())
            server = MachineReadings.Server(
                version: info.version, kernelTier: info.raw["kernel_tier"]?.stringValue,
                unwell: health.collections.filter { $0.state != "ready" && $0.state != "loading" }.map {
                    "\($0.name) is \($0.state)" + ($0.reason.map { reason in ": \(reason)" } ?? "")
                })
        } catch {
            // Nobody there, or nobody who answers.
        }
        await client.close()
        return server
    }

    static func lines(_ found: [Diagnosis], _ style: Style) -> [String] {
        let width = found.map { $0.subject.count }.max() ?? 0
        return found.flatMap { one in
            let level =
                one.level == .problem ? style.red("PROBLEM") : DisplayWidth.pad(one.level.rawValue, to: 7)
            let margin = String(repeating: " ", count: 7 + 2 + width + 2)
            return [
                "\(level)  \(DisplayWidth.pad(one.subject, to: width))  \(DisplayWidth.safe(one.what))"
            ] + (one.remedy.map { [margin + "→ " + DisplayWidth.safe($0)] } ?? [])
        }
    }
}

extension Diagnosis {
    var json: JSONObject {
        [
            "level": .string(level.rawValue), "subject": .string(subject), "what": .string(what),
            "remedy": remedy.map { .string($0) } ?? .null,
        ]
    }
}
