import Glibc
import NeedleCore
import NeedleServer
import Synchronization
import Testing

/// The protocol over HTTP: the same answers as on TCP, and slow or hostile clients hurt nobody else.
@Suite(.serialized, .timeLimit(.minutes(2))) struct HTTPCallTests {
    private static let ping = #"{"id":1,"method":"server.ping"}"#

    @Test func answersAreThoseOfTheOtherSide() throws {
        let server = try httpServer()
        let (tcp, http) = (try server.client(), try server.http())
        try tcp.fill("docs", count: 5)
        for call in [
            #"{"id":1,"method":"point.count","params":{"collection":"docs"}}"#,
            #"{"id":"x","method":"point.get","params":{"collection":"docs","ids":[1,9]}}"#,
            #"{"id":1,"method":"point.count","params":{"collection":"none"}}"#,
            #"{"id":1,"method":"nothing"}"#, #"{"id":1,"method":"server.ping","params":[1]}"#, "{", "[]", "7",
            #"[{"id":1,"method":"point.count","params":{"collection":"docs"}},{"method":"server.ping"},{"id":2}]"#,
            #"{"id":1,"method":"server.cancel","params":{"id":7}}"#,
        ] {
            tcp.send(call + "\n")
            let answer = try http.ask(.rpc(call))
            #expect(answer.status == 200 && answer.headers["content-type"] == "application/json")
            #expect(try answer.body == tcp.line().map { $0 + "\n" }, "\(call)")
        }
    }

    @Test func aBodyMayHaveLines() throws {
        let server = try httpServer()
        let answer = try server.ask(.rpc("\n{\r\n\"id\": 1,\n\"method\": \"server.ping\"}\n\n"))
        #expect(answer.body.contains(#""now_ms""#))
        for empty in ["", " \n "] {
            let answer = try server.ask(.rpc(empty))
            #expect(answer.status == 200 && answer.body.contains(#""kind":"parse_error""#))
        }
    }

    @Test func aNotificationIsExecutedAndNotAnswered() throws {
        let server = try httpServer()
        let client = try server.http()
        let answer = try client.ask(
            .rpc(#"{"method":"collection.create","params":{"name":"a","vectors":{"size":2}}}"#))
        #expect(answer.status == 204 && answer.body.isEmpty && answer.headers["content-length"] == nil)
        #expect(try client.ask(.rpc(#"{"id":1,"method":"collection.list"}"#)).body.contains(#""name":"a""#))
    }

    @Test func onlyJSONIsTaken() throws {
        let server = try httpServer()
        for type in ["application/json", "Application/JSON; charset=utf-8", "application/json ;x=y"] {
            #expect(try server.ask(.rpc(Self.ping) { $0.headers["Content-Type"] = type }).status == 200)
        }
        for type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "", nil] {
            let answer = try server.ask(.rpc(Self.ping) { $0.headers["Content-Type"] = type })
            #expect(answer.status == 415 && answer.body.contains(#""kind":"invalid_request""#))
        }
    }

    @Test func changesOfABatchAreAppliedInTheirOrder() throws {
        let server = try httpServer()
        let client = try server.http()
        for round in 0..<20 {
            let calls = [
                #"{"id":1,"method":"collection.create","params":{"name":"c","vectors":{"size":2}}}"#,
                #"{"id":2,"method":"point.upsert","params":{"collection":"c","points":[{"id":1,"vector":[1,2]}]}}"#,
                #"{"id":3,"method":"point.upsert","params":{"collection":"c","points":[{"id":1,"vector":[3,4]}]}}"#,
                #"{"id":4,"method":"point.delete","params":{"collection":"c","ids":[1]}}"#,
                #"{"id":5,"method":"collection.delete","params":{"collection":"c"}}"#,
            ]
            let body = try client.ask(.rpc("[\(calls.joined(separator: ","))]")).body
            #expect(
                body.contains(#""updated":1"#) && body.contains(#""deleted":1"#), "round \(round): \(body)")
            #expect(body.contains(#""deleted":true"#) && !body.contains("error"), "round \(round): \(body)")
        }
    }

    @Test func deadlinesHold() throws {
        let embedder = StubEmbedder()
        let server = try httpServer(embedder: embedder)
        embedder.isHeld.store(true, ordering: .relaxed)
        let params = #"{"texts":["a"],"deadline_ms":50}"#
        let answer = try server.ask(.rpc(#"{"id":1,"method":"text.embed","params":\#(params)}"#))
        #expect(answer.body.contains(#""kind":"deadline""#))
        let past = try server.ask(.rpc(#"{"id":1,"method":"server.ping","params":{"deadline_ms":0}}"#))
        #expect(past.body.contains(#""kind":"deadline""#))
        embedder.isHeld.store(false, ordering: .relaxed)
    }

    @Test func newsOfProgressIsNoPartOfTheAnswer() throws {
        let server = try httpServer()
        try server.client().fill("docs", count: 1_100)
        let params = #"{"collection":"docs","wait":true}"#
        let answer = try server.ask(.rpc(#"{"id":1,"method":"collection.optimize","params":\#(params)}"#))
        #expect(answer.body.hasPrefix(#"{"jsonrpc":"2.0","id":1,"result":{"job":""#))
        #expect(answer.body.count { $0 == "\n" } == 1)
    }

    @Test func severalCallsMayBeSentAtOnce() throws {
        let server = try httpServer()
        let client = try server.http()
        let calls = (1...20).map { HTTPMessage.rpc(#"{"id":\#($0),"method":"server.ping"}"#) }
        client.send(calls.map { $0.head + ($0.body ?? "") }.joined())
        for id in 1...20 { #expect(try client.answer().body.contains(#""id":\#(id),"#)) }
    }

    @Test func whoAsksWhetherToGoOnIsTold() throws {
        let server = try httpServer { $0.limits.lineBytes = 2_048 }
        let client = try server.http()
        let call = HTTPMessage.rpc(Self.ping) { $0.headers["Expect"] = "100-continue" }
        client.send(call.head)
        #expect(try client.answer().status == 100)
        client.send(Self.ping)
        #expect(try client.answer().body.contains("now_ms"))
        // Who would be refused is refused before it sends anything.
        client.send(
            HTTPMessage.rpc(
                "", { ($0.headers["Expect"], $0.headers["Content-Length"]) = ("100-continue", "9999") }
            ).head)
        #expect(try client.answer().status == 413)
    }

    @Test func theConnectionIsClosedWhenThePeerWantsIt() throws {
        let server = try httpServer()
        let client = try server.http()
        client.send(HTTPMessage.get("/healthz") { $0.headers["Connection"] = "close" }.head)
        #expect(try client.answer().status == 200)
        #expect(try client.rest().isEmpty)
        let half = try server.http()
        half.send(HTTPMessage.get("/healthz").head)
        half.finish()
        #expect(try half.answer().status == 200)
        #expect(try half.rest().isEmpty)
    }

    // MARK: Limits

    @Test func theBodyIsAsLongAsALineMayBe() throws {
        let server = try httpServer { $0.limits.lineBytes = 2_048 }
        let fill = { (count: Int) in Self.ping + String(repeating: " ", count: count - Self.ping.utf8.count) }
        #expect(try server.ask(.rpc(fill(2_048))).status == 200)
        let long = try server.ask(.rpc(fill(2_049)))
        #expect(long.status == 413 && long.body.contains(#""kind":"line_too_long""#))
        // Said and not sent: refused without waiting for it.
        let client = try server.http()
        client.send(HTTPMessage.rpc("") { $0.headers["Content-Length"] = "999999999999" }.head)
        #expect(try client.answer().status == 413)
        #expect(try client.rest().isEmpty)
        // Not said.
        let chunked = try server.http()
        chunked.send(
            HTTPMessage.rpc("") { $0.headers["Transfer-Encoding"] = "chunked" }.head
                + "400\r\n\(fill(1_024))\r\n401\r\n\(String(repeating: " ", count: 1_025))\r\n0\r\n\r\n")
        #expect(try chunked.answer().status == 413)
        let good = try server.http()
        good.send(
            HTTPMessage.rpc("") { $0.headers["Transfer-Encoding"] = "chunked" }.head
                + "400\r\n\(fill(1_024))\r\n400\r\n\(String(repeating: " ", count: 1_024))\r\n0\r\n\r\n")
        #expect(try good.answer().body.contains("now_ms"))
        #expect(eventually { (try? server.metrics()["needletail_memory_bytes", Self.lines]) == 0 })
    }

    private static let lines = ["purpose": "request_lines"]

    @Test func aBodyIsCountedWhileItComes() throws {
        let server = try httpServer()
        let client = try server.http()
        client.send(HTTPMessage.rpc("") { $0.headers["Content-Length"] = "2000000" }.head)
        client.send([UInt8](repeating: 0x20, count: 1_000_000))
        #expect(eventually { (try? server.metrics()["needletail_memory_bytes", Self.lines]) == 1_000_000 })
        client.reset()
        #expect(eventually { (try? server.metrics()["needletail_memory_bytes", Self.lines]) == 0 })
    }

    @Test func aSpentBudgetStopsReadingUntilThereIsRoom() throws {
        let server = try httpServer {
            $0.limits.lineBytes = 1 << 20
            $0.limits.serverBytes = 2 << 20
        }
        let clients = try (0..<4).map { _ in try server.http() }
        for client in clients {
            client.send(HTTPMessage.rpc("") { $0.headers["Content-Length"] = "1048576" }.head)
            client.send([UInt8](repeating: 0x20, count: 800_000))
        }
        func held() throws -> Double { try server.metrics()["needletail_memory_bytes", Self.lines] }
        #expect(eventually { ((try? held()) ?? 0) >= 1_500_000 })
        // What is over it is what four connections read in one turn each: up to four pieces.
        #expect(try held() <= Double(2 << 20) + 4 * 4 * 65_536)
        for client in clients { client.reset() }
        #expect(eventually { (try? held()) == 0 })
        #expect(try server.ask(.rpc(Self.ping)).status == 200)
    }

    @Test func aSlowRequestIsGivenUp() throws {
        let server = try httpServer {
            $0.http.requestMS = 300
            $0.http.idleMS = 60_000
        }
        let (slow, silent, quick) = (try server.http(), try server.http(), try server.http())
        slow.send(HTTPMessage.rpc(Self.ping) { $0.headers["Content-Length"] = "100" }.head + "{")
        silent.send("POST /rpc HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        // A byte now and then does not make it any longer: the time, and the second for which a closed connection
        // lingers, are over while more are coming.
        for _ in 0..<40 {
            usleep(50_000)
            slow.send(" ")
            silent.send("X")
            #expect(try quick.ask(.rpc(Self.ping)).status == 200)
        }
        let metrics = try ParsedMetrics(try quick.ask(.get("/metrics")).body)
        #expect(metrics["needletail_connections", ["transport": "http"]] == 1)
        #expect(metrics["needletail_memory_bytes", Self.lines] == 0)
        #expect(try silent.rest().isEmpty)
    }

    @Test func aSlowRequestIsToldThatItWas() throws {
        let server = try httpServer { $0.http.requestMS = 200 }
        let client = try server.http()
        client.send(HTTPMessage.rpc(Self.ping) { $0.headers["Content-Length"] = "100" }.head + "{")
        let answer = try client.answer()
        #expect(answer.status == 408 && answer.headers["connection"] == "close")
        #expect(try client.rest().isEmpty)
    }

    @Test func anIdleConnectionIsClosed() throws {
        let server = try httpServer { $0.http.idleMS = 200 }
        let (used, unused) = (try server.http(), try server.http())
        #expect(try used.ask(.get("/healthz")).status == 200)
        #expect(try used.rest().isEmpty)
        #expect(try unused.rest().isEmpty)
    }

    /// A request that takes long is not an idle connection.
    @Test func whoWaitsForAnAnswerIsNotIdle() throws {
        let embedder = StubEmbedder()
        let server = try httpServer(embedder: embedder) {
            $0.http.idleMS = 100
            $0.http.requestMS = 100
        }
        embedder.isHeld.store(true, ordering: .relaxed)
        let client = try server.http()
        let call = HTTPMessage.rpc(#"{"id":1,"method":"text.embed","params":{"texts":["a"]}}"#)
        client.send(call.head + (call.body ?? ""))
        usleep(400_000)
        embedder.isHeld.store(false, ordering: .relaxed)
        #expect(try client.answer().body.contains("vectors"))
    }

    @Test func whoDoesNotReadIsCutOff() throws {
        let server = try httpServer { $0.limits.writeTimeoutMS = 300 }
        let writer = try server.client()
        _ = try writer.call("collection.create", #"{"name":"docs","vectors":{"size":2}}"#)
        let text = String(repeating: "x", count: 24 << 20)
        let points = #"[{"id":1,"vector":[1,2],"payload":{"t":"\#(text)"}}]"#
        _ = try writer.call("point.upsert", #"{"collection":"docs","points":\#(points)}"#)
        let reader = try server.http(receiveBuffer: 4_096)
        let call = HTTPMessage.rpc(
            #"{"id":1,"method":"point.get","params":{"collection":"docs","ids":[1]}}"#)
        reader.send(call.head + (call.body ?? ""))
        let unsent = ["purpose": "unsent_replies"]
        #expect(
            eventually {
                (try? server.metrics()["needletail_memory_bytes", unsent]).map { $0 > 1e7 } ?? false
            })
        #expect(eventually { (try? server.metrics()["needletail_connections", ["transport": "http"]]) == 1 })
        #expect(eventually { (try? server.metrics()["needletail_memory_bytes", unsent]) == 0 })
        // Who reads gets it all.
        let answer = try server.ask(call)
        #expect(answer.body.utf8.count > 24 << 20 && answer.body.hasSuffix("}\n"))
    }

    @Test func theLastAnswerIsSentToItsEnd() throws {
        let server = try httpServer()
        let writer = try server.client()
        _ = try writer.call("collection.create", #"{"name":"docs","vectors":{"size":2}}"#)
        let text = String(repeating: "x", count: 12 << 20)
        let points = #"[{"id":1,"vector":[1,2],"payload":{"t":"\#(text)"}}]"#
        _ = try writer.call("point.upsert", #"{"collection":"docs","points":\#(points)}"#)
        let params = #"{"collection":"docs","ids":[1]}"#
        let call = HTTPMessage.rpc(#"{"id":1,"method":"point.get","params":\#(params)}"#) {
            $0.headers["Connection"] = "close"
        }
        let reader = try server.http(receiveBuffer: 4_096)
        reader.send(call.head + (call.body ?? ""))
        // Longer than a connection lingers that was closed.
        usleep(1_500_000)
        #expect(try reader.answer().body.utf8.count > 12 << 20)
        #expect(try reader.rest().isEmpty)
    }

    @Test func whatNobodyWaitsForIsGivenUp() throws {
        let embedder = StubEmbedder()
        let server = try httpServer(embedder: embedder)
        embedder.isHeld.store(true, ordering: .relaxed)
        var client: TestClient? = try server.http()
        let call = HTTPMessage.rpc(#"{"id":1,"method":"text.embed","params":{"texts":["a"]}}"#)
        client?.send(call.head + (call.body ?? ""))
        #expect(eventually { embedder.calls.load(ordering: .relaxed) == 1 })
        // Until its socket is closed too, it could be one that sends nothing more and waits.
        client?.reset()
        client = nil
        let cancelled = ["method": "text.embed", "outcome": "cancelled"]
        #expect(eventually { (try? server.metrics()["needletail_requests_total", cancelled]) == 1 })
        embedder.isHeld.store(false, ordering: .relaxed)
    }
}
