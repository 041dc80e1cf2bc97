import Foundation
import NeedleCore
import NeedleServer
import Testing

@Suite struct ConfigurationTests {
    private static let example: String = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return (try? String(contentsOf: root.appending(path: "config.example.toml"), encoding: .utf8)) ?? ""
    }()

    private func problems(_ toml: String, environment: [String: String] = [:]) -> [String] {
        var loader = ConfigurationLoader()
        loader.read(toml: toml, file: "n.toml")
        _ = loader.read(environment: environment)
        do {
            _ = try loader.finish()
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func theExampleFileIsTheDefaults() throws {
        #expect(Self.example.contains("[server]"), "config.example.toml was not found")
        var loader = ConfigurationLoader()
        loader.read(toml: Self.example, file: "config.example.toml")
        let read = try loader.finish()
        let defaults = ServerConfiguration()
        for key in ConfigurationKey.all {
            #expect(key.text(in: read) == key.text(in: defaults), "\(key.path)")
        }
    }

    /// Each key is set in its section, and the comment above says unit or meaning and, for numbers, the
    /// range.
    @Test(arguments: ConfigurationKey.all.map(\.path))
    func theExampleFileExplains(_ path: String) throws {
        let key = try #require(ConfigurationKey.all.first { $0.path == path })
        let lines = Self.example.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let start = try #require(lines.firstIndex(of: "[\(key.section)]"))
        let rest = lines[(start + 1)...].prefix { !$0.hasPrefix("[") }
        let place = try #require(
            rest.firstIndex { $0.hasPrefix("\(key.name) =") }, "\(path) is not in the example")
        let comment = lines[..<place].reversed().prefix { $0.hasPrefix("#") }.joined(separator: " ")
        #expect(comment.count > 40, "\(path) is not explained")
        switch key.place {
        case .integer(_, let range):
            #expect(
                comment.contains("\(range.lowerBound) to \(range.upperBound)"),
                "\(path) does not say its range")
        case .fraction(_, let range):
            #expect(
                comment.contains("\(range.lowerBound) to \(range.upperBound)"),
                "\(path) does not say its range")
        default: break
        }
    }

    @Test func defaultsAreThoseOfTheProtocol() {
        let limits = ServerConfiguration().limits
        #expect(limits.lineBytes == 67_108_864 && limits.inFlight == 256 && limits.batchPoints == 10_000)
        #expect(limits.dimensions == 65_536 && limits.waitMS == 10_000 && limits.drainMS == 10_000)
        #expect(limits.writeTimeoutMS == 60_000 && limits.opKeyMS == 600_000 && limits.cursorMS == 300_000)
        #expect(ServerConfiguration().listen.description == "127.0.0.1:7700")
    }

    @Test func wordsAreTakenOrRefusedByName() throws {
        var loader = ConfigurationLoader()
        loader.read(toml: "[model]\nweights = \"int8\"\nbatch_wait_ms = 1.5", file: "n.toml")
        let read = try loader.finish()
        #expect(read.model.weights == "int8" && read.model.batchWaitMS == 1.5)
        let refused = problems("[model]\nweights = \"int4\"").joined()
        #expect(refused.contains("n.toml:2") && refused.contains(#""float32", "int8""#), "\(refused)")
    }

    @Test func theEnvironmentBeatsTheFileAndFlagsBeatBoth() throws {
        var loader = ConfigurationLoader()
        loader.read(toml: "[limits]\nwait_ms = 1\nin_flight = 2\ncursors = 3", file: "n.toml")
        let unknown = loader.read(environment: [
            "NEEDLETAIL_LIMITS_IN_FLIGHT": "20", "NEEDLETAIL_LIMITS_CURSORS": "30", "NEEDLETAIL_LIMIT_X": "1",
            "NEEDLETAIL_URL": "x", "HOME": "/",
        ])
        loader.set("limits.cursors", flag: "--cursors", value: "300")
        let read = try loader.finish()
        #expect(read.limits.waitMS == 1 && read.limits.inFlight == 20 && read.limits.cursors == 300)
        #expect(unknown == ["NEEDLETAIL_LIMIT_X"])
    }

    @Test(arguments: [
        ("[limits]\nwait_sm = 3", #"n.toml:2: unknown key "limits.wait_sm"; did you mean "limits.wait_ms"?"#),
        ("# c\n\n[limtis]\nx = 1", #"n.toml:3: unknown section or key "limtis""#),
        ("listen = \"x:1\"", #"n.toml:1: unknown section or key "listen""#),
        ("[limits]\n\nin_flight = 0", "n.toml:3: limits.in_flight must be an integer from 1 to 65536, not 0"),
        (
            "[limits]\nin_flight = \"9\"",
            #"n.toml:2: limits.in_flight must be an integer from 1 to 65536, not "9""#
        ),
        (
            "[limits]\nin_flight = 1.5",
            "n.toml:2: limits.in_flight must be an integer from 1 to 65536, not 1.5"
        ),
        ("[server]\nlisten = 7700", "n.toml:2: server.listen must be an address"),
        ("[server]\nallow_remote = 1", "n.toml:2: server.allow_remote must be true or false, not 1"),
        ("[server]\nlisten = [1]", "not an array"),
        ("[log]\nlevel = \"loud\"", #"n.toml:2: log.level must be one of "debug""#),
        (
            "[storage]\ndead_share = 7",
            "n.toml:2: storage.dead_share must be a number from 0.01 to 1.0, not 7"
        ),
        ("limits = 3", "n.toml:1: \"limits\" is a section"),
        ("[server]\nlisten = \"a", "n.toml:2: not valid TOML"),
        (
            "[server]\nlisten = \"0.0.0.0:7700\"",
            "server.listen: 0.0.0.0:7700 can be reached from other machines"
        ),
        ("[server]\nlisten = \"db.example:7700\"", "can be reached from other machines"),
        ("[limits]\nserver_bytes = 1048576", "limits.server_bytes: must be at least 2 x limits.line_bytes"),
        ("[storage]\ndata = \"\"", "storage.data: must name a directory"),
    ])
    func badFilesAreRefusedWithTheirPlace(_ toml: String, _ expected: String) throws {
        let found = problems(toml)
        #expect(found.count == 1)
        #expect(found.first?.contains(expected) == true, "\(found)")
    }

    @Test func linesAreFoundInOddFiles() {
        let toml = """
            # comment
            [log] # trailing
            "level" = "info"
            [ limits ]
              wait_ms = 5
            in_flight.x = 3
            [storage]
            data = '''
            in_flight = 3
            [limits]
            '''
            bogus = 1
            """
        let found = problems(toml)
        #expect(found.contains { $0.hasPrefix("n.toml:6: limits.in_flight must be") }, "\(found)")
        #expect(found.contains { $0.hasPrefix("n.toml:12: unknown key \"storage.bogus\"") }, "\(found)")
        #expect(found.count == 2)
    }

    @Test func allProblemsAreReportedTogether() {
        #expect(problems("[limits]\nx = 1\ny = 2\nwait_ms = -1").count == 3)
        let found = problems("", environment: ["NEEDLETAIL_LIMITS_WAIT_MS": "soon"])
        #expect(
            found == [
                #"NEEDLETAIL_LIMITS_WAIT_MS: limits.wait_ms must be an integer from 0 to 86400000, not "soon""#
            ])
    }

    @Test func aFileThatIsNotThereIsAProblem() {
        var loader = ConfigurationLoader()
        loader.read(file: "/nonexistent/n.toml")
        #expect(throws: ConfigurationError.self) { try loader.finish() }
    }

    @Test func remoteIsAllowedWhenSaidSo() {
        #expect(problems("[server]\nlisten = \"0.0.0.0:1\"\nallow_remote = true").isEmpty)
    }

    @Test func theHTTPSideIsOffOrHasAnAddress() throws {
        var loader = ConfigurationLoader()
        #expect(loader.configuration.http.listen == nil)
        loader.read(toml: "[http]\nlisten = \"[::1]:7780\"", file: "n.toml")
        #expect(try loader.finish().http.listen == ListenAddress(host: "::1", port: 7780))
        loader.set("http.listen", flag: "--http", value: "")
        #expect(try loader.finish().http.listen == nil)
        #expect(problems("[http]\nlisten = \"7780\"")[0].contains("http.listen must be an address"))
        let remote = problems("[http]\nlisten = \"0.0.0.0:1\"")
        #expect(remote.count == 1 && remote[0].contains("http.allow_remote"), "\(remote)")
        #expect(problems("[http]\nlisten = \"0.0.0.0:1\"\nallow_remote = true").isEmpty)
        // Consent to one side is none to the other.
        #expect(
            problems("[http]\nlisten = \"0.0.0.0:1\"\n[server]\nallow_remote = true").count == 1)
    }

    @Test(arguments: [
        ("127.0.0.1:7700", true), ("127.9.9.9:1", true), ("[::1]:7700", true), ("localhost:0", true),
        ("0.0.0.0:7700", false), ("[::]:7700", false), ("10.0.0.1:7700", false),
        ("127.0.0.1.example.org:1", false),
    ])
    func loopbackIsRecognised(_ text: String, _ isLoopback: Bool) throws {
        let address = try #require(ListenAddress(text))
        #expect(address.isLoopback == isLoopback)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", "7700", ":7700", "localhost", "localhost:", "localhost:65536", "::1:7700", "a:-1", "a:1x",
    ])
    func badAddressesAreRefused(_ text: String) {
        #expect(ListenAddress(text) == nil)
    }
}
