// The protocol under TLS, with real certificates: whom the command believes, whom the server lets in.

import Foundation
import NeedleClient
import NeedleCore
import Testing

extension EndToEnd {
    @Suite("TLS")
    struct TLSTests {
        private let folder: TemporaryFolder

        init() throws { folder = try TemporaryFolder() }

        private static func file(_ name: String) -> String {
            URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Certificates/\(name)").path
        }

        private func start(
            _ certificate: String = "server", clients authority: String? = nil,
            _ more: [String: String] = [:]
        ) throws -> ServerUnderTest {
            var settings = [
                "tls.listen": "127.0.0.1:0", "tls.certificate": Self.file(certificate + ".pem"),
                "tls.private_key": Self.file(certificate + ".key"),
            ]
            if let authority { settings["tls.client_ca"] = Self.file(authority) }
            return try ServerUnderTest(data: folder.path + "/data", settings: settings.merging(more) { $1 })
        }

        /// `needletail collections` under TLS.
        private func ask(
            _ server: ServerUnderTest, believing authority: String? = "ca.pem", as client: String? = nil,
            host: String = "127.0.0.1", port: Int? = nil, key: String? = nil
        ) throws -> ProgramResult {
            var environment = [
                "NEEDLETAIL_URL": "needletails://\(host):\(try port ?? #require(server.tlsPort))"
            ]
            environment["NEEDLETAIL_CA"] = authority.map(Self.file)
            environment["NEEDLETAIL_API_KEY"] = key
            if let client {
                environment["NEEDLETAIL_CERTIFICATE"] = Self.file(client + ".pem")
                environment["NEEDLETAIL_PRIVATE_KEY"] = Self.file(client + ".key")
            }
            return try runProgram(
                Places.commandLine, ["collections", "--timeout", "5"], environment: environment)
        }

        @Test("A server whose certificate is right is believed, by address and by name; no other is")
        func serverCertificates() throws {
            let server = try start()
            for host in ["127.0.0.1", "localhost"] {
                let result = try ask(server, host: host)
                #expect(result.status == 0, "\(host): \(result.errors)")
            }
            for authority in ["other-ca.pem", nil] {
                let result = try ask(server, believing: authority)
                #expect(result.status == 3 && result.errors.contains("cannot connect"), "\(result.errors)")
            }
            let elsewhere = try TLSTests().start("elsewhere")
            #expect(try ask(elsewhere).status == 3, "its name is another")
            #expect(try ask(elsewhere, host: "localhost").status == 3)
        }

        @Test("Where clients need certificates, only those of the authority are let in")
        func clientCertificates() throws {
            let server = try start(clients: "ca.pem")
            #expect(try ask(server, as: "client").status == 0)
            for client in ["stranger", nil] {
                let result = try ask(server, as: client)
                #expect([3, 6].contains(result.status), "\(client ?? "nobody"): \(result.errors)")
            }
            // The port in plain text is another one, and lets in whom it let in before.
            _ = try server.connect()
        }

        @Test("Many requests and large answers go through as they do in plain text")
        func traffic() async throws {
            let server = try start()
            var configuration = ClientConfiguration(
                address: try ServerAddress("needletails://127.0.0.1:\(try #require(server.tlsPort))"))
            configuration.tls.certificateAuthorities = Self.file("ca.pem")
            let client = NeedletailClient(configuration)
            try await client.createCollection("c", VectorSpace(size: 64))
            let points = (0..<5_000).map { row in
                Point(id: PointID(UInt64(row)), vector: (0..<64).map { Float(($0 * row) % 17) + 0.5 })
            }
            try await client.upsert("c", points)
            let found = try await withThrowingTaskGroup(of: Int.self) { group in
                for row in 0..<200 {
                    group.addTask {
                        var request = SearchRequest(vector: points[row].vector ?? [])
                        request.limit = 50
                        return try await client.search("c", request).hits.count
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(found == 200 * 50)
            #expect(try await client.count("c") == 5_000)
            await client.close()
        }

        @Test("Plain text on the port of TLS, and TLS on the other one, are refused; others do not notice")
        func wrongPort() throws {
            let server = try start()
            let plain = try runProgram(
                Places.commandLine, ["collections", "--timeout", "5"],
                environment: ["NEEDLETAIL_URL": "127.0.0.1:\(try #require(server.tlsPort))"])
            #expect([3, 4, 6].contains(plain.status), "\(plain.errors)")
            let raw = try LineConnection(port: try #require(server.tlsPort), greets: false)
            try raw.send(request(1, "server.ping"))
            var answers: [String] = []
            while let line = try raw.line() { answers.append(line) }
            #expect(!answers.contains { $0.contains("now_ms") }, "closed, and not answered")
            #expect(try ask(server, port: server.port).status == 3)
            #expect(try ask(server).status == 0)
            try server.connect().result("server.ping")
        }

        @Test("A full server closes those who come under TLS, also when they say nothing")
        func full() throws {
            let server = try start("server", ["server.connections": "1"])
            var held: LineConnection?
            let isHeld = eventually(within: .seconds(10)) {
                held = try? server.connect()
                return held?.greeting["method"] == "server.hello"
            }
            try #require(isHeld)
            let silent = try LineConnection(port: try #require(server.tlsPort), greets: false)
            #expect(try silent.line(seconds: 10) == nil)
            try held?.result("server.ping")
        }

        @Test("A new certificate counts from SIGHUP on; one with a mistake changes nothing")
        func reload() throws {
            let paths = ["certificate": folder.path + "/cert.pem", "private_key": folder.path + "/cert.key"]
            func install(_ certificate: String, _ key: String) throws {
                for (name, path) in [(certificate + ".pem", "cert.pem"), (key + ".key", "cert.key")] {
                    _ = try folder.file(path, String(contentsOfFile: Self.file(name), encoding: .utf8))
                }
            }
            try install("elsewhere", "elsewhere")
            let server = try start(
                "server",
                ["tls.certificate": paths["certificate"]!, "tls.private_key": paths["private_key"]!])
            #expect(try ask(server).status == 3)
            try install("server2", "server2")
            server.process.send(signal: SIGHUP)
            #expect(eventually(within: .seconds(10)) { server.log.contains("certificates read again") })
            #expect(try ask(server).status == 0)
            try install("server", "client")
            server.process.send(signal: SIGHUP)
            #expect(
                eventually(within: .seconds(10)) { server.log.contains("certificates stay as they were") })
            #expect(try ask(server).status == 0)
        }

        @Test("Keys are asked for under TLS too, and a server with keys may listen to the world")
        func keys() throws {
            let keys = folder.path + "/keys"
            let made = try runProgram(
                Places.commandLine, ["key", "create", "ops", "--role", "admin", "--file", keys])
            let server = try start("server", ["security.keys": keys])
            #expect(try ask(server).status == 1)
            #expect(try ask(server, key: made.output.trimmingCharacters(in: .newlines)).status == 0)
        }

        @Test("Files that are wrong keep the server from starting, and are named")
        func badFiles() throws {
            let good = (Self.file("server.pem"), Self.file("server.key"))
            for (certificate, key, named) in [
                (folder.path + "/none", good.1, "tls.certificate"),
                (good.0, Self.file("client.key"), "tls.private_key"),
                (good.0, try folder.file("bad.key", "nothing"), "tls.private_key"),
                ("", good.1, "names no file"),
            ] {
                let result = try runProgram(
                    Places.server, ["--data", folder.path + "/data", "--listen", "127.0.0.1:0"],
                    environment: [
                        "NEEDLETAIL_TLS_LISTEN": "127.0.0.1:0", "NEEDLETAIL_TLS_CERTIFICATE": certificate,
                        "NEEDLETAIL_TLS_PRIVATE_KEY": key,
                    ])
                #expect(result.status == 1 && result.errors.contains(named), "\(result.errors)")
            }
        }
    }
}
