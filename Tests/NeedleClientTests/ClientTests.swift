import NeedleClient
import Synchronization
import Testing

@Suite("The client against a server on the loopback", .timeLimit(.minutes(1)))
struct ClientTests {
    private func client(_ server: FakeServer, connections: Int = 1, timeout: Duration = .seconds(10))
        -> NeedletailClient
    {
        var configuration = ClientConfiguration(address: server.address)
        configuration.connections = connections
        configuration.requestTimeout = timeout
        configuration.retry = RetryPolicy(firstDelay: .milliseconds(5), maximumDelay: .milliseconds(50))
        return NeedletailClient(configuration)
    }

    private static let empty = #"{"points":[],"complete":true,"strategy":"graph","took_us":1,"lsn":1}"#

    @Test("A search goes out as the protocol says and comes back typed")
    func search() async throws {
        let server = try await FakeServer.start { request in
            [
                request.result(
                    """
                    {"points":[{"id":1,"version":42,"score":0.83,\
                    "payload":{"name":"gimp","size":1.50,"z":1}},\
                    {"id":"a","version":43,"score":0.5,"payload":{},"vector":"AACAPwAAAEA="}],\
                    "complete":true,"strategy":"graph","took_us":412,"lsn":1234,"novelty":[1,{"x":2}]}
                    """)
            ]
        }
        let client = client(server)
        var request = SearchRequest(vector: [1, 0.5], limit: 3, filter: .match("section", "graphics"))
        request.effort = .ef(64)
        request.withVector = true
        request.scoreThreshold = 0.25
        let answer = try await client.search("docs", request, minimumLSN: 7)
        #expect(answer.hits.map(\.id) == [1, "a"])
        #expect(answer.hits[0].score == 0.83)
        #expect(answer.hits[0].point.version == 42)
        #expect(answer.hits[0].payload?.json == #"{"name":"gimp","size":1.50,"z":1}"#, "numbers to the digit")
        #expect(answer.hits[1].point.vector == [1, 2])
        #expect((answer.strategy, answer.tookMicroseconds, answer.lsn) == ("graph", 412, 1234))

        let sent = try #require(server.requests.first)
        #expect(sent.method == "point.search")
        var params = sent.params
        let deadline = try #require(params["deadline_ms"]?.intValue)
        #expect((1...9500).contains(deadline))
        params["deadline_ms"] = nil
        #expect(
            params.description
                == #"{"collection":"docs","min_lsn":7,"vector":"AACAPwAAAD8=","limit":3,"#
                + #""score_threshold":0.25,"#
                + #""filter":{"must":[{"key":"section","match":{"value":"graphics"}}]},"params":{"ef":64},"#
                + #""with_vector":true,"vector_encoding":"base64"}"#)
        await client.close()
        await server.stop()
    }

    @Test("Many tasks share one connection; answers in reverse order reach their tasks")
    func pipelining() async throws {
        let held = Mutex<[FakeReply]>([])
        let server = try await FakeServer.start { request in
            let number = request.params["texts"]?.arrayValue?.first?.stringValue ?? ""
            let reply = request.result(
                #"{"vectors":[],"model":{"name":"m\#(number)"},"tokens":1,"truncated":0}"#)
            return held.withLock { held in
                held.append(reply)
                // Seven fit in flight (one of the eight places stays free): answered last first.
                guard held.count == 7 else { return [] }
                defer { held = [] }
                return held.reversed()
            }
        }
        let client = client(server)
        let names = try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for number in 0..<70 {
                group.addTask { (number, try await client.embed(["\(number)"]).model) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(names == Dictionary(uniqueKeysWithValues: (0..<70).map { ($0, "m\($0)") }))
        #expect(server.connections == 1)
        await client.close()
        await server.stop()
    }

    @Test("An error keeps its kind, place and reasons, and is not tried again")
    func typedError() async throws {
        let server = try await FakeServer.start { request in
            [
                request.failure(
                    "conflict", code: -32005, at: "points[1].if_version",
                    #","expected":"3","got":5,"conflicts":[{"id":"x","version":5}]"#)
            ]
        }
        let client = client(server)
        let error = await #expect(throws: NeedletailError.self) {
            try await client.upsert("docs", [Point(id: 1, vector: [1])])
        }
        #expect(error?.kind == .conflict)
        #expect(error?.code == -32005)
        #expect(error?.at == "points[1].if_version")
        #expect((error?.expected, error?.got) == ("3", "5"))
        #expect(error?.conflicts.map(\.id) == ["x"] && error?.conflicts.first?.version == 5)
        #expect(server.requests.count == 1)
        await server.stop()
    }

    @Test("A write whose connection breaks is sent again under the same operation key")
    func retriedWrite() async throws {
        let server = try await FakeServer.start { request in
            request.connection < 2
                ? [.disconnect]
                : [request.result(#"{"lsn":9,"durable":"fsync","created":1,"updated":0}"#)]
        }
        let client = client(server)
        let result = try await client.upsert("docs", [Point(id: 1, vector: [1])])
        #expect(result.created == 1 && result.lsn == 9)
        let keys = server.requests.map { $0.params["op_key"]?.stringValue }
        #expect(keys.count == 3)
        #expect(Set(keys).count == 1)
        #expect(keys[0]?.utf8.count == 32)
        await server.stop()
    }

    @Test("A creation whose connection breaks is not repeated: nobody knows whether it happened")
    func unrepeatedCreate() async throws {
        let server = try await FakeServer.start { _ in [.disconnect] }
        let client = client(server)
        let error = await #expect(throws: NeedletailError.self) {
            try await client.createCollection("docs", VectorSpace(size: 3))
        }
        #expect(error?.kind == .connectionLost)
        #expect(error?.mayHaveBeenExecuted == true)
        #expect(server.requests.count == 1)
        await server.stop()
    }

    @Test("Overload is waited out")
    func overload() async throws {
        let count = Atomic<Int>(0)
        let server = try await FakeServer.start { request in
            count.wrappingAdd(1, ordering: .relaxed).newValue < 4
                ? [request.failure("overloaded", code: -32008, retryable: true, #","retry_after_ms":10"#)]
                : [request.result(Self.empty)]
        }
        let client = client(server)
        let start = ContinuousClock.now
        _ = try await client.search("docs", SearchRequest(vector: [1]))
        #expect(server.requests.count == 4)
        #expect(start.duration(to: .now) >= .milliseconds(30), "three times the ten milliseconds asked for")
        await server.stop()
    }

    @Test("A silent server: the time-out ends the wait, and the server is told")
    func timeout() async throws {
        let server = try await FakeServer.start { _ in [] }
        let client = client(server)
        try await client.connect()
        let start = ContinuousClock.now
        let error = await #expect(throws: NeedletailError.self) {
            _ = try await client.search(
                "docs", SearchRequest(vector: [1]), timeout: .after(.milliseconds(150)))
        }
        #expect(error?.kind == .timedOut)
        #expect(start.duration(to: .now) < .seconds(5))
        try await until { server.requests.map(\.method) == ["point.search", "server.cancel"] }
        #expect(server.requests[1].params["id"] == server.requests[0].id)
        await server.stop()
    }

    @Test("A cancelled task ends at once, and the server is told")
    func cancellation() async throws {
        let server = try await FakeServer.start { _ in [] }
        let client = client(server)
        let task = Task { try await client.search("docs", SearchRequest(vector: [1])) }
        try await until { server.requests.count == 1 }
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        try await until { server.requests.count == 2 }
        #expect(server.requests[1].method == "server.cancel")
        await server.stop()
    }

    @Test("No server: the first request fails at once and says where it tried")
    func refused() async throws {
        let server = try await FakeServer.startOnOwnPort { _ in [] }
        let address = server.address
        await server.stop()
        let client = NeedletailClient(ClientConfiguration(address: address))
        let error = await #expect(throws: NeedletailError.self) { try await client.ping() }
        #expect(error?.kind == .connectionFailed)
        #expect(error?.message.contains(address.description) == true)
        #expect(error?.mayHaveBeenExecuted == false)
    }

    @Test("A server that went away is waited for, and found again")
    func reconnect() async throws {
        let first = try await FakeServer.startOnOwnPort { request in
            [request.result(#"{"now_ms":1}"#), .disconnect]
        }
        let port = first.port
        let client = client(first)
        #expect(try await client.ping() == 1)
        await first.stop()
        let waiting = Task { try await client.ping() }
        try await Task.sleep(for: .milliseconds(60))
        let second = try await FakeServer.restart(port: port) { request in
            [request.result(#"{"now_ms":2}"#)]
        }
        #expect(try await waiting.value == 2)
        await client.close()
        await second.stop()
    }

    @Test(
        "What is not the protocol is named, not hung upon",
        arguments: [
            "HTTP/1.1 400 Bad Request\r", "{\"jsonrpc\":\"2.0\"}", "[]", "\u{1}\u{2}",
            "{\"id\":1,\"result\":}",
        ])
    func garbage(line: String) async throws {
        let server = try await FakeServer.start(greeting: line) { _ in [] }
        let error = await #expect(throws: NeedletailError.self) { try await client(server).ping() }
        #expect(error?.kind == .invalidReply)
        await server.stop()
    }

    @Test("A server that listens but does not greet is given up after the connection's time-out")
    func noGreeting() async throws {
        let server = try await FakeServer.start(greeting: nil) { _ in [] }
        var configuration = ClientConfiguration(address: server.address)
        configuration.connectTimeout = .milliseconds(60)
        let client = NeedletailClient(configuration)
        let error = await #expect(throws: NeedletailError.self) { try await client.ping() }
        #expect(error?.kind == .connectionFailed)
        await server.stop()
    }

    @Test("Progress is reported while a long call waits")
    func progress() async throws {
        let server = try await FakeServer.start { request in
            [
                .line(
                    #"{"jsonrpc":"2.0","method":"server.progress","params":{"id":\#(request.id),"#
                        + #""phase":"indexing","done":1,"total":2}}"#
                ),
                request.result(#"{"job":"j1"}"#),
            ]
        }
        let client = client(server)
        let seen = Mutex<[Progress]>([])
        let job = try await client.optimize("docs") { progress in seen.withLock { $0.append(progress) } }
        #expect(job == "j1")
        #expect(seen.withLock { $0.map { "\($0.phase) \($0.done)/\($0.total)" } } == ["indexing 1/2"])
        #expect(server.requests[0].params["deadline_ms"] == nil, "waiting for it has no time-out by default")
        await server.stop()
    }

    @Test("Long lists are cut at the announced limit and joined again")
    func splitting() async throws {
        let server = try await FakeServer.start { request in
            let ids = request.params["ids"]?.arrayValue ?? []
            let points = ids.dropLast().map { #"{"id":\#($0),"version":1,"payload":{}}"# }.joined(
                separator: ",")
            return [request.result(#"{"points":[\#(points)],"missing":[\#(ids.last ?? 0)]}"#)]
        }
        let client = client(server)
        let answer = try await client.get("docs", ids: (0..<250).map { PointID($0) })
        #expect(server.requests.map { $0.params["ids"]?.arrayValue?.count } == [100, 100, 50])
        #expect(answer.missing == [99, 199, 249])
        #expect(answer.points.count == 247)
        await server.stop()
    }

    @Test("A request longer than the server reads is refused here, with both numbers")
    func tooLong() async throws {
        let server = try await FakeServer.start { _ in [] }
        let client = client(server)
        let error = await #expect(throws: NeedletailError.self) {
            _ = try await client.embed([String(repeating: "x", count: 100_000)])
        }
        #expect(error?.kind == .limitExceeded)
        #expect(server.requests.isEmpty)
        await server.stop()
    }

    @Test("Busy connections are joined by others, up to the number allowed")
    func pool() async throws {
        let server = try await FakeServer.start { request in
            [.after(milliseconds: 40, #"{"jsonrpc":"2.0","id":\#(request.id),"result":{"now_ms":1}}"#)]
        }
        let client = client(server, connections: 3)
        try await client.connect()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<30 {
                group.addTask { try await client.ping() }
                try await Task.sleep(for: .milliseconds(2))
            }
            try await group.waitForAll()
        }
        #expect((2...3).contains(server.connections))
        await client.close()
        await server.stop()
    }

    @Test("Closing waits for open requests and refuses later ones")
    func closing() async throws {
        let server = try await FakeServer.start { request in
            [.after(milliseconds: 50, #"{"jsonrpc":"2.0","id":\#(request.id),"result":{"now_ms":5}}"#)]
        }
        let client = client(server)
        try await client.connect()
        let open = Task { try await client.ping() }
        try await until { server.requests.count == 1 }
        await client.close()
        #expect(try await open.value == 5)
        let error = await #expect(throws: NeedletailError.self) { try await client.ping() }
        #expect(error?.kind == .clientClosed)
        await server.stop()
    }

    @Test("A scroll walks all pages")
    func scroll() async throws {
        let server = try await FakeServer.start { request in
            switch request.params["cursor"]?.stringValue {
            case nil:
                [request.result(#"{"points":[{"id":1,"version":1},{"id":2,"version":1}],"cursor":"c"}"#)]
            default: [request.result(#"{"points":[{"id":"z","version":1}],"cursor":null}"#)]
            }
        }
        let client = client(server)
        var ids: [PointID] = []
        for try await point in client.points("docs", pageSize: 2) { ids.append(point.id) }
        #expect(ids == [1, 2, "z"])
        #expect(server.requests.count == 2)
        await server.stop()
    }
}

/// Waits until something is so, a few seconds at most.
func until(_ condition: @Sendable () -> Bool) async throws {
    for _ in 0..<2000 {
        if condition() { return }
        try await Task.sleep(for: .milliseconds(2))
    }
    try #require(condition())
}
