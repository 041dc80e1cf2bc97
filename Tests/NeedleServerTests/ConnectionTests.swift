import Glibc
import NeedleCore
import NeedleServer
import Synchronization
import Testing

/// Real sockets, a scripted executor behind them.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ConnectionTests {
    private let large = #"{"id":9,"method":"collection.list"}"# + "\n"

    @Test func greetingRequestsAndHalfClose() throws {
        let server = try TestListener()
        let client = try server.client()
        client.send(ping("1") + "\n" + ping("2") + "{\"id\":3")
        client.finish()
        let rest = try client.rest()
        #expect(rest.contains(#""id":1,"#) && rest.contains(#""id":2,"#) && !rest.contains(#""id":3"#))
        #expect(eventually { server.listener.connectionCount == 0 })
        #expect(eventually { server.budget.lines == 0 && server.budget.replies == 0 })
    }

    @Test func aBrowserIsShownTheDoor() throws {
        let server = try TestListener()
        let client = try server.client()
        client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n" + ping("1"))
        #expect(try client.rest() == "")
        #expect(server.executor.handles.withLock { $0.isEmpty })
    }

    @Test(arguments: 0..<5)
    func randomBytesDoNoHarm(_ seed: Int) throws {
        let server = try TestListener { $0.limits.lineBytes = 4_096 }
        var generator = SeededGenerator(seed: UInt64(seed))
        let noisy = try server.client()
        noisy.send("[")
        for _ in 0..<40 {
            let count = Int.random(in: 1...8_192, using: &generator)
            guard noisy.send((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }) else {
                break
            }
        }
        noisy.send("\n" + ping("77"))
        noisy.finish()
        #expect(try noisy.rest().contains(#"{"jsonrpc":"2.0","id":77,"result":"pong"}"#))
        #expect(try server.client().call("server.ping").contains("pong"))
        #expect(eventually { server.budget.lines == 0 && server.budget.replies == 0 })
    }

    /// The members waited until the peer had read what was kept until the last of them was there.
    @Test func aBatchWhoseAnswersAreLongerThanALineIsAnswered() throws {
        let server = try TestListener(ScriptedExecutor(replyBytes: 3_000)) { $0.limits.lineBytes = 4_096 }
        let client = try server.client()
        let members = (0..<20).map { #"{"id":\#($0),"method":"collection.list"}"# }
        client.send("[" + members.joined(separator: ",") + "]\n")
        let answers = try JSONValue(parsing: try #require(try client.line())).arrayValue
        #expect(answers?.map { $0["id"]?.integerValue ?? -1 } == Array(0..<20))
        #expect(try client.call("server.ping").contains("pong"))
        #expect(eventually { server.budget.lines == 0 && server.budget.replies == 0 })
    }

    @Test func aLineOfOneByteTooManyIsSkippedInConstantMemory() throws {
        let server = try TestListener()
        let client = try server.client()
        let piece = [UInt8](repeating: 0x20, count: 1 << 20)
        client.send("[1")
        for _ in 0..<64 { client.send(piece) }
        client.send("]\n" + ping("1"))
        #expect(try client.line()?.contains("line_too_long") == true)
        #expect(try client.line()?.contains(#""id":1,"#) == true)
        #expect(server.budget.lines <= 1 << 20)
    }

    @Test func aLargeLineIsDecodedInItsTurn() throws {
        let server = try TestListener()
        let client = try server.client()
        let padding = String(repeating: " ", count: 3 << 20)
        client.send(#"{"id":1,"method":"server.ping"\#(padding)}"# + "\n" + ping("2"))
        #expect(try client.line()?.contains(#""id":1,"#) == true)
        #expect(try client.line()?.contains(#""id":2,"#) == true)
    }

    @Test func pipelinedRequestsBeyondInFlightAreAllAnswered() throws {
        let server = try TestListener(ScriptedExecutor(replyBytes: 100)) { $0.limits.inFlight = 4 }
        let client = try server.client()
        client.send((0..<500).map { #"{"id":\#($0),"method":"collection.list"}"# + "\n" }.joined())
        client.finish()
        let answers = try client.rest().split(separator: "\n")
        #expect(answers.count == 500)
        #expect(Set(answers.map { $0.prefix(30) }).count == 500)
    }

    @Test func atInFlightTheServerStopsReading() throws {
        let executor = ScriptedExecutor(holds: true)
        let server = try TestListener(executor) { $0.limits.inFlight = 3 }
        let client = try server.client()
        client.send(String(repeating: large, count: 10))
        #expect(eventually { executor.held.withLock { $0.count } == 3 })
        usleep(50_000)
        #expect(executor.held.withLock { $0.count } == 3)
        executor.release()
        #expect(eventually { executor.held.withLock { $0.count } == 3 })
        for _ in 0..<3 { #expect(try client.line()?.contains("released") == true) }
        for _ in 0..<3 {
            executor.release()
            usleep(30_000)
        }
        for _ in 0..<7 { #expect(try client.line() != nil) }
    }

    @Test func aReaderThatNeverReadsHoldsLittleAndIsClosed() throws {
        let executor = ScriptedExecutor(replyBytes: 4 << 20)
        let server = try TestListener(executor) {
            $0.limits.lineBytes = 8 << 20
            $0.limits.serverBytes = 64 << 20
            $0.limits.writeTimeoutMS = 1_500
        }
        let lazy = try server.client(receiveBuffer: 4_096)
        lazy.send(String(repeating: large, count: 200))
        // At most a line's worth waits before the next answer is begun, plus what was under way meanwhile.
        #expect(eventually { executor.made.load(ordering: .relaxed) >= 3 })
        usleep(300_000)
        #expect(server.budget.replies <= (8 << 20) + 3 * (4 << 20) + 4_096)
        #expect(executor.made.load(ordering: .relaxed) < 12)
        // Others are served meanwhile, and the connection is closed when its time is up.
        #expect(try server.client().call("server.ping").contains("pong"))
        #expect(try server.client().call("collection.list").utf8.count > 4 << 20)
        #expect(eventually { server.listener.connectionCount == 0 })
        #expect(eventually { server.budget.replies == 0 && server.budget.lines == 0 })
        // All but the bystander's ping.
        let begun = executor.handles.withLock { $0.count } - 1
        let made = { executor.made.load(ordering: .relaxed) }
        #expect(
            eventually { made() == begun }, "\(made()) of \(begun): parked requests must go on and notice")
    }

    @Test func aSlowReaderThatReadsIsNotClosed() throws {
        let executor = ScriptedExecutor(replyBytes: 3 << 20)
        let server = try TestListener(executor) { $0.limits.writeTimeoutMS = 1_500 }
        let slow = try server.client(receiveBuffer: 65_536)
        slow.send(String(repeating: large, count: 2))
        slow.finish()
        for _ in 0..<10 {
            usleep(200_000)
            #expect(try slow.peel(100_000) == 100_000)
        }
        #expect(try slow.rest().utf8.count > 5 << 20)
    }

    @Test func disconnectInMidRequest() throws {
        let executor = ScriptedExecutor(holds: true)
        let server = try TestListener(executor)
        do {
            let client = try server.client()
            client.send(large + large + "{\"id\":")
            #expect(eventually { executor.held.withLock { $0.count } == 2 })
            client.reset()
        }
        #expect(eventually { server.listener.connectionCount == 0 })
        #expect(executor.handles.withLock { $0.allSatisfy { $0.abandoned.load(ordering: .relaxed) } })
        executor.release()
        #expect(try server.client().call("server.ping").contains("pong"))
        #expect(eventually { server.budget.lines == 0 })
    }

    @Test func tooManyConnectionsAreToldSo() throws {
        let server = try TestListener { $0.limits.connections = 2 }
        let first = try server.client()
        let second = try server.client()
        let third = try TestClient(port: server.port)
        let refusal = try third.rest()
        #expect(refusal.contains("overloaded") && refusal.hasSuffix("\n"))
        #expect(try first.call("server.ping").contains("pong"))
        second.finish()
        #expect(try second.rest() == "")
        #expect(eventually { server.listener.connectionCount == 1 })
        #expect(try server.client().call("server.ping").contains("pong"))
    }

    /// Lines that fill the budget and stay unfinished: each in turn is let through or given up, and all goes
    /// on.
    @Test func unfinishedLinesDoNotLockUp() throws {
        let server = try TestListener {
            $0.limits.lineBytes = 1 << 20
            $0.limits.serverBytes = 2 << 20
        }
        // Takes two turns of `finishingMS`.
        let hoarders = try (0..<4).map { _ in try server.client() }
        let piece = [UInt8](repeating: 0x20, count: 900 << 10)
        for hoarder in hoarders { hoarder.send("{\"id\":5,") }
        for hoarder in hoarders { hoarder.send(piece) }
        #expect(eventually { server.budget.lines > 1_400 << 10 })
        let bystander = try TestClient(port: server.port)
        bystander.send(ping("1"))
        // The first hoarder finishes; the others never do.
        hoarders[0].send("\"method\":\"server.ping\"}\n")
        #expect(try hoarders[0].line()?.contains("pong") == true)
        #expect(try bystander.line()?.contains("server.hello") == true)
        #expect(try bystander.line()?.contains("pong") == true)
        #expect(server.budget.lines <= 4 << 20)
    }

    /// More at once than the budget has room for: they take turns, and none is given up that keeps sending.
    @Test func largeLinesBeyondTheBudgetAreAllAnswered() throws {
        let server = try TestListener {
            $0.limits.lineBytes = 4 << 20
            $0.limits.serverBytes = 8 << 20
        }
        let clients = try (0..<6).map { _ in try server.client() }
        let padding = String(repeating: " ", count: 3 << 20)
        let threads = clients.map { client in
            // Each client is used by one thread at a time.
            nonisolated(unsafe) let client = client
            return BackgroundThread.start {
                client.send(#"{"id":1,"method":"server.ping"\#(padding)}"# + "\n")
            }
        }
        for thread in threads { thread.join() }
        for client in clients { #expect(try client.line()?.contains("pong") == true) }
        #expect(eventually { server.budget.lines == 0 })
    }

    @Test func aThousandIdleConnectionsCostLittle() throws {
        #expect(ProcessSettings.raiseFileLimit() > 2_200, "the test needs 2,000 sockets")
        let server = try TestListener()
        let before = ProcessSettings.residentBytes()
        let idle = try (0..<1_000).map { _ in try server.client() }
        #expect(server.listener.connectionCount == 1_000)
        let each = (ProcessSettings.residentBytes() - before) / 1_000
        #expect(each < 64 << 10, "\(each) bytes per connection")
        #expect(try idle[500].call("server.ping").contains("pong"))
        #expect(try server.client().call("server.ping").contains("pong"))
    }

    @Test func drainingAnswersWhatWasAcceptedAndRefusesTheRest() throws {
        let executor = ScriptedExecutor(holds: true)
        let server = try TestListener(executor)
        let busy = try server.client()
        let idle = try server.client()
        busy.send(large)
        #expect(eventually { executor.held.withLock { $0.count } == 1 })
        let listener = server.listener
        let drained = Mutex(false)
        let drain = BackgroundThread.start {
            let isComplete = listener.drain(milliseconds: 10_000)
            drained.withLock { $0 = isComplete }
        }
        #expect(try idle.rest() == "", "an idle connection is closed")
        #expect(eventually { (try? busy.call("server.ping", id: 2).contains("draining")) == true })
        #expect(throws: TestClient.Failure.self) { try TestClient(port: server.port) }
        executor.release()
        #expect(try busy.line()?.contains("released") == true)
        #expect(try busy.rest() == "")
        drain.join()
        #expect(drained.withLock { $0 })
    }

    @Test func drainingIsCutOffWhenTimeIsUp() throws {
        let executor = ScriptedExecutor(holds: true)
        let server = try TestListener(executor)
        let busy = try server.client()
        busy.send(large)
        #expect(eventually { executor.held.withLock { $0.count } == 1 })
        #expect(!server.listener.drain(milliseconds: 100))
        #expect(try busy.rest() == "")
    }
}
