// The server program: reads its configuration, listens, serves until it is told to stop. Thin on purpose;
// what there is to know about serving is in NeedleServer.

import ArgumentParser
import Glibc
import NeedleServer

@main
struct Needletaild: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "needletaild",
        abstract: "The Needletail vector database server.",
        discussion: """
            Flags beat environment variables (NEEDLETAIL_<SECTION>_<KEY>), and those beat the configuration file. \
            config.example.toml explains every setting. Prints one line, "listening on HOST:PORT", to standard \
            output when it listens; logs go to standard error. SIGTERM or SIGINT: accepted requests are answered, \
            then the server exits with status 0; a second signal ends it at once. SIGUSR1: all files are \
            checked again in the background (job.list).
            """,
        version: "needletaild \(needletailVersion)")

    @Option(name: .long, help: ArgumentHelp("Read the configuration from this TOML file.", valueName: "file"))
    var config: String?

    @Option(name: .long, help: ArgumentHelp("Keep the data in this directory.", valueName: "dir"))
    var data: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Listen here; port 0 lets the system choose.", valueName: "host:port"))
    var listen: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Answer HTTP here: /healthz, /readyz, /metrics, /rpc; port 0 lets the system choose.",
            valueName: "host:port"))
    var http: String?

    @Option(
        name: .long, help: ArgumentHelp("Load the embedding model from this directory.", valueName: "dir"))
    var model: String?

    @Flag(name: .long, help: "Say what is wrong with the configuration, or print what is in force, and exit.")
    var checkConfig = false

    func run() throws {
        let environment = EnvironmentVariables.all()
        var loader = ConfigurationLoader()
        if let file = config ?? environment["NEEDLETAIL_CONFIG"] { loader.read(file: file) }
        let unknown = loader.read(environment: environment)
        if let listen { loader.set("server.listen", flag: "--listen", value: listen) }
        if let http { loader.set("http.listen", flag: "--http", value: http) }
        if let data { loader.set("storage.data", flag: "--data", value: data) }
        if let model { loader.set("model.directory", flag: "--model", value: model) }
        let settings: ServerConfiguration
        do throws(ConfigurationError) {
            settings = try loader.finish()
        } catch {
            for problem in error.problems { StandardStreams.error("needletaild: \(problem)") }
            throw ExitCode(2)
        }
        if checkConfig {
            for key in ConfigurationKey.all {
                StandardStreams.output("\(key.path) = \(key.text(in: settings))")
            }
            return
        }
        let status = ServerProcess(configuration: settings, environment: environment).run(warnAbout: unknown)
        guard status == 0 else { throw ExitCode(status) }
    }
}
