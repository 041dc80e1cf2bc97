import NeedleServer
import NeedleWire
import Synchronization
import Testing

/// Which pages there are, who may see them, and who may not.
@Suite(.serialized, .timeLimit(.minutes(2))) struct HTTPDoorTests {
    /// Three keys: everything; reading; reading one collection.
    private static func keys() -> AccessControl {
        func key(_ name: String, _ role: Grant.Role, _ collections: [String]? = nil) -> AccessKey {
            AccessKey(
                name: name, grant: Grant(role: role, collections: collections),
                digest: AccessKey.digest(of: name))
        }
        return AccessControl(
            [key("right", .admin), key("reader", .reader), key("limited", .reader, ["docs"])],
            clock: SteppedClock())
    }

    private static let ping = #"{"id":1,"method":"server.ping"}"#

    @Test func thereIsNoneUnlessConfigured() throws {
        #expect(try TestServer().server.httpAddress == nil)
    }

    @Test func anAddressInUseIsAnError() throws {
        let first = try httpServer()
        let port = try #require(first.server.httpAddress?.port)
        #expect(throws: (any Error).self) {
            try httpServer { $0.http.listen = ListenAddress(host: "127.0.0.1", port: port) }
        }
    }

    @Test func probesAreAnswered() throws {
        let server = try httpServer()
        let client = try server.http()
        #expect(try client.ask(.get("/healthz")).body == "alive\n")
        let ready = try client.ask(.get("/readyz?verbose=1"))
        #expect(ready.status == 200 && ready.body == "ready\n")
        let head = try client.ask(HTTPMessage(method: "HEAD", path: "/readyz"))
        #expect(head.status == 200)
        #expect(try client.ask(.get("/healthz")).body == "alive\n", "nothing came behind the head")
        // Probes name the machine as they like.
        #expect(
            try server.ask(.get("/healthz") { $0.headers["Host"] = "10.1.2.3.example.org" }).status == 200)
    }

    @Test func notReadyWhileCollectionsAreLoading() throws {
        let first = try TestServer()
        try first.client().fill("docs", count: 3)
        #expect(first.stop(keepingData: true))
        let server = try httpServer(directory: first.directory, loads: false)
        let before = try server.ask(.get("/readyz"))
        #expect(before.status == 503 && before.body == "1 of 1 collections are still loading\n")
        #expect(try server.ask(.get("/healthz")).status == 200)
        #expect(try server.metrics()["needletail_ready"] == 0)
        #expect(try server.metrics()["needletail_collections", ["state": "loading"]] == 1)
        server.server.loadCollections()
        #expect(try server.ask(.get("/readyz")).status == 200)
        #expect(try server.metrics()["needletail_ready"] == 1)
    }

    @Test func notReadyWhileDraining() throws {
        let embedder = StubEmbedder()
        let server = try httpServer(embedder: embedder)
        embedder.isHeld.store(true, ordering: .relaxed)
        let (tcp, http, probe) = (try server.client(), try server.http(), try server.http())
        tcp.send(#"{"id":1,"method":"text.embed","params":{"texts":["a"]}}"# + "\n")
        let call = HTTPMessage.rpc(#"{"id":2,"method":"text.embed","params":{"texts":["b"]}}"#)
        http.send(call.head + (call.body ?? ""))
        #expect(eventually { embedder.calls.load(ordering: .relaxed) == 2 })
        let isComplete = Mutex(false)
        let stopping = BackgroundThread.start { [target = server.server] in
            let result = target.stop()
            isComplete.withLock { $0 = result }
        }
        #expect(eventually { (try? probe.ask(.get("/readyz")).status) == 503 })
        #expect(try probe.ask(.get("/readyz")).body == "the server is shutting down\n")
        #expect(try probe.ask(.get("/healthz")).status == 200)
        #expect(try probe.ask(.rpc(Self.ping)).body.contains(#""kind":"draining""#))
        // What was accepted is answered.
        embedder.isHeld.store(false, ordering: .relaxed)
        #expect(try tcp.reply(to: 1).contains("vectors"))
        #expect(try http.answer().body.contains("vectors"))
        stopping.join()
        #expect(isComplete.withLock { $0 })
        server.forgetServer()
    }

    @Test func whatIsAtWorkWhenTheServerStopsIsAnswered() throws {
        let embedder = StubEmbedder()
        let server = try httpServer(embedder: embedder)
        embedder.isHeld.store(true, ordering: .relaxed)
        let (busy, idle) = (try server.http(), try server.http())
        let call = HTTPMessage.rpc(#"{"id":1,"method":"text.embed","params":{"texts":["a"]}}"#)
        busy.send(call.head + (call.body ?? ""))
        #expect(eventually { embedder.calls.load(ordering: .relaxed) == 1 })
        let isComplete = Mutex(false)
        let stopping = BackgroundThread.start { [target = server.server] in
            let result = target.stop()
            isComplete.withLock { $0 = result }
        }
        // Who asks for nothing is let go at once, the other one behind its answer.
        #expect(try idle.rest().isEmpty)
        embedder.isHeld.store(false, ordering: .relaxed)
        #expect(try busy.answer().body.contains("vectors"))
        #expect(try busy.rest().isEmpty)
        stopping.join()
        #expect(isComplete.withLock { $0 })
        server.forgetServer()
    }

    @Test func otherPathsAndMethodsAreRefused() throws {
        let server = try httpServer()
        for path in ["/", "/rpc/", "/metrics2", "/Healthz", "//healthz"] {
            #expect(try server.ask(.get(path)).status == 404, "\(path)")
        }
        #expect(try server.ask(HTTPMessage(method: "POST", path: "/nothing", body: "x")).status == 404)
        for path in ["/healthz", "/readyz", "/metrics"] {
            let answer = try server.ask(HTTPMessage(method: "POST", path: path, body: "x"))
            #expect(answer.status == 405 && answer.headers["allow"] == "GET, HEAD", "\(path)")
        }
        let answer = try server.ask(.get("/rpc"))
        #expect(answer.status == 405 && answer.headers["allow"] == "POST")
        let put = try server.ask(.rpc(Self.ping) { $0.method = "PUT" })
        #expect(put.status == 405)
    }

    @Test func whatIsNotHTTPIsRefused() throws {
        let server = try httpServer()
        let client = try server.http()
        client.send(Self.ping + "\n\n")
        #expect(try client.answer().status == 400)
        #expect(try client.rest().isEmpty)
        // A head that never ends does not grow in memory.
        let endless = try server.http()
        endless.send("GET /healthz HTTP/1.1\r\nX: " + String(repeating: "x", count: 100_000))
        #expect(try !endless.rest().contains("200"))
        #expect(try server.ask(.get("/healthz")).status == 200)
    }

    @Test(arguments: ["/rpc", "/metrics"])
    func pagesOfOtherSitesAreRefused(_ path: String) throws {
        let server = try httpServer {
            $0.http.hosts = "db.example.org other"
            $0.http.origins = "https://app.example.org"
        }
        func status(_ host: String?, _ origin: String? = nil) throws -> Int {
            var message = path == "/rpc" ? HTTPMessage.rpc(Self.ping) : .get(path)
            message.headers["Host"] = host
            message.headers["Origin"] = origin
            return try server.ask(message).status
        }
        for host in ["127.0.0.1", "127.0.0.1:80", "localhost", "LOCALHOST.:1", "[::1]:9", "db.example.org:1"]
        {
            #expect(try status(host) == 200, "\(host)")
        }
        for host in ["evil.example.org", "127.0.0.1.example.org", "localhost.example.org:80", "[::1", "x:y"] {
            #expect(try status(host) == 403, "\(host)")
        }
        #expect(try status("127.0.0.1:80", "http://127.0.0.1:80") == 200)
        #expect(try status("127.0.0.1:80", "https://app.example.org") == 200)
        for origin in ["http://127.0.0.1", "http://127.0.0.1:81", "http://evil.example.org", "null"] {
            #expect(try status("127.0.0.1:80", origin) == 403, "\(origin)")
        }
        #expect(try status("evil.example.org", "http://evil.example.org") == 403, "a name that points here")
    }

    @Test func aSiteThatIsAllowedMayReadTheAnswers() throws {
        let server = try httpServer { $0.http.origins = "https://app.example.org" }
        func ask(_ origin: String, method: String) throws -> HTTPAnswer {
            try server.ask(
                .rpc(Self.ping) {
                    $0.method = method
                    $0.headers["Origin"] = origin
                })
        }
        let asked = try ask("https://app.example.org", method: "OPTIONS")
        #expect(asked.status == 204 && asked.headers["access-control-allow-methods"] == "POST")
        #expect(asked.headers["access-control-allow-headers"]?.contains("Content-Type") == true)
        let answer = try ask("https://app.example.org", method: "POST")
        #expect(answer.headers["access-control-allow-origin"] == "https://app.example.org")
        #expect(answer.headers["vary"] == "Origin" && answer.body.contains("now_ms"))
        let other = try ask("https://example.org", method: "OPTIONS")
        #expect(other.status == 403 && other.headers["access-control-allow-origin"] == nil)
        #expect(try server.ask(.rpc(Self.ping)).headers["access-control-allow-origin"] == nil)
    }

    @Test(arguments: ["/rpc", "/metrics"])
    func whereThereAreKeysOneIsNeeded(_ path: String) throws {
        let server = try httpServer(access: Self.keys())
        func ask(_ authorization: String?) throws -> HTTPAnswer {
            var message = path == "/rpc" ? HTTPMessage.rpc(Self.ping) : .get(path)
            message.headers["Authorization"] = authorization
            return try server.ask(message)
        }
        for wrong in [nil, "Bearer wrong", "Bearer", "Bearer  ", "Basic right", "right", "Bearer right x"] {
            let answer = try ask(wrong)
            #expect(answer.status == 401 && answer.headers["www-authenticate"] == "Bearer", "\(wrong ?? "-")")
            #expect(answer.body.contains(#""kind":"unauthenticated""#) && !answer.body.contains("right"))
        }
        #expect(try ask("Bearer right").status == 200)
        #expect(try ask("bearer  right").status == 200)
        #expect(try server.ask(.get("/healthz")).status == 200)
        #expect(try server.ask(.get("/readyz")).status == 200)
    }

    @Test func aKeyMayDoOverHTTPWhatItMayDoOverTCP() throws {
        let server = try httpServer(access: Self.keys())
        func ask(_ key: String, _ call: String) throws -> String {
            try server.ask(.rpc(call) { $0.headers["Authorization"] = "Bearer \(key)" }).body
        }
        let create = #"{"id":1,"method":"collection.create","params":{"name":"others","vectors":{"size":1}}}"#
        #expect(try ask("reader", create).contains(#""kind":"forbidden""#))
        #expect(try ask("right", create).contains(#""lsn""#))
        let list = #"{"id":1,"method":"collection.list"}"#
        #expect(try ask("reader", list).contains("others"))
        #expect(try !ask("limited", list).contains("others"))
        let batch = "[" + list + #",{"id":2,"method":"collection.delete","params":{"collection":"others"}}]"#
        #expect(try ask("reader", batch).contains(#""kind":"forbidden""#))
        #expect(try ask("right", list).contains("others"))
        let metrics = HTTPMessage.get("/metrics") { $0.headers["Authorization"] = "Bearer limited" }
        #expect(try server.ask(metrics).status == 403, "they tell of every collection")
    }

    @Test func aKeyThatNobodyChecksIsNotAccepted() throws {
        let server = try httpServer()
        let answer = try server.ask(.rpc(Self.ping) { $0.headers["Authorization"] = "Bearer x" })
        #expect(answer.status == 400 && answer.body.contains(#""kind":"invalid_params""#))
    }

    @Test func whoWaitsLongestMakesRoom() throws {
        let server = try httpServer { $0.http.connections = 2 }
        let silent = try server.http()
        silent.send("GET /healthz HTTP/1.1\r\n")
        let first = try server.http()
        #expect(try first.ask(.get("/healthz")).status == 200)
        #expect(try first.ask(.get("/healthz")).status == 200)
        // One that has not even asked goes before one that was answered lately.
        let second = try server.http()
        #expect(try second.ask(.get("/healthz")).status == 200)
        #expect(try silent.rest().isEmpty)
        #expect(try first.ask(.get("/healthz")).status == 200)
        for _ in 0..<20 { #expect(try server.ask(.get("/healthz")).status == 200) }
    }

    /// Such a connection had no time-out any more, and nobody took its place.
    @Test func aBodyThatEndsBehindItsAnswerDoesNotKeepTheConnection() throws {
        let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n"
        let patient = try httpServer { $0.http.connections = 1 }
        let first = try patient.http()
        first.send(request)
        #expect(try first.answer().status == 200)
        first.send("x")
        #expect(try patient.ask(.get("/healthz")).status == 200, "it makes room")
        let hasty = try httpServer { $0.http.idleMS = 300 }
        let second = try hasty.http()
        second.send(request)
        #expect(try second.answer().status == 200)
        second.send("x")
        #expect(try second.rest().isEmpty)
    }

    @Test func tooManyAtWorkAreClosed() throws {
        let embedder = StubEmbedder()
        let server = try httpServer(embedder: embedder) { $0.http.connections = 2 }
        embedder.isHeld.store(true, ordering: .relaxed)
        let clients = [try server.http(), try server.http()]
        let call = HTTPMessage.rpc(#"{"id":1,"method":"text.embed","params":{"texts":["a"]}}"#)
        for client in clients { client.send(call.head + (call.body ?? "")) }
        #expect(eventually { embedder.calls.load(ordering: .relaxed) == 2 })
        let third = try server.http()
        third.send(HTTPMessage.get("/healthz").head)
        #expect(try third.rest().isEmpty)
        // The other side has its own.
        #expect(try server.client().call("server.ping").contains("now_ms"))
        embedder.isHeld.store(false, ordering: .relaxed)
        for client in clients { #expect(try client.answer().body.contains("vectors")) }
        let metrics = try ParsedMetrics(try clients[0].ask(.get("/metrics")).body)
        #expect(metrics["needletail_connections_refused_total", ["transport": "http"]] == 1)
        #expect(metrics["needletail_connections", ["transport": "http"]] == 2)
        // Optimised code lets go of what is not used any more, and a client that goes closes its connection.
        withExtendedLifetime(clients) {}
    }
}
