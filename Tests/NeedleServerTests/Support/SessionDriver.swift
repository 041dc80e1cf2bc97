import NeedleCore
import NeedleServer
import NeedleWire

/// Drives a session as a connection would, without one: decodes at once, writes down what is to be done.
struct SessionDriver {
    var session: Session
    let limits: Limits
    /// What went to the socket, line by line, since it was last asked.
    private var sent: [String] = []
    private(set) var submitted: [(key: RequestKey, request: Request, receivedAt: UInt64)] = []
    /// Who asked, of each submitted request.
    private(set) var principals: [Principal?] = []
    private(set) var cancelled: [RequestKey] = []
    /// What the session answered by itself.
    private(set) var answered: [(method: Method?, failure: ErrorKind?)] = []
    private(set) var closed: CloseManner?
    /// Whether the socket takes bytes at once.
    var takesBytes = true
    private var waitingBytes = 0
    /// Whether lines are decoded at once; else they wait in `undecoded`.
    var decodes = true
    private(set) var undecoded: [[UInt8]] = []

    init(access: AccessControl? = nil, _ change: (inout Limits) -> Void = { _ in }) {
        var limits = Limits()
        change(&limits)
        self.limits = limits
        session = Session(limits: limits, access: access)
    }

    mutating func open() {
        session.opened(Greeting(version: "0.1.0", authentication: .none, limits: limits))
        work()
    }

    mutating func feed(_ text: String, at now: UInt64 = 0) {
        let bytes = Array(text.utf8)
        session.received(bytes.span.bytes, now: now)
        work()
    }

    mutating func endInput() {
        session.inputEnded()
        work()
    }

    mutating func drain() {
        session.drain()
        work()
    }

    mutating func complete(_ key: RequestKey, _ reply: String?) {
        session.completed(key, reply.map { Array($0.utf8) })
        work()
    }

    mutating func decodeNext() {
        session.decoded(RequestDecoder(limits: limits).decode(undecoded.removeFirst()))
        work()
    }

    mutating func socketTakes(_ bytes: Int? = nil) {
        let count = bytes ?? waitingBytes
        waitingBytes -= count
        session.sent(count)
        work()
    }

    mutating func abandonLine() {
        session.abandonLine()
        work()
    }

    mutating func progress(_ key: RequestKey, done: Int) {
        session.progressed(key, phase: "indexing", done: done, total: 10)
        work()
    }

    mutating func takeSent() -> [String] {
        defer { sent = [] }
        return sent
    }

    var keys: [RequestKey] { submitted.map(\.key) }

    private mutating func work() {
        var actions = session.takeActions()
        while !actions.isEmpty {
            for action in actions { perform(action) }
            actions = session.takeActions()
        }
    }

    private mutating func perform(_ action: SessionAction) {
        switch action {
        case .send(let bytes):
            sent.append(String(decoding: bytes, as: UTF8.self))
            if takesBytes { session.sent(bytes.count) } else { waitingBytes += bytes.count }
        case .decode(let line):
            if decodes {
                session.decoded(RequestDecoder(limits: limits).decode(line))
            } else {
                undecoded.append(line)
            }
        case .submit(let key, let request, let receivedAt, let principal):
            submitted.append((key, request, receivedAt))
            principals.append(principal)
        case .cancel(let key): cancelled.append(key)
        case .answered(let method, let failure): answered.append((method, failure))
        case .close(let manner): closed = manner
        }
    }
}

/// A `server.ping` line.
func ping(_ id: String) -> String { #"{"id":\#(id),"method":"server.ping"}"# + "\n" }
