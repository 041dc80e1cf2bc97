import NeedleClient
import Testing

@Suite("Retry decisions")
struct RetryPolicyTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var kind: NeedletailError.Kind
        var fromServer = false
        var retryable = true
        var executed = false
        var repeatability = Repeatability.safe
        var connected = true
        var retried: Bool
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "lost read", kind: .connectionLost, executed: true, retried: true),
        Case(
            name: "lost write without key", kind: .connectionLost, executed: true,
            repeatability: .onlyIfUnsent,
            retried: false),
        Case(
            name: "write without key that never left", kind: .connectionLost, repeatability: .onlyIfUnsent,
            retried: true),
        Case(name: "no connection, known server", kind: .connectionFailed, retried: true),
        Case(
            name: "no connection, never seen server", kind: .connectionFailed, connected: false,
            retried: false),
        Case(
            name: "overloaded", kind: .overloaded, fromServer: true, repeatability: .onlyIfUnsent,
            retried: true),
        Case(name: "loading", kind: .loading, fromServer: true, retried: true),
        Case(name: "draining", kind: .draining, fromServer: true, retried: true),
        Case(name: "kind from the future", kind: .init(rawValue: "tired"), fromServer: true, retried: true),
        Case(name: "deadline", kind: .deadline, fromServer: true, retried: false),
        Case(name: "own time-out", kind: .timedOut, executed: true, retried: false),
        Case(name: "refused", kind: .invalidParams, fromServer: true, retryable: false, retried: false),
        Case(name: "not found", kind: .notFound, fromServer: true, retryable: false, retried: false),
        Case(name: "unreadable reply", kind: .invalidReply, retryable: false, retried: false),
    ]

    @Test("Which failures are tried again", arguments: RetryPolicyTests.cases)
    func decision(_ test: Case) {
        var error = NeedletailError(test.kind, "", isRetryable: test.retryable, sent: test.executed)
        error.code = test.fromServer ? -32000 : nil
        let decision = RetryPolicy.standard.decide(
            error, attempt: 1, remaining: .seconds(30), repeatability: test.repeatability,
            everConnected: test.connected, jitter: 0.5)
        #expect((decision != .giveUp) == test.retried)
    }

    @Test("Waits double up to the ceiling, and the jitter spreads them from nothing to all")
    func delays() {
        let policy = RetryPolicy(firstDelay: .milliseconds(100), maximumDelay: .seconds(1))
        #expect(
            (1...6).map { policy.delay(attempt: $0, jitter: 1) }
                == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
        #expect(policy.delay(attempt: 3, jitter: 0) == .zero)
        #expect(policy.delay(attempt: 3, jitter: 0.25) == .milliseconds(100))
        #expect(policy.delay(attempt: 10_000, jitter: 1) == .seconds(1), "no overflow")
    }

    @Test("The server's retry_after is respected, and the time-out above all")
    func bounds() {
        var error = NeedletailError(.overloaded, "", isRetryable: true)
        error.code = -32008
        error.retryAfter = .seconds(3)
        func decide(_ remaining: Duration?, attempt: Int = 1) -> RetryPolicy.Decision {
            RetryPolicy.standard.decide(
                error, attempt: attempt, remaining: remaining, repeatability: .safe, everConnected: true,
                jitter: 1)
        }
        #expect(decide(nil) == .retry(after: .seconds(3)))
        #expect(decide(.seconds(4)) == .retry(after: .seconds(3)))
        #expect(decide(.seconds(3)) == .giveUp)
        #expect(decide(nil, attempt: 1000) == .giveUp)
        let never = RetryPolicy.never.decide(
            error, attempt: 1, remaining: nil, repeatability: .safe, everConnected: true, jitter: 1)
        #expect(never == .giveUp)
    }

    @Test("A client that cannot connect waits longer each time, at least half the ceiling")
    func reconnect() {
        let policy = RetryPolicy(firstDelay: .milliseconds(100), maximumDelay: .milliseconds(300))
        var backoff = ReconnectBackoff()
        #expect(backoff.failed(policy: policy, jitter: 0) == .milliseconds(50))
        #expect(backoff.failed(policy: policy, jitter: 1) == .milliseconds(200))
        #expect(backoff.failed(policy: policy, jitter: 1) == .milliseconds(300))
        backoff.succeeded()
        #expect(backoff.failed(policy: policy, jitter: 1) == .milliseconds(100))
    }

    @Test("The server is told a deadline a little shorter than the client waits")
    func deadlines() {
        let deadlines: [(Duration, Int64)] = [
            (.milliseconds(100), 90), (.seconds(1), 900), (.seconds(30), 29_500), (.zero, 0),
            (.milliseconds(-5), 0),
        ]
        for (timeout, expected) in deadlines {
            #expect(OutgoingRequest.deadlineMilliseconds(for: timeout) == expected)
        }
    }
}
