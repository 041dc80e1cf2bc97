// Between a socket and its session: reads when the session wants input and the budget has room, writes when
// the socket takes it, keeps the time-outs. Everything here runs on the connection's event loop.
//
// The loop of a turn: carry out the session's actions, hand bytes to the socket, and again while that led to
// more; then tell the budget what is held now, and read on if that is wanted. Small lines are decoded here
// (microseconds), large ones on a search thread, so that one client's 64 MiB do not stop the others of the
// same loop.

import NIOCore
import NeedleCore
import NeedleWire

final class ConnectionHandler: ChannelInboundHandler, ConnectionReceiver {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Lines up to this size are decoded on the event loop.
    static let decodedHere = 32 << 10
    /// How long a connection that we closed may go on sending what nobody reads.
    private static let linger = TimeAmount.seconds(1)

    private let environment: ConnectionEnvironment
    private let connection: Connection
    private var session: Session
    private var context: ChannelHandlerContext?
    private var outbox = Outbox()
    private var tasks: [RequestKey: any RequestHandle] = [:]
    private var hasBegun = false
    private var isTurning = false
    private var needsTurn = false
    private var isReadPending = false
    private var reading = Reading.free
    private var lingering = false
    private var finishing: Scheduled<Void>?
    private let writeWatch = WriteWatch()
    /// Runs while somebody has still to say who they are.
    private var loginTimer: Scheduled<Void>?
    private var polling: LoopPolling?
    private var socket: Int32?
    /// Bytes that the channel was given so far.
    private var handedOver = 0
    /// What the budget believes.
    private var countedLines = 0
    private var countedReplies = 0

    private enum Reading {
        case free
        /// The budget is spent; it calls back.
        case waitingForRoom
        /// The budget is spent, but this connection may read to the end of its line.
        case finishingLine
    }

    init(environment: ConnectionEnvironment, connection: Connection) {
        self.environment = environment
        self.connection = connection
        session = Session(limits: environment.limits, access: environment.access)
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin() }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin()
    }

    private func begin() {
        guard !hasBegun else { return }
        hasBegun = true
        guard environment.registry.add(connection) else { return refuse() }
        environment.metrics.tcp.noteOpened()
        connection.attach(self)
        watchSocket()
        session.opened(environment.greeting)
        turn()
    }

    private func watchSocket() {
        guard let context else { return }
        polling = environment.polling[ObjectIdentifier(context.eventLoop)]
        socket = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { $0 }
        if let socket { polling?.opened(socket) } else { polling = nil }
    }

    /// One line that says why, for whoever looks, if it can be said soon: under TLS only after a handshake. Nothing that
    /// comes is looked at.
    private func refuse() {
        guard let context else { return }
        lingering = true
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.linger) { self.close() }
        environment.metrics.tcp.noteRefused()
        let error = DatabaseError(
            .overloaded, "the server has \(environment.registry.limit) connections already",
            retryAfterMS: 1_000)
        var line = ReplyEncoder(limits: environment.limits).encode(.failure(error), id: nil)
        line.append(UInt8(ascii: "\n"))
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: line))).assumeIsolated().whenComplete { _ in
            self.close()
        }
        readOn()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard !lingering else { return }
        environment.metrics.tcp.noteReceived(buffer.readableBytes)
        let now = environment.clock.monotonicNanoseconds()
        buffer.withUnsafeReadableBytes { session.received(RawSpan(_unsafeBytes: $0), now: now) }
        turn()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReadPending = false
        readOn()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .some(ChannelEvent.inputClosed) = event as? ChannelEvent else { return }
        if lingering { return close() }
        session.inputEnded()
        turn()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        turn()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close()
    }

    func channelInactive(context: ChannelHandlerContext) {
        _ = session.closed()
        if let socket { polling?.closed(socket, openRequests: tasks.count) }
        polling = nil
        for task in tasks.values { task.abandon() }
        tasks = [:]
        outbox.removeAll()
        finishing?.cancel()
        loginTimer?.cancel()
        writeWatch.stop()
        environment.budget.leave(ObjectIdentifier(connection))
        environment.budget.addLines(-countedLines)
        connection.count(-countedReplies)
        countedLines = 0
        countedReplies = 0
        connection.end()
        connection.attach(nil)
        environment.registry.remove(connection)
        self.context = nil
    }

    // MARK: Events from elsewhere, already on the event loop

    func mailCame() {
        let (letters, bytes) = connection.takeLetters()
        // From the mailbox into the session, which counts them from here on.
        countedReplies += bytes
        var answered = 0
        for letter in letters {
            switch letter.content {
            case .reply(let reply):
                if tasks.removeValue(forKey: letter.key) != nil { answered += 1 }
                session.completed(letter.key, reply)
            case .progress(let phase, let done, let total):
                session.progressed(letter.key, phase: phase, done: done, total: total)
            }
        }
        turn()
        for _ in 0..<answered { polling?.answered() }
    }

    func somebodyParked() {
        turn()
    }

    func drain() {
        session.drain()
        turn()
    }

    func close() {
        // What still comes until the other side notices is not looked at.
        for key in session.closed() { tasks[key]?.abandon() }
        context?.close(promise: nil)
    }

    func resumed(_ grant: ByteBudget.Grant) {
        guard case .waitingForRoom = reading else {
            // Somebody else's turn: this connection has found room, or finished, meanwhile.
            if case .finish = grant { environment.budget.leave(ObjectIdentifier(connection)) }
            return
        }
        switch grant {
        case .room:
            reading = .free
        case .finish:
            reading = .finishingLine
            finishing = context?.eventLoop.assumeIsolated().scheduleTask(
                in: .milliseconds(Int64(environment.budget.finishingMS))
            ) { self.finishingTookTooLong() }
        }
        turn()
    }

    private func finishingTookTooLong() {
        guard case .finishingLine = reading else { return }
        session.abandonLine()
        endFinishing()
        turn()
    }

    private func endFinishing() {
        finishing?.cancel()
        finishing = nil
        reading = .free
        environment.budget.leave(ObjectIdentifier(connection))
    }

    // MARK: A turn

    private func turn() {
        needsTurn = true
        guard !isTurning else { return }
        isTurning = true
        while needsTurn {
            needsTurn = false
            for action in session.takeActions() { perform(action) }
            pump()
        }
        isTurning = false
        settle()
    }

    private func perform(_ action: SessionAction) {
        switch action {
        case .send(let line): outbox.append(line)
        case .decode(let line): decode(line)
        case .submit(let key, let request, let receivedAt, let principal):
            polling?.began(receivedAt: receivedAt)
            // Entered before its answer can come: answers take the way through the mailbox.
            tasks[key] = environment.executor.submit(
                request, key: key, receivedAt: receivedAt, from: principal, sink: connection)
        case .cancel(let key): tasks[key]?.cancel()
        case .answered(let method, let failure): environment.metrics.count(method, failure)
        case .close(.now): close()
        case .close(.lingering): closeLingering()
        }
    }

    private func decode(_ line: [UInt8]) {
        if line.count <= Self.decodedHere {
            session.decoded(environment.decoder.decode(line))
            needsTurn = true
            return
        }
        guard let context else { return }
        let decoder = environment.decoder
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        environment.executor.decode {
            let decoded = decoder.decode(line)
            eventLoop.execute {
                handler.value.session.decoded(decoded)
                handler.value.turn()
            }
        }
    }

    /// Hands over as much as the channel wants to buffer.
    private func pump() {
        guard let context, !outbox.isEmpty else { return }
        var hasWritten = false
        while context.channel.isWritable, let buffer = outbox.next(context.channel.allocator) {
            let bytes = buffer.readableBytes
            hasWritten = true
            handedOver += bytes
            environment.metrics.tcp.noteSent(bytes)
            context.write(wrapOutboundOut(buffer)).assumeIsolated().whenSuccess { self.sent(bytes) }
        }
        if hasWritten { context.flush() }
    }

    private func sent(_ bytes: Int) {
        guard !session.isClosed else { return }
        session.sent(bytes)
        turn()
    }

    private func closeLingering() {
        guard let context else { return }
        lingering = true
        context.close(mode: .output, promise: nil)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.linger) { self.close() }
        readOn()
    }

    /// After a turn: the budget learns what is held, parked requests go on if the peer reads, reading goes on.
    private func settle() {
        guard context != nil else { return }
        let lines = session.heldLineBytes
        let replies = session.heldReplyBytes
        if lines != countedLines { environment.budget.addLines(lines - countedLines) }
        connection.count(replies - countedReplies)
        connection.withhold(session.withheldReplyBytes)
        countedLines = lines
        countedReplies = replies
        if case .finishingLine = reading, !session.isInsideLine || !session.wantsInput { endFinishing() }
        if connection.admitsReply {
            for resume in connection.takeParked() { resume() }
        }
        watchWrites()
        watchLogin()
        readOn()
    }

    /// Places are for those who say who they are.
    private func watchLogin() {
        guard session.awaitsLogin else {
            loginTimer?.cancel()
            loginTimer = nil
            return
        }
        guard let context, loginTimer == nil else { return }
        loginTimer = context.eventLoop.assumeIsolated().scheduleTask(in: environment.loginPatience) {
            self.close()
        }
    }

    private func readOn() {
        guard let context, !isReadPending else { return }
        guard lingering || session.wantsInput else { return }
        if !lingering, case .waitingForRoom = reading { return }
        if !lingering, case .free = reading, !environment.budget.allowsReading(unfinished: unfinishedBytes) {
            return waitForRoom()
        }
        isReadPending = true
        context.read()
    }

    private func waitForRoom() {
        reading = .waitingForRoom
        let connection = connection
        environment.budget.wait(ObjectIdentifier(connection), unfinished: unfinishedBytes) {
            connection.resume($0)
        }
    }

    /// Bytes of the line that has begun, as far as they are kept; at least 1 inside a line.
    private var unfinishedBytes: Int { session.isInsideLine ? max(1, session.unfinishedBytes) : 0 }

    // MARK: The write time-out

    /// While answers wait, somebody has to notice that the peer takes none of them.
    private func watchWrites() {
        guard let context, session.heldReplyBytes > 0, !writeWatch.isRunning else { return }
        writeWatch.start(
            on: context.eventLoop, limit: .milliseconds(Int64(environment.limits.writeTimeoutMS)),
            taken: { [weak self] in self?.takenBytes }, onStall: { [weak self] in self?.close() })
    }

    /// Bytes that the peer has taken so far; `nil` when it has taken all there was.
    private var takenBytes: Int? {
        guard let context, session.heldReplyBytes > 0 else { return nil }
        let buffered = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        return handedOver - (buffered ?? 0) - SocketQueue.unacknowledgedBytes(context.pipeline.syncOperations)
    }
}
