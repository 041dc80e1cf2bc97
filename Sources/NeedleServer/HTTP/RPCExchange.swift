// One request over HTTP as a connection of its own that brings one line and then nothing more: the same session, the same
// executor, the same mailbox for answers. It lives on the event loop of the HTTP connection.

import NIOCore
import NeedleCore
import NeedleWire

final class RPCExchange: ConnectionReceiver {
    /// What came of it.
    enum Outcome: Sendable {
        /// One line, or nothing when nothing is to be answered.
        case answer([UInt8], ReplyHold)
        /// The peer has gone.
        case abandoned
    }

    private let environment: ConnectionEnvironment
    private let connection: Connection
    private let eventLoop: any EventLoop
    private let end: (Outcome) -> Void
    private var session: Session
    private var tasks: [RequestKey: any RequestHandle] = [:]
    private var answer: [UInt8] = []
    private var hasEnded = false
    private var isTurning = false
    /// What the budget believes.
    private var countedLines: Int
    private var countedReplies = 0

    /// - Parameters:
    ///   - principal: who asks; `nil` where nobody is asked who they are.
    ///   - countedLines: bytes of the line that the budget counts already; from here on this takes them off.
    ///   - end: called once, on the event loop.
    init(
        environment: ConnectionEnvironment, eventLoop: any EventLoop, by principal: Principal?,
        countedLines: Int,
        end: @escaping (Outcome) -> Void
    ) {
        self.environment = environment
        self.eventLoop = eventLoop
        self.countedLines = countedLines
        self.end = end
        // Answers leave together, when the last one is there: a request that waited until the peer has read some would
        // wait for itself. What does not fit into the budget is refused one by one.
        connection = Connection(eventLoop: eventLoop, budget: environment.budget, lineBytes: .max)
        session = Session(limits: environment.limits, access: environment.access, by: principal)
    }

    /// - Parameter isDraining: the server stops, and new requests are refused.
    func begin(_ line: [UInt8], now: UInt64, isDraining: Bool) {
        connection.attach(self)
        session.received(line: line, now: now)
        session.inputEnded()
        if isDraining { session.drain() }
        turn()
    }

    /// The peer has gone: reads stop, writes were received whole and are applied.
    func abandon() {
        guard !hasEnded else { return }
        _ = session.closed()
        for task in tasks.values { task.abandon() }
        finish(.abandoned)
    }

    // MARK: From the connection

    func mailCame() {
        let (letters, bytes) = connection.takeLetters()
        countedReplies += bytes
        for letter in letters {
            // News of progress has no place in an answer.
            guard case .reply(let reply) = letter.content else { continue }
            tasks[letter.key] = nil
            session.completed(letter.key, reply)
        }
        turn()
    }

    /// Nobody does: see `init`.
    func somebodyParked() {}

    /// The connection that carries this is told by itself.
    func drain() {}

    func close() {
        abandon()
    }

    func resumed(_ grant: ByteBudget.Grant) {}

    // MARK: A turn

    private func turn() {
        guard !isTurning, !hasEnded else { return }
        isTurning = true
        while true {
            let actions = session.takeActions()
            if actions.isEmpty { break }
            for action in actions { perform(action) }
        }
        isTurning = false
        settle()
        if session.isClosed, !hasEnded { finish(.answer(answer, hold())) }
    }

    private func perform(_ action: SessionAction) {
        switch action {
        case .send(let line):
            answer += line
            session.sent(line.count)
        case .decode(let line): decode(line)
        case .submit(let key, let request, let receivedAt, let principal):
            tasks[key] = environment.executor.submit(
                request, key: key, receivedAt: receivedAt, from: principal, sink: connection)
        case .cancel(let key): tasks[key]?.cancel()
        case .answered(let method, let failure): environment.metrics.count(method, failure)
        case .close: break
        }
    }

    private func decode(_ line: [UInt8]) {
        let decoder = environment.decoder
        if line.count <= ConnectionHandler.decodedHere {
            return session.decoded(Self.something(decoder.decode(line)))
        }
        let exchange = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        environment.executor.decode {
            let decoded = Self.something(decoder.decode(line))
            eventLoop.execute {
                exchange.value.session.decoded(decoded)
                exchange.value.turn()
            }
        }
    }

    /// An empty line keeps a connection alive; an empty body asks for nothing, and that is a mistake.
    private static func something(_ line: IncomingLine) -> IncomingLine {
        guard case .nothing = line else { return line }
        let error = DatabaseError(.parseError, "the body is empty", at: "byte 0")
        return .single(.failure(RequestFailure(id: nil, error: error, needsReply: true)))
    }

    private func settle() {
        guard !hasEnded else { return }
        let lines = session.heldLineBytes
        environment.budget.addLines(lines - countedLines)
        countedLines = lines
        let replies = session.heldReplyBytes + answer.count
        connection.count(replies - countedReplies)
        countedReplies = replies
    }

    // MARK: The end

    private func finish(_ outcome: Outcome) {
        hasEnded = true
        environment.budget.addLines(-countedLines)
        countedLines = 0
        if case .abandoned = outcome { connection.count(-countedReplies) }
        tasks = [:]
        connection.end()
        connection.attach(nil)
        end(outcome)
    }

    /// The answer's bytes stay counted until it was sent.
    private func hold() -> ReplyHold {
        let (connection, bytes) = (connection, countedReplies)
        countedReplies = 0
        return ReplyHold { connection.count(-bytes) }
    }
}
