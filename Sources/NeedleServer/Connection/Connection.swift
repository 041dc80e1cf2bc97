import NIOCore
import NeedleCore
import NeedleWire
import Synchronization

/// Who takes what a connection is told; lives on its event loop.
protocol ConnectionReceiver: AnyObject {
    /// There are letters in the mailbox.
    func mailCame()
    /// Somebody waits until the peer has read more.
    func somebodyParked()
    /// The server stops.
    func drain()
    func close()
    /// Told by the byte budget.
    func resumed(_ grant: ByteBudget.Grant)
}

/// A connection as the rest of the server sees it: where answers are put, from any thread.
///
/// Answers go into a mailbox; the first one into an empty mailbox wakes the event loop, which then takes all that are
/// there. Safe to use from any thread.
final class Connection: ReplySink, OpenConnection {
    let lanes = LaneTable()
    private let eventLoop: any EventLoop
    private let budget: ByteBudget
    private let mailbox = Mutex(Mailbox())
    /// Bytes of answers in the mailbox, in unfinished batches and on their way to the socket.
    private let unsent = Atomic<Int>(0)
    /// Those of them that wait for the rest of their batch: however much the peer reads, they stay.
    private let withheld = Atomic<Int>(0)
    private let lineBytes: Int
    /// What happens on the event loop; set once, before the connection is known to anybody.
    private let receiver: NIOLoopBoundBox<(any ConnectionReceiver)?>

    struct Letter: Sendable {
        var key: RequestKey
        var content: Content

        enum Content: Sendable {
            case reply([UInt8]?)
            case progress(phase: String, done: Int, total: Int)
        }
    }

    private struct Mailbox {
        var letters: [Letter] = []
        var bytes = 0
        var parked: [@Sendable () -> Void] = []
        var isClosed = false
    }

    init(eventLoop: any EventLoop, budget: ByteBudget, lineBytes: Int) {
        self.eventLoop = eventLoop
        self.budget = budget
        self.lineBytes = lineBytes
        receiver = NIOLoopBoundBox(nil, eventLoop: eventLoop)
    }

    /// On the event loop.
    func attach(_ receiver: (any ConnectionReceiver)?) {
        self.receiver.value = receiver
    }

    // MARK: From any thread

    func complete(_ key: RequestKey, _ reply: [UInt8]?) {
        put(Letter(key: key, content: .reply(reply)), bytes: reply?.count ?? 0)
    }

    func progressed(_ key: RequestKey, phase: String, done: Int, total: Int) {
        put(Letter(key: key, content: .progress(phase: phase, done: done, total: total)), bytes: 0)
    }

    /// Answers that wait may take as much as one longest line before the next request starts.
    var admitsReply: Bool {
        unsent.load(ordering: .relaxed) - withheld.load(ordering: .relaxed) <= lineBytes
    }

    func admitsReply(of bytes: Int) -> Bool { budget.allowsReply(bytes) }

    func park(_ resume: @escaping @Sendable () -> Void) {
        let isClosed = mailbox.withLock { mailbox in
            if !mailbox.isClosed { mailbox.parked.append(resume) }
            return mailbox.isClosed
        }
        if isClosed { return resume() }
        eventLoop.execute { self.receiver.value?.somebodyParked() }
    }

    /// The server stops.
    func drain() {
        eventLoop.execute { self.receiver.value?.drain() }
    }

    /// Time is up.
    func close() {
        eventLoop.execute { self.receiver.value?.close() }
    }

    /// Told by the byte budget.
    func resume(_ grant: ByteBudget.Grant) {
        eventLoop.execute { self.receiver.value?.resumed(grant) }
    }

    private func put(_ letter: Letter, bytes: Int) {
        let isFirst: Bool? = mailbox.withLock { mailbox in
            guard !mailbox.isClosed else { return nil }
            mailbox.letters.append(letter)
            mailbox.bytes += bytes
            return mailbox.letters.count == 1
        }
        guard let isFirst else { return }
        count(bytes)
        if isFirst { eventLoop.execute { self.receiver.value?.mailCame() } }
    }

    // MARK: From the event loop

    /// Takes what is in the mailbox; its bytes stay counted until the handler says otherwise.
    func takeLetters() -> (letters: [Letter], bytes: Int) {
        mailbox.withLock { mailbox in
            defer {
                mailbox.letters = []
                mailbox.bytes = 0
            }
            return (mailbox.letters, mailbox.bytes)
        }
    }

    func takeParked() -> [@Sendable () -> Void] {
        mailbox.withLock { mailbox in
            defer { mailbox.parked = [] }
            return mailbox.parked
        }
    }

    func withhold(_ bytes: Int) {
        withheld.store(bytes, ordering: .relaxed)
    }

    /// Corrects what is counted as unsent.
    func count(_ bytes: Int) {
        guard bytes != 0 else { return }
        unsent.add(bytes, ordering: .relaxed)
        budget.addReplies(bytes)
    }

    /// Nothing more can be sent: letters are dropped from now on, parked requests go on and notice.
    func end() {
        let (bytes, parked) = mailbox.withLock { mailbox in
            let result = (mailbox.bytes, mailbox.parked)
            mailbox = Mailbox(isClosed: true)
            return result
        }
        count(-bytes)
        for resume in parked { resume() }
    }
}
