import NeedleCore
import NeedleWire
import Synchronization

/// Where answers go: a connection, as the dispatcher sees it. Safe to use from any thread.
package protocol ReplySink: AnyObject, Sendable {
    /// The answer to a request, one object without newline; `nil` for a notification. Exactly once per
    /// request.
    func complete(_ key: RequestKey, _ reply: [UInt8]?)
    func progressed(_ key: RequestKey, phase: String, done: Int, total: Int)
    /// Whether the peer reads its answers well enough for the next one to be made.
    var admitsReply: Bool { get }
    /// Whether the server has room for an answer of this size.
    func admitsReply(of bytes: Int) -> Bool
    /// Calls back once when the peer has read more, or when the connection has closed.
    func park(_ resume: @escaping @Sendable () -> Void)
    /// The order of this connection's writes.
    var lanes: LaneTable { get }
}

/// One request under way. It is finished exactly once, whoever is first: its work, a time-out or a
/// cancellation.
///
/// Safe to use from any thread.
package final class RequestTask: RequestHandle {
    let key: RequestKey
    let request: Request
    /// Who asks; `nil` where nobody is asked who they are.
    private let principal: Principal?
    let sink: any ReplySink
    let context: OperationContext
    /// Monotonic nanoseconds at which the line's last byte had come.
    let receivedAt: UInt64
    private let encoder: ReplyEncoder
    /// For what administrators do.
    private let audit: AuditLog?
    private let clock: any Clock
    private let metrics: ServerMetrics
    private let isFinished = Atomic<Bool>(false)
    /// What wakes a wait when the request is cancelled.
    private let wakeUp = Mutex<(@Sendable () -> Void)?>(nil)

    init(
        key: RequestKey, request: Request, principal: Principal? = nil, sink: any ReplySink,
        receivedAt: UInt64, clock: any Clock, encoder: ReplyEncoder, metrics: ServerMetrics,
        audit: AuditLog? = nil
    ) {
        self.principal = principal
        self.audit = audit
        self.key = key
        self.request = request
        self.sink = sink
        self.receivedAt = receivedAt
        self.encoder = encoder
        self.clock = clock
        self.metrics = metrics
        let deadline = request.deadlineMS.map { milliseconds in
            let (span, overflows) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
            let (end, ends) = receivedAt.addingReportingOverflow(span)
            return overflows || ends ? UInt64.max : end
        }
        context = OperationContext(clock: clock, deadlineNanoseconds: deadline)
    }

    /// Answers. Later answers are dropped.
    func finish(_ result: Result<Reply, DatabaseError>) {
        guard
            isFinished.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing)
                .exchanged
        else { return }
        audit?.note(request.call, by: principal, result)
        guard let id = request.id else {
            if case .failure(let error) = result { count(error.kind) } else { count(nil) }
            return sink.complete(key, nil)
        }
        let seen = principal.map { principal in result.map(principal.visible) } ?? result
        var failure: ErrorKind?
        var reply = encoder.encode(seen, id: id, failure: &failure)
        // What a change did is told in any case; it is short, and the peer has to know.
        if !request.call.changesCollection, !sink.admitsReply(of: reply.count) {
            let error = DatabaseError(
                .overloaded, "the server is short of memory for an answer of \(reply.count) bytes",
                retryAfterMS: 1_000)
            reply = encoder.encode(.failure(error), id: id, failure: &failure)
        }
        count(failure)
        sink.complete(key, reply)
    }

    private func count(_ failure: ErrorKind?) {
        let method = request.call.method
        if let failure { return metrics.failed(method, failure) }
        let now = clock.monotonicNanoseconds()
        metrics.answered(method, nanoseconds: now > receivedAt ? now - receivedAt : 0)
    }

    func fail(_ error: DatabaseError) {
        finish(.failure(error))
    }

    var isOver: Bool { isFinished.load(ordering: .acquiring) }

    /// Nobody waits for the answer: work stops at its next check, a wait ends now.
    package func cancel() {
        context.cancel()
        wakeUp.withLock { $0 }?()
    }

    package func abandon() {
        if !request.call.changesCollection { cancel() }
    }

    /// - Parameter body: called when the request is cancelled, also if it has been already; `nil` ends that.
    func onCancel(_ body: (@Sendable () -> Void)?) {
        wakeUp.withLock { $0 = body }
        guard let body, (try? context.check()) == nil else { return }
        body()
    }
}
