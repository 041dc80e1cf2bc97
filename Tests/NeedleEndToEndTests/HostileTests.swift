// Peers that break every rule, or just sit there. Afterwards an ordinary client is served, and memory is
// bounded.

import Foundation
import Glibc
import NeedleCore
import Testing

extension EndToEnd {
    @Suite("Hostile peers")
    struct HostileTests {
        static let mostBytes = 1 << 30
        private let folder: TemporaryFolder
        private let server: ServerUnderTest
        private static let lineBytes = Places.isLong ? 64 << 20 : 1 << 20

        init() throws {
            folder = try TemporaryFolder()
            let limits =
                Places.isLong
                ? [:] : ["limits.line_bytes": "\(Self.lineBytes)", "limits.server_bytes": "\(64 << 20)"]
            server = try ServerUnderTest(data: folder.path + "/data", settings: limits)
        }

        /// An ordinary client is served as if nothing had been.
        private func expectUnharmed(
            _ name: String = "after", sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            #expect(server.process.wait(seconds: 0) == nil, sourceLocation: sourceLocation)
            let peer = try server.connect()
            #expect(try peer.result("server.health")["status"] == "ok", sourceLocation: sourceLocation)
            try peer.result("collection.create", #"{"name":"\#(name)","vectors":{"size":2}}"#)
            try peer.result("point.upsert", #"{"collection":"\#(name)","points":[{"id":1,"vector":[1,2]}]}"#)
            let found = try peer.result("point.search", #"{"collection":"\#(name)","vector":[1,2]}"#)
            #expect(found["points"]?.arrayValue?.count == 1, sourceLocation: sourceLocation)
            #expect(server.residentBytes <= Self.mostBytes, sourceLocation: sourceLocation)
        }

        @Test("Random bytes")
        func randomBytes() throws {
            var generator = SeededGenerator(seed: 11)
            for round in 0..<(Places.isLong ? 200 : 30) {
                let peer = try server.connect()
                var bytes = (0..<20_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
                // Every second round with structure: enough brackets, quotes and newlines to get somewhere.
                if round % 2 == 1 {
                    let alphabet = Array("{}[]\",:0123456789.eE+-\\unltrfasid \n".utf8)
                    bytes = bytes.map { alphabet[Int($0) % alphabet.count] }
                }
                try peer.send(bytes: bytes + [0x0A])
                peer.finish()
                while let line = try peer.line() {
                    #expect(try JSONValue(parsing: line, maximumDepth: 128)["result"] == nil)
                }
            }
            try expectUnharmed()
        }

        @Test("Requests with random damage")
        func damagedRequests() throws {
            var generator = SeededGenerator(seed: 12)
            let good = Array(
                request(
                    7, "point.upsert",
                    #"{"collection":"c","points":[{"id":1,"vector":[1.5,-2e-3],"payload":{"a":["é",null]}}]}"#
                ).utf8)
            let setup = try server.connect()
            try setup.result("collection.create", #"{"name":"c","vectors":{"size":2}}"#)
            let peer = try server.connect()
            for id in 0..<(Places.isLong ? 20_000 : 1_500) {
                var line = good
                for _ in 0...Int.random(in: 0..<3, using: &generator) {
                    let place = Int.random(in: 0..<line.count, using: &generator)
                    let byte = UInt8.random(in: 32...255, using: &generator)
                    switch Int.random(in: 0..<3, using: &generator) {
                    case 0: line[place] = byte
                    case 1: line.remove(at: place)
                    default: line.insert(byte, at: place)
                    }
                }
                // A marker after it, so that damaged notifications, which get no answer, are no riddle.
                try peer.send(
                    bytes: line + [0x0A] + Array((request(100_000 + id, "server.ping") + "\n").utf8))
                while try peer.next()["id"]?.integerValue != 100_000 + id {}
            }
            try expectUnharmed()
        }

        @Test("Half lines, then nobody")
        func halfLines() throws {
            let line = Array(request(1, "collection.create", #"{"name":"half","vectors":{"size":2}}"#).utf8)
            for length in stride(from: 1, through: line.count, by: Places.isLong ? 1 : 3) {
                try server.connect().send(bytes: Array(line[..<length]))
            }
            let large = [UInt8](repeating: 0x20, count: Self.lineBytes / 2)
            for _ in 0..<20 { try server.connect().send(bytes: large) }
            try expectUnharmed()
            #expect(try server.connect().result("collection.list")["collections"]?.arrayValue?.count == 1)
        }

        @Test("A line of one byte too many is skipped; one of the limit is read")
        func longLines() throws {
            let peer = try server.connect()
            let ping = Array(request(1, "server.ping").utf8)
            let padding = [UInt8](repeating: 0x20, count: Self.lineBytes - ping.count)
            try peer.send(bytes: ping + padding + [0x0A], seconds: 60)
            #expect(try peer.next(seconds: 60)["id"] == 1)
            try peer.send(bytes: ping + padding + [0x20, 0x0A], seconds: 60)
            let refusal = try peer.next(seconds: 60)
            #expect(refusal.errorKind == "line_too_long")
            #expect(refusal["id"] == .null)
            // Far too long, from many at once, and not even ended.
            let peers = try (0..<8).map { _ in try server.connect() }
            for _ in 0..<3 {
                for peer in peers { try peer.send(bytes: padding + padding, seconds: 60) }
            }
            #expect(server.residentBytes <= Self.mostBytes)
            for peer in peers {
                try peer.send("")
                #expect(try peer.next(seconds: 60).errorKind == "line_too_long")
                try peer.result("server.ping")
            }
            try expectUnharmed()
        }

        @Test("A thousand connections that say nothing")
        func idleConnections() throws {
            var limit = rlimit()
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            getrlimit(resource, &limit)
            limit.rlim_cur = limit.rlim_max
            setrlimit(resource, &limit)
            try #require(limit.rlim_cur > 1_600, "the hard limit of open files is too low for this test")
            // The server was started with whatever limit there was, and raises it itself.
            let idle = try (0..<1_000).map { _ in try server.connect() }
            try expectUnharmed("while")
            for peer in [idle[0], idle[499], idle[999]] { try peer.result("server.ping") }
            #expect(server.residentBytes <= Self.mostBytes / 4)
            withExtendedLifetime(idle) {}
        }

        @Test("Readers that never read, and pipeline requests with large answers")
        func neverReading() throws {
            let setup = try server.connect()
            try setup.result("collection.create", #"{"name":"big","vectors":{"size":1,"metric":"dot"}}"#)
            let text = String(repeating: "x", count: 400_000)
            try setup.result(
                "point.upsert",
                #"{"collection":"big","points":[{"id":1,"vector":[1],"payload":{"text":"\#(text)"}}]}"#)
            // More than the kernel's buffers hold, so that it shows whether the server reads on.
            let blanks = String(repeating: " ", count: 1_900)
            let wanted = (0..<20_000).map {
                request($0, "point.get", #"{"collection":"big","ids":[1]}"#) + blanks
            }
            let lines = Array((wanted.joined(separator: "\n") + "\n").utf8)
            let peers = try (0..<6).map { _ in try server.connect(receiveBuffer: 4_096) }
            for peer in peers {
                // 8 GB of answers are asked for by each; the server stops reading long before.
                let sent = try peer.sendSome(lines, seconds: 0.3)
                #expect(sent < lines.count)
            }
            #expect(server.residentBytes <= Self.mostBytes)
            try expectUnharmed()
            // Whoever begins to read gets what was accepted.
            #expect(try peers[0].next()["result"]?["points"]?.arrayValue?.count == 1)
        }
    }
}
