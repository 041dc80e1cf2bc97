// API keys from the command that makes them to the server that asks for them: real files, real signals.

import Foundation
import NeedleCore
import Testing

extension EndToEnd {
    @Suite("Who may do what")
    struct AccessTests {
        private let folder: TemporaryFolder
        private var keys: String { folder.path + "/keys" }

        init() throws { folder = try TemporaryFolder() }

        private func run(
            _ arguments: [String], port: Int? = nil, key: String? = nil
        ) throws -> ProgramResult {
            var environment: [String: String] = [:]
            if let port { environment["NEEDLETAIL_URL"] = "127.0.0.1:\(port)" }
            if let key { environment["NEEDLETAIL_API_KEY"] = key }
            return try runProgram(Places.commandLine, arguments, environment: environment)
        }

        /// Makes a key and appends its line to the file.
        private func create(_ arguments: String...) throws -> String {
            let result = try run(["key", "create"] + arguments + ["--file", keys])
            #expect(result.status == 0, "\(result.errors)")
            let key = result.output.trimmingCharacters(in: .newlines)
            #expect(key.hasPrefix("nt_") && key.utf8.count == 46)
            return key
        }

        @Test("Keys are made, asked for, limited, and taken back while the server runs")
        func wholeLife() throws {
            let admin = try create("ops", "--role", "admin")
            let reader = try create("app", "--role", "reader", "--collections", "docs")
            let text = String(decoding: try Data(contentsOf: URL(filePath: keys)), as: UTF8.self)
            #expect(!text.contains(admin) && text.split(separator: "\n").count == 2)
            let server = try ServerUnderTest(data: folder.path + "/data", settings: ["security.keys": keys])

            let nobody = try run(["collections"], port: server.port)
            #expect(nobody.status == 1 && nobody.errors.contains("unauthenticated"), "\(nobody.errors)")
            #expect(nobody.errors.contains("NEEDLETAIL_API_KEY"))
            let wrong = try run(["collections"], port: server.port, key: "nt_wrong")
            #expect(wrong.status == 1 && wrong.errors.contains("not accepted"), "\(wrong.errors)")

            for name in ["docs", "others"] {
                let made = try run(["create", name, "--size", "2"], port: server.port, key: admin)
                #expect(made.status == 0, "\(made.errors)")
            }
            let seen = try run(["collections", "--json"], port: server.port, key: reader)
            #expect(seen.output.contains("\"docs\"") && !seen.output.contains("others"))
            #expect(try run(["info", "docs"], port: server.port, key: reader).status == 0)
            let others = try run(["info", "others"], port: server.port, key: reader)
            #expect(others.status == 1 && others.errors.contains("forbidden"), "\(others.errors)")
            let drop = try run(["drop", "docs", "--yes"], port: server.port, key: reader)
            #expect(drop.status == 1 && drop.errors.contains("expected role admin"), "\(drop.errors)")

            let made = try run(
                ["key", "token", "app", "--role", "reader", "--collections", "docs", "--for", "1h"],
                key: reader)
            let token = made.output.trimmingCharacters(in: .newlines)
            #expect(try run(["info", "docs"], port: server.port, key: token).status == 0)

            // The first line only stays.
            _ = try folder.file("keys", text.split(separator: "\n")[0] + "\n")
            server.process.send(signal: SIGHUP)
            #expect(
                eventually(within: .seconds(10)) { server.log.contains("keys read again, because of SIGHUP") }
            )
            for gone in [reader, token] {
                let refused = try run(["info", "docs"], port: server.port, key: gone)
                #expect(
                    refused.status == 1 && refused.errors.contains("unauthenticated"), "\(refused.errors)")
            }
            #expect(try run(["info", "docs"], port: server.port, key: admin).status == 0)

            // A file with a mistake changes nothing.
            _ = try folder.file("keys", "{")
            server.process.send(signal: SIGHUP)
            #expect(eventually(within: .seconds(10)) { server.log.contains("keys stay as they were") })
            #expect(server.log.contains("keys:1: not JSON"))
            #expect(try run(["info", "docs"], port: server.port, key: admin).status == 0)
        }

        @Test("The log says what administrators did, and never holds a key")
        func audit() throws {
            let admin = try create("ops", "--role", "admin")
            let server = try ServerUnderTest(data: folder.path + "/data", settings: ["security.keys": keys])
            #expect(try run(["create", "docs", "--size", "2"], port: server.port, key: admin).status == 0)
            #expect(try run(["drop", "docs", "--yes"], port: server.port, key: admin).status == 0)
            #expect(try run(["drop", "docs", "--yes"], port: server.port, key: admin).status == 1)
            for _ in 0..<20 { _ = try run(["collections"], port: server.port, key: "nt_guess") }
            let lines = server.log.split(separator: "\n")
            let acts = lines.filter { $0.contains(" audit ") }
            #expect(acts.count == 3, "\(acts)")
            #expect(acts.allSatisfy { $0.contains("key=ops") && $0.contains("collection=docs") })
            #expect(acts[0].contains("method=collection.create") && acts[0].contains("outcome=done"))
            #expect(acts[2].contains("method=collection.delete") && acts[2].contains("outcome=not_found"))
            #expect(lines.filter { $0.contains("login refused") }.count == 1, "a flood is said once")
            #expect(!server.log.contains(admin) && !server.log.contains("nt_guess"))
        }

        @Test("A file of keys that is wrong or missing keeps the server from starting")
        func badFiles() throws {
            for (file, reason) in [
                (folder.path + "/none", "cannot be read"), (try folder.file("bad", "x"), "bad:1: not JSON"),
            ] {
                let result = try runProgram(
                    Places.server, ["--data", folder.path + "/data", "--listen", "127.0.0.1:0"],
                    environment: ["NEEDLETAIL_SECURITY_KEYS": file])
                #expect(result.status == 1 && result.errors.contains(reason), "\(result.errors)")
            }
        }

        @Test("Nobody listens beyond loopback without keys or consent")
        func remote() throws {
            let address = ["--listen", "0.0.0.0:0", "--check-config"]
            let refused = try runProgram(Places.server, address)
            #expect(refused.status == 2 && refused.errors.contains("server.listen"), "\(refused.errors)")
            _ = try create("ops", "--role", "admin")
            let accepted = try runProgram(
                Places.server, address, environment: ["NEEDLETAIL_SECURITY_KEYS": keys])
            #expect(accepted.status == 0, "\(accepted.errors)")
        }

        @Test("A file of keys stays one that the server starts with, and is for its owner only")
        func fileOfKeys() throws {
            _ = try create("ops", "--role", "admin")
            let mode = try FileManager.default.attributesOfItem(atPath: keys)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let again = try run(["key", "create", "ops", "--role", "reader", "--file", keys])
            #expect(again.status == 2 && again.errors.contains("keys:1"), "\(again.errors)")
            #expect(again.output.isEmpty)
            // A line that somebody has written without its end.
            let text = try String(contentsOfFile: keys, encoding: .utf8)
            try text.dropLast().write(toFile: keys, atomically: true, encoding: .utf8)
            _ = try create("app", "--role", "reader")
            let server = try ServerUnderTest(data: folder.path + "/data", settings: ["security.keys": keys])
            #expect(server.log.contains("keys=2"))
        }

        @Test("Wrong words on the command line say what was expected")
        func usage() throws {
            for (arguments, words) in [
                (["key", "create", "x", "--role", "root"], "admin"), (["key", "create", "x"], "--role"),
                (["key", "create", "x", "--role", "admin", "--expires", "soon"], "90d"),
                (["key", "token", "x", "--role", "reader", "--for", "0h"], "1h"),
                (["key", "token", "x", "--role", "reader", "--for", "1h"], "NEEDLETAIL_API_KEY"),
                (["key", "create", "", "--role", "admin"], "1 to 64"),
            ] {
                let result = try run(arguments)
                #expect(result.status == 2 && result.errors.contains(words), "\(arguments): \(result.errors)")
            }
        }
    }
}
