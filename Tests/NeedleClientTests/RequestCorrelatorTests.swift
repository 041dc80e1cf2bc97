import NeedleClient
import Testing

@Suite("Request correlator: the connection without a socket")
struct RequestCorrelatorTests {
    typealias Correlator = RequestCorrelator<String>

    /// What happened, in a form that can be compared.
    private func events(_ actions: [Correlator.Action]) -> [String] {
        actions.map { action in
            switch action {
            case .write(let line): "write " + String(decoding: line, as: UTF8.self).filter { $0 != "\n" }
            case .succeed(let waiter, let result): "\(waiter) = " + String(decoding: result, as: UTF8.self)
            case .fail(let waiter, let error):
                "\(waiter) ! \(error.kind)" + (error.mayHaveBeenExecuted ? " (perhaps executed)" : "")
            case .report(let waiter, let progress): "\(waiter) at \(progress.done)/\(progress.total)"
            case .greeted(let greeting): "greeted \(greeting.version)"
            case .close: "close"
            }
        }
    }

    private func greeting(inFlight: Int = 8) throws -> ServerMessage {
        try ServerMessage(
            parsing: Array(
                (#"{"jsonrpc":"2.0","method":"server.hello","params":{"version":"0.1.0","protocol":[1,1],"#
                    + #""limits":{"in_flight":\#(inFlight)}}}"#).utf8))
    }

    private func ready(inFlight: Int = 8) throws -> Correlator {
        var correlator = Correlator()
        _ = correlator.receive(try greeting(inFlight: inFlight))
        return correlator
    }

    private func line(_ text: String) -> [UInt8] { Array((text + "\n").utf8) }

    private let lost = NeedletailError(.connectionLost, "gone", isRetryable: true)

    @Test("Requests wait for the greeting and then leave in order")
    func greetingFirst() throws {
        var correlator = Correlator()
        #expect(events(correlator.submit(id: 1, line: line("a"), waiter: "A")).isEmpty)
        #expect(events(correlator.submit(id: 2, line: line("b"), waiter: "B")).isEmpty)
        #expect(events(correlator.receive(try greeting())) == ["greeted 0.1.0", "write a", "write b"])
        #expect(events(correlator.receive(try greeting())).isEmpty, "a second greeting changes nothing")
    }

    @Test("A server of another protocol is refused")
    func foreignProtocol() throws {
        var correlator = Correlator()
        _ = correlator.submit(id: 1, line: line("a"), waiter: "A")
        let message = try ServerMessage(
            parsing: Array(#"{"method":"server.hello","params":{"version":"9","protocol":[2,3]}}"#.utf8))
        #expect(events(correlator.receive(message)) == ["A ! invalid_reply", "close"])
    }

    @Test("Answers in any order find their waiters; unknown ids are ignored")
    func outOfOrder() throws {
        var correlator = try ready()
        for (id, name) in [(1, "A"), (2, "B"), (3, "C")] as [(Int64, String)] {
            _ = correlator.submit(id: id, line: line(name), waiter: name)
        }
        #expect(events(correlator.receive(.result(id: 3, Array("3".utf8)))) == ["C = 3"])
        #expect(events(correlator.receive(.result(id: 99, Array("x".utf8)))).isEmpty)
        #expect(
            events(correlator.receive(.failure(id: 1, NeedletailError(.notFound, "no")))) == ["A ! not_found"]
        )
        #expect(events(correlator.receive(.result(id: 3, Array("again".utf8)))).isEmpty, "answered only once")
        #expect(events(correlator.receive(.result(id: 2, Array("2".utf8)))) == ["B = 2"])
        #expect(correlator.openCount == 0)
    }

    @Test("One place in flight stays free for a cancellation")
    func limit() throws {
        var correlator = try ready(inFlight: 3)
        #expect(events(correlator.submit(id: 1, line: line("a"), waiter: "A")) == ["write a"])
        #expect(events(correlator.submit(id: 2, line: line("b"), waiter: "B")) == ["write b"])
        #expect(events(correlator.submit(id: 3, line: line("c"), waiter: "C")).isEmpty)
        #expect(correlator.queuedCount == 1)
        let cancelled = events(correlator.abandon(id: 1, error: NeedletailError(.cancelled, "stop")))
        #expect(
            cancelled == [
                "A ! cancelled (perhaps executed)",
                #"write {"jsonrpc":"2.0","id":-1,"method":"server.cancel","params":{"id":1}}"#,
            ])
        // The cancelled request is still open on the server, so C waits for its answer and for the
        // cancellation's.
        #expect(events(correlator.receive(.result(id: -1, Array("{}".utf8)))).isEmpty)
        let late = correlator.receive(.failure(id: 1, NeedletailError(.cancelled, "stopped")))
        #expect(events(late) == ["write c"], "the late answer frees the place, and nobody hears of it")
    }

    @Test("With no room left, a cancellation waits, and is dropped when its request was answered meanwhile")
    func crampedCancellation() throws {
        var correlator = try ready(inFlight: 3)
        for id in 1...2 as ClosedRange<Int64> {
            _ = correlator.submit(id: id, line: line("x"), waiter: "W\(id)")
        }
        #expect(events(correlator.abandon(id: 1, error: NeedletailError(.timedOut, ""))).count == 2)
        #expect(
            events(correlator.abandon(id: 2, error: NeedletailError(.timedOut, ""))) == [
                "W2 ! timed_out (perhaps executed)"
            ])
        #expect(events(correlator.receive(.result(id: 2, Array("late".utf8)))).isEmpty)
        #expect(correlator.openCount == 2, "the first request and its cancellation")
    }

    @Test("A queued request that is cancelled never leaves")
    func cancelQueued() throws {
        var correlator = try ready(inFlight: 2)
        _ = correlator.submit(id: 1, line: line("a"), waiter: "A")
        _ = correlator.submit(id: 2, line: line("b"), waiter: "B")
        #expect(
            events(correlator.abandon(id: 2, error: NeedletailError(.cancelled, ""))) == ["B ! cancelled"])
        #expect(events(correlator.receive(.result(id: 1, Array("1".utf8)))) == ["A = 1"])
        #expect(events(correlator.abandon(id: 2, error: NeedletailError(.cancelled, ""))).isEmpty)
    }

    @Test("When the connection is lost, sent requests may have been executed and queued ones were not")
    func connectionLost() throws {
        var correlator = try ready(inFlight: 3)
        for (id, name) in [(1, "A"), (2, "B"), (3, "C")] as [(Int64, String)] {
            _ = correlator.submit(id: id, line: line(name), waiter: name)
        }
        _ = correlator.abandon(id: 2, error: NeedletailError(.cancelled, ""))
        #expect(
            events(correlator.connectionClosed(lost)) == [
                "A ! connection_lost (perhaps executed)", "C ! connection_lost",
            ])
        #expect(events(correlator.connectionClosed(lost)).isEmpty, "nobody is told twice")
        #expect(events(correlator.submit(id: 4, line: line("d"), waiter: "D")) == ["D ! connection_lost"])
    }

    @Test("An error that names no request ends the connection: nothing can be matched safely any more")
    func errorWithoutID() throws {
        var correlator = try ready()
        _ = correlator.submit(id: 1, line: line("a"), waiter: "A")
        let actions = correlator.receive(.failure(id: nil, NeedletailError(.parseError, "bad")))
        #expect(events(actions) == ["A ! parse_error (perhaps executed)", "close"])
    }

    @Test("Progress reaches the request it is about, as long as somebody waits")
    func progress() throws {
        var correlator = try ready()
        _ = correlator.submit(id: 1, line: line("a"), waiter: "A")
        let message = try ServerMessage(
            parsing: Array(
                (#"{"jsonrpc":"2.0","method":"server.progress","#
                    + #""params":{"id":1,"phase":"indexing","done":5,"total":9}}"#).utf8))
        #expect(events(correlator.receive(message)) == ["A at 5/9"])
        _ = correlator.abandon(id: 1, error: NeedletailError(.cancelled, ""))
        #expect(events(correlator.receive(message)).isEmpty)
    }

    @Test("Draining answers what is open, refuses what is new, then closes")
    func drain() throws {
        var correlator = try ready(inFlight: 2)
        _ = correlator.submit(id: 1, line: line("a"), waiter: "A")
        _ = correlator.submit(id: 2, line: line("b"), waiter: "B")
        #expect(events(correlator.drain()).isEmpty)
        #expect(events(correlator.submit(id: 3, line: line("c"), waiter: "C")) == ["C ! client_closed"])
        #expect(events(correlator.receive(.result(id: 1, Array("1".utf8)))) == ["A = 1", "write b"])
        #expect(events(correlator.receive(.result(id: 2, Array("2".utf8)))) == ["B = 2", "close"])
        var idle = try ready()
        #expect(events(idle.drain()) == ["close"])
    }

    /// Whatever happens in whatever order, every waiter is completed exactly once.
    @Test("Every waiter is completed exactly once", arguments: 0..<200 as Range<UInt64>)
    func exactlyOnce(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        var correlator = try ready(inFlight: 2 + Int(random.next() % 5))
        var completions: [String: Int] = [:]
        var next: Int64 = 1
        func note(_ actions: [Correlator.Action]) {
            for action in actions {
                switch action {
                case .succeed(let waiter, _), .fail(let waiter, _): completions[waiter, default: 0] += 1
                default: break
                }
            }
        }
        for _ in 0..<60 {
            let id = Int64(random.next() % UInt64(next)) + 1
            switch random.next() % 5 {
            case 0, 1:
                note(correlator.submit(id: next, line: line("x"), waiter: "\(next)"))
                next += 1
            case 2: note(correlator.receive(.result(id: id, [])))
            case 3: note(correlator.receive(.result(id: -id, [])))
            default: note(correlator.abandon(id: id, error: NeedletailError(.cancelled, "")))
            }
        }
        note(correlator.connectionClosed(lost))
        #expect(completions.count == Int(next - 1))
        #expect(completions.values.allSatisfy { $0 == 1 })
    }
}

/// SplitMix64: the same seed gives the same run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
