// Sections 1 and 3 of the protocol over a real socket: framing, pipelining, batches, notifications, the end
// of input.

import Foundation
import NeedleCore
import Testing

extension EndToEnd {
    @Suite("The protocol over a socket")
    struct ProtocolTests {
        private let folder: TemporaryFolder
        private let server: ServerUnderTest

        init() throws {
            folder = try TemporaryFolder()
            server = try ServerUnderTest(data: folder.path + "/data")
        }

        @Test("The server speaks first and says its limits")
        func greeting() throws {
            let greeting = try server.connect().greeting
            #expect(greeting["method"]?.stringValue == "server.hello")
            let params = greeting["params"]
            #expect(params?["server"]?.stringValue == "needletail")
            #expect(params?["protocol"] == [1, 1])
            #expect(params?["auth"]?.stringValue == "none")
            #expect(params?["limits"]?["line_bytes"] == 67_108_864)
            #expect(params?["limits"]?["in_flight"] == 256)
            #expect(params?["limits"]?["batch_points"] == 10_000)
            #expect(params?["limits"]?["dimensions"] == 65_536)
            #expect(params?["limits"]?["wait_ms"] == 10_000)
        }

        @Test("Pipelined requests are answered once each, and a later one may come first")
        func pipelining() throws {
            let peer = try server.connect()
            try peer.result("collection.create", #"{"name":"c","vectors":{"size":1,"metric":"dot"}}"#)
            // The first waits for a write that never comes; the others do not wait for it.
            var lines = [request(0, "point.count", #"{"collection":"c","min_lsn":999,"deadline_ms":700}"#)]
            lines += (1...200).map { request($0, $0 % 2 == 0 ? "server.ping" : "collection.list") }
            try peer.send(lines.joined(separator: "\n"))
            var order: [Int] = []
            while order.count < 201 { order.append(try peer.next()["id"]?.integerValue ?? -1) }
            #expect(Set(order) == Set(0...200))
            #expect(order.last == 0)
        }

        @Test("A batch is answered by one array, without its notifications")
        func batches() throws {
            let peer = try server.connect()
            try peer.send(
                #"[{"id":"a","method":"server.ping"},{"method":"server.ping"},7,{"id":2,"method":"no.such"}]"#
            )
            let answers = try #require(try peer.next().arrayValue)
            #expect(answers.count == 3)
            let one = answers.first { $0["id"]?.stringValue == "a" }
            #expect(one?["result"]?["now_ms"]?.integerValue != nil)
            #expect(answers.first { $0["id"] == .null }?.errorKind == "invalid_request")
            #expect(answers.first { $0["id"] == 2 }?.errorKind == "unknown_method")
            try peer.send(#"[{"method":"server.ping"},{"method":"server.ping"}]"#)
            #expect(peer.staysSilent(seconds: 0.1))
            let many = Array(repeating: #"{"id":1,"method":"server.ping"}"#, count: 257).joined(
                separator: ",")
            try peer.send("[\(many)]")
            #expect(try peer.next().errorKind == "limit_exceeded")
        }

        @Test("A notification is executed and not answered")
        func notifications() throws {
            let peer = try server.connect()
            try peer.result("collection.create", #"{"name":"c","vectors":{"size":1,"metric":"dot"}}"#)
            try peer.send(
                #"{"method":"point.upsert","params":{"collection":"c","points":[{"id":1,"vector":[1]}]}}"#)
            // Writes of one connection are applied in the order received, so this one comes after it.
            try peer.result("point.upsert", #"{"collection":"c","points":[{"id":2,"vector":[1]}]}"#)
            #expect(try peer.result("point.count", #"{"collection":"c"}"#)["count"] == 2)
        }

        @Test("What is no request is answered with the id null, and the connection lives on")
        func malformed() throws {
            let peer = try server.connect()
            let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
            let lines: [([UInt8], String)] = [
                (Array("{".utf8), "parse_error"), ([0x22, 0xFF, 0x22], "parse_error"),
                (Array(#"{"id":1,"method":"\ud800"}"#.utf8), "parse_error"),
                (Array(deep.utf8), "parse_error"),
                (Array("7".utf8), "invalid_request"), (Array("[]".utf8), "invalid_request"),
                (Array(#"{"id":null,"method":"server.ping"}"#.utf8), "invalid_request"),
                (Array(#"{"id":1.5,"method":"server.ping"}"#.utf8), "invalid_request"),
                (Array(#"{"id":1}"#.utf8), "invalid_request"), (Array("GET / HTTP/1.1".utf8), "parse_error"),
            ]
            for (line, kind) in lines {
                try peer.send(bytes: line + [0x0A])
                let answer = try peer.next()
                #expect(answer["id"] == .null, "\(kind)")
                #expect(answer.errorKind == kind, "\(String(decoding: line, as: UTF8.self))")
                #expect(answer["error"]?["data"]?["retryable"] == false)
            }
            try peer.result("server.ping")
        }

        @Test("Carriage returns and blank lines do not matter, nor how the bytes arrive")
        func framing() throws {
            let peer = try server.connect()
            try peer.send("\r")
            try peer.send(" \t ")
            try peer.send(request(1, "server.ping") + "\r")
            #expect(try peer.next()["id"] == 1)
            for byte in Array((request(2, "server.ping") + "\n").utf8) {
                try peer.send(bytes: [byte])
                usleep(200)
            }
            #expect(try peer.next()["id"] == 2)
            #expect(peer.staysSilent(seconds: 0.05))
        }

        @Test("After a half-close every complete line is answered, then the server closes")
        func halfClose() throws {
            let peer = try server.connect()
            try peer.result("collection.create", #"{"name":"c","vectors":{"size":1,"metric":"dot"}}"#)
            let lines = (0..<50).map { id in
                id % 2 == 0
                    ? request(id, "server.ping")
                    : request(
                        id, "point.upsert", #"{"collection":"c","points":[{"id":\#(id),"vector":[1]}]}"#)
            }
            try peer.send(lines.joined(separator: "\n"))
            try peer.send(bytes: Array(request(50, "server.ping").utf8))
            peer.finish()
            var ids: Set<Int> = []
            while let line = try peer.line() {
                ids.insert(try JSONValue(parsing: line)["id"]?.integerValue ?? -1)
            }
            #expect(ids == Set(0..<50))
            #expect(try server.connect().result("point.count", #"{"collection":"c"}"#)["count"] == 25)
        }

        @Test("A browser's request changes nothing", arguments: ["GET", "POST", "OPTIONS", "PUT"])
        func browsers(method: String) throws {
            let peer = try server.connect()
            let body = request(1, "collection.create", #"{"name":"stolen","vectors":{"size":1}}"#)
            // The server may have closed before everything is sent, which is as good.
            try? peer.send(
                "\(method) / HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Type: text/plain\r\n\r\n\(body)"
            )
            #expect(try peer.line() == nil)
            #expect(try server.connect().result("collection.list")["collections"] == [])
        }
    }
}
