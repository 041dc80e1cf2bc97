// One connection as a pure state machine: bytes and answers in, actions out. No sockets, no threads, no
// clock.
//
// Invariants:
// - the greeting is the first thing sent, and only what `send` says reaches the socket, in that order;
// - at most one line is being decoded, so requests are submitted in the order of their bytes;
// - a line is taken only while fewer than `in_flight` requests are open and what the connection holds (lines
//   of open requests, answers not yet handed over) is at most 2 x `line_bytes`; while complete lines wait,
//   `wantsInput` is false;
// - every submitted request is completed exactly once by the owner, and is open until its answer was handed
//   over.

package import NeedleCore
package import NeedleWire

package struct Session: Sendable {
    /// What has become of the peer's side, and of ours.
    private enum Phase {
        case open
        /// The server is going: new requests are refused, open ones are answered.
        case draining
        case closed
    }

    private let limits: Limits
    private var access: SessionAccess
    private let encoder: ReplyEncoder
    private var framer: LineFramer
    private var phase = Phase.open
    private var hasInputEnded = false
    private var open = OpenRequests()
    private var ledger = ReplyLedger()
    private var actions: [SessionAction] = []
    /// Bytes of the line that is being decoded.
    private var decoding: Int?
    /// Inside a line whose beginning was given up.
    private var isSkippingLine = false
    /// When the last bytes came, which is when the last byte of every line that waits here came.
    private var lastInputAt: UInt64 = 0

    /// - Parameters:
    ///   - access: who may speak here; `nil`: everybody.
    ///   - principal: who speaks, where that was found out before.
    package init(limits: Limits, access: AccessControl? = nil, by principal: Principal? = nil) {
        self.limits = limits
        self.access = SessionAccess(access, principal)
        encoder = ReplyEncoder(limits: limits)
        framer = LineFramer(
            limit: self.access.awaitsLogin ? min(SessionAccess.lineBytes, limits.lineBytes) : limits.lineBytes
        )
    }

    // MARK: What the owner asks

    /// What is to be done now; asking takes it.
    package mutating func takeActions() -> [SessionAction] {
        defer { actions = [] }
        return actions
    }

    /// Whether the socket may be read.
    package var wantsInput: Bool { !hasInputEnded && phase != .closed && decoding == nil && hasRoom }

    /// Inside a line that has begun and not ended.
    package var isInsideLine: Bool { framer.isInsideLine || isSkippingLine }

    /// Bytes of lines: begun, waiting, being decoded, and of open requests.
    package var heldLineBytes: Int { framer.bufferedBytes + (decoding ?? 0) + open.lineBytes }

    /// Bytes that came and are in no decoded line yet.
    package var unfinishedBytes: Int { framer.bufferedBytes }

    /// Bytes of answers that the socket has not taken.
    package var heldReplyBytes: Int { open.replyBytes + ledger.unsentBytes }

    /// Those of them that wait for the rest of their batch, not for the peer.
    package var withheldReplyBytes: Int { open.replyBytes }

    /// Requests that are open.
    package var openCount: Int { open.count + ledger.requests }

    package var isClosed: Bool { phase == .closed }

    /// Whether somebody has still to say who they are.
    package var awaitsLogin: Bool { phase != .closed && access.awaitsLogin }

    private var hasRoom: Bool {
        openCount < limits.inFlight && open.lineBytes + heldReplyBytes <= 2 * limits.lineBytes
    }

    // MARK: Events

    /// The connection stands: the server speaks first.
    package mutating func opened(_ greeting: Greeting) {
        send(encoder.encode(greeting), requests: 0)
    }

    /// The socket gave bytes.
    ///
    /// - Parameter now: monotonic nanoseconds; deadlines count from here.
    package mutating func received(_ bytes: borrowing RawSpan, now: UInt64) {
        guard phase != .closed, !hasInputEnded else { return }
        lastInputAt = now
        if isSkippingLine {
            guard let newline = Self.newline(in: bytes) else { return }
            isSkippingLine = false
            fail(
                DatabaseError(
                    .overloaded, "the server is short of memory and gave up the line before it ended",
                    retryAfterMS: 1_000))
            framer.feed(bytes.extracting((newline + 1)...))
        } else {
            framer.feed(bytes)
        }
        advance()
    }

    /// A whole line came, over a transport that frames by itself and has seen that it is within the limit. It may
    /// hold newlines.
    package mutating func received(line: [UInt8], now: UInt64) {
        precondition(
            decoding == nil && !framer.isInsideLine, "such a transport brings nothing but whole lines")
        guard phase != .closed, !hasInputEnded else { return }
        lastInputAt = now
        decoding = line.count
        actions.append(.decode(line))
    }

    /// The peer sends nothing more. An unterminated last line is dropped.
    package mutating func inputEnded() {
        hasInputEnded = true
        advance()
    }

    /// The line that was to be decoded.
    package mutating func decoded(_ line: IncomingLine) {
        guard let bytes = decoding else { return }
        decoding = nil
        guard phase != .closed else { return }
        access.noteLine(bytes: bytes)
        switch line {
        case .nothing: break
        case .single(let message): takeSingle(message, bytes)
        case .batch(let messages): takeBatch(messages, bytes)
        }
        advance()
    }

    /// The answer to a submitted request, one object without newline; `nil` for a notification.
    package mutating func completed(_ key: RequestKey, _ reply: [UInt8]?) {
        deliver(open.complete(key, reply))
        advance()
    }

    /// News about a request that takes long. Dropped when it is answered already, or when the peer does not
    /// read.
    package mutating func progressed(_ key: RequestKey, phase text: String, done: Int, total: Int) {
        guard phase != .closed, let id = open.id(of: key), ledger.unsentBytes < 65_536 else { return }
        send(encoder.encode(Progress(id: id, phase: text, done: done, total: total)), requests: 0)
    }

    /// The socket took this many bytes of what was to be sent.
    package mutating func sent(_ bytes: Int) {
        ledger.sent(bytes)
        advance()
    }

    /// The server stops: requests that come now are refused, and when all is answered the connection closes.
    package mutating func drain() {
        guard phase == .open else { return }
        phase = .draining
        advance()
    }

    /// Drops the line that has begun; when it ends it is answered `overloaded`. What came before it is not
    /// touched.
    package mutating func abandonLine() {
        // With no room, whole lines may wait in the framer too, and those were accepted.
        guard phase != .closed, decoding == nil, hasRoom, framer.isInsideLine, !isSkippingLine else { return }
        isSkippingLine = true
        framer = LineFramer(limit: framer.limit)
        // A new framer would take the next line for the first one, in which HTTP is refused.
        framer.feed(Array("0\n".utf8))
        _ = framer.next()
    }

    /// The connection is gone; what is still executed has nobody to be told.
    package mutating func closed() -> [RequestKey] {
        phase = .closed
        actions = []
        return open.keys
    }

    // MARK: Steps

    private mutating func advance() {
        while phase != .closed, decoding == nil, hasRoom, let event = framer.next() {
            switch event {
            case .line(let line):
                decoding = line.count
                actions.append(.decode(line))
            case .lineTooLong:
                let failure = RequestFailure.lineTooLong(limit: framer.limit)
                actions.append(.answered(nil, failure.error.kind))
                send(encoder.encode(.failure(failure.error), id: failure.id), requests: 1)
            case .close:
                phase = .closed
                actions.append(.close(.now))
            }
        }
        closeIfFinished()
    }

    private mutating func closeIfFinished() {
        guard phase != .closed, hasInputEnded || phase == .draining else { return }
        guard decoding == nil, openCount == 0, ledger.unsentBytes == 0 else { return }
        let manner: CloseManner = hasInputEnded ? .now : .lingering
        phase = .closed
        actions.append(.close(manner))
    }

    private mutating func takeSingle(_ message: IncomingMessage, _ bytes: Int) {
        switch message {
        case .failure(let failure):
            actions.append(.answered(nil, failure.error.kind))
            if failure.needsReply {
                send(encoder.encode(.failure(failure.error), id: failure.id), requests: 1)
            }
        case .request(let request):
            let key = open.openSingle(id: request.id, bytes: bytes)
            take(request, key)
        }
    }

    private mutating func takeBatch(_ messages: [IncomingMessage], _ bytes: Int) {
        let batch = open.openBatch(members: messages.count, bytes: bytes)
        for (slot, message) in messages.enumerated() {
            switch message {
            case .failure(let failure):
                actions.append(.answered(nil, failure.error.kind))
                let reply = failure.needsReply ? encoder.encode(.failure(failure.error), id: failure.id) : nil
                deliver(open.completeMember(slot, of: batch, id: failure.id, reply: reply))
            case .request(let request):
                take(request, open.openMember(slot, of: batch, id: request.id))
            }
        }
    }

    private mutating func take(_ request: Request, _ key: RequestKey) {
        if access.isExhausted {
            answer(request, key, .failure(SessionAccess.exhausted))
        } else if phase == .draining {
            let error = DatabaseError(.draining, "the server is shutting down", retryAfterMS: 1_000)
            answer(request, key, .failure(error))
        } else if case .answer(let result) = access.admit(request.call) {
            answer(request, key, result)
            if !access.awaitsLogin { framer.raiseLimit(to: limits.lineBytes) }
            if access.isExhausted { phase = .draining }
        } else if case .cancel(let id) = request.call {
            let keys = open.keys(of: id).filter { $0 != key }
            for key in keys { actions.append(.cancel(key)) }
            answer(request, key, .success(.cancelled(!keys.isEmpty)))
        } else {
            actions.append(.submit(key, request, receivedAt: lastInputAt, access.principal))
        }
    }

    /// Without executing anything.
    private mutating func answer(
        _ request: Request, _ key: RequestKey, _ result: Result<Reply, DatabaseError>
    ) {
        let failure: ErrorKind? = if case .failure(let error) = result { error.kind } else { nil }
        actions.append(.answered(request.call.method, failure))
        let id = request.id
        deliver(open.complete(key, id == nil ? nil : encoder.encode(result, id: id)))
    }

    private mutating func deliver(_ outcome: OpenRequests.Outcome) {
        switch outcome {
        case .nothing: break
        case .reply(let reply): send(reply, requests: 1)
        case .batch(let replies, let members): send(encoder.encodeBatch(replies), requests: members)
        }
    }

    /// An answer to nobody in particular.
    private mutating func fail(_ error: DatabaseError) {
        actions.append(.answered(nil, error.kind))
        send(encoder.encode(.failure(error), id: nil), requests: 1)
    }

    private mutating func send(_ message: [UInt8], requests: Int) {
        guard phase != .closed else { return }
        var line = message
        line.append(UInt8(ascii: "\n"))
        ledger.add(bytes: line.count, requests: requests)
        actions.append(.send(line))
    }

    private static func newline(in bytes: borrowing RawSpan) -> Int? {
        bytes.withUnsafeBytes { $0.firstIndex(of: 0x0A) }
    }
}
