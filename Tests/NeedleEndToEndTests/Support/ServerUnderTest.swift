import Foundation
import Testing

/// A real `needletaild` on a loopback port of the system's choice. Ends, by `kill -9`, with the value.
final class ServerUnderTest: Sendable {
    let process: ChildProcess
    let port: Int
    /// From the start of the process until a client had the greeting.
    let startTime: Duration
    /// When the process was started.
    let startedAt: ContinuousClock.Instant
    private let folder: TemporaryFolder

    /// Starts a server and waits until it greets.
    ///
    /// - Parameters:
    ///   - data: the data directory.
    ///   - settings: `section.key` and value, as in the configuration file.
    ///   - variables: more of the environment.
    init(
        data: String, settings: [String: String] = [:], model: String? = nil,
        variables: [String: String] = [:]
    ) throws {
        folder = try TemporaryFolder()
        var environment = variables
        // No model but the one that is asked for.
        environment["XDG_CACHE_HOME"] = folder.path
        environment["HOME"] = folder.path
        for (key, value) in settings {
            environment["NEEDLETAIL_" + key.uppercased().replacing(".", with: "_")] = value
        }
        let options = ["--data", data, "--listen", "127.0.0.1:0"] + (model.map { ["--model", $0] } ?? [])
        startedAt = ContinuousClock.now
        process = try ChildProcess(
            Places.server, options, environment: environment, output: folder.path + "/out",
            errors: folder.path + "/err")
        var port: Int?
        let (child, files) = (process, folder)
        let isUp = eventually(within: .seconds(20)) {
            port = Self.port(in: files.text("out"))
            return port != nil || child.wait(seconds: 0) != nil
        }
        guard isUp, let port else {
            throw TestFailure("the server does not listen: \(folder.text("err"))")
        }
        self.port = port
        _ = try LineConnection(port: port)
        startTime = startedAt.duration(to: .now)
    }

    /// The port of TLS, if it was asked for; it is printed behind the other one.
    var tlsPort: Int? {
        var port: Int?
        let files = folder
        _ = eventually(within: .seconds(5)) {
            let line = files.text("out").split(separator: "\n").first { $0.hasPrefix("tls on ") }
            port = line?.split(separator: ":").last.flatMap { Int($0) }
            return port != nil
        }
        return port
    }

    /// What it has logged.
    var log: String { folder.text("err") }

    private static func port(in text: String) -> Int? {
        guard text.hasSuffix("\n"), let line = text.split(separator: "\n").first else { return nil }
        return line.hasPrefix("listening on ") ? line.split(separator: ":").last.flatMap { Int($0) } : nil
    }

    /// A new connection. While it is there, so is the server.
    func connect(receiveBuffer: Int32? = nil) throws -> LineConnection {
        try LineConnection(port: port, receiveBuffer: receiveBuffer, owner: self)
    }

    /// `kill -9`. That it had ended by itself before is an error.
    func crash(sourceLocation: SourceLocation = #_sourceLocation) {
        let ending = process.end()
        #expect(ending == .signalled(SIGKILL), sourceLocation: sourceLocation)
        let fault = log.split(separator: "\n").first { $0.contains("Fatal error") || $0.contains("crashed") }
        #expect(fault == nil, sourceLocation: sourceLocation)
    }

    /// SIGTERM.
    func terminate() { process.send(signal: SIGTERM) }

    /// Resident memory in bytes.
    var residentBytes: Int {
        let status = (try? String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        let number = line.split(separator: " ").compactMap { Int($0) }.first
        return (number ?? Int.max / 1024) * 1024
    }
}
