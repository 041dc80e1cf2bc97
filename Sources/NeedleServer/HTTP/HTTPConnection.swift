// One HTTP connection between the decoder and the tasks that answer: keeps the time-outs, so that a peer that sends or
// reads too slowly loses its own connection and nothing else, and knows whether a request is there as a whole.
//
// Invariants:
// - from a request's first byte to its last no more than `http.request_ms` pass, between requests no more than
//   `http.idle_ms`, and while an answer waits the peer takes something of it within `server.write_timeout_ms`;
// - after an answer with `Connection: close`, and after our side was closed, the connection goes within a second.

import HTTPTypes
import NIOCore
import NIOHTTPTypes
import NeedleCore

final class HTTPConnection: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    struct Patience: Sendable {
        var request: TimeAmount
        var idle: TimeAmount
        var write: TimeAmount
    }

    /// How long a connection that we closed may go on sending what nobody reads: closing a socket with unread bytes
    /// resets it, and the peer would lose the answer.
    private static let linger = TimeAmount.seconds(1)

    private let patience: Patience
    private let member: HTTPMember
    private let clock: any Clock
    private var context: ChannelHandlerContext?
    /// Inside a request that has begun to come.
    private var isReceiving = false
    /// Requests whose head came and whose answer has not ended.
    private var unanswered = 0
    /// Requests of those that came as a whole.
    private var whole = 0
    private var hasAnswerBegun = false
    private var closesAfterAnswer = false
    /// The server stops: the connection goes with the last answer.
    private var isQuiescing = false
    /// Nothing more is read or written.
    private var isOver = false
    private var timer: Scheduled<Void>?
    private let writeWatch = WriteWatch()
    private var handedOver = 0
    /// The request that is being executed.
    private var exchange: RPCExchange?

    init(patience: Patience, member: HTTPMember, clock: any Clock) {
        self.patience = patience
        self.member = member
        self.clock = clock
    }

    /// Whether the request that is to be answered next is there to its last byte.
    var hasWholeRequest: Bool { whole > 0 && !isOver }

    /// From now on, if the connection breaks, this is abandoned.
    func carry(_ exchange: RPCExchange?) {
        self.exchange = exchange
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        waitForRequest()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    private func leave() {
        isOver = true
        timer?.cancel()
        timer = nil
        writeWatch.stop()
        exchange?.abandon()
        exchange = nil
        context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is HTTPByteMeter.BytesCame:
            if !isReceiving, unanswered == 0, !isOver { beginReceiving() }
        case is ChannelShouldQuiesceEvent:
            isQuiescing = true
            if unanswered == 0 { context.close(promise: nil) }
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        switch unwrapInboundIn(data) {
        case .head:
            unanswered += 1
            // The next one of several that came at once: its bytes were announced with the first one's.
            if !isReceiving { beginReceiving() }
        case .body: break
        case .end:
            isReceiving = false
            timer?.cancel()
            if unanswered > 0 {
                whole += 1
                member.noteWaiting(since: nil)
            } else {
                // It was answered before it had ended, and waits for the next one since then.
                waitForRequest()
            }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isOver else { return promise?.fail(ChannelError.outputClosed) ?? () }
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status.kind == .informational:
            context.write(data, promise: promise)
        case .head(let head):
            hasAnswerBegun = true
            closesAfterAnswer = head.headerFields[.connection]?.lowercased() == "close"
            context.write(data, promise: promise)
        case .body(let bytes):
            handedOver += bytes.readableBytes
            context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
            answered()
        }
        watchWrites()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .output else { return context.close(mode: mode, promise: promise) }
        endOutput(context, promise)
    }

    // MARK: Requests

    private func beginReceiving() {
        isReceiving = true
        schedule(patience.request) { self.requestTookTooLong() }
    }

    private func waitForRequest() {
        schedule(patience.idle) { self.context?.close(promise: nil) }
    }

    private func answered() {
        unanswered -= 1
        whole = max(0, whole - 1)
        if whole == 0 { member.noteWaiting(since: clock.monotonicNanoseconds()) }
        hasAnswerBegun = false
        if closesAfterAnswer || (isQuiescing && unanswered == 0), let context {
            context.flush()
            return endOutput(context, nil)
        }
        if unanswered == 0, !isReceiving { waitForRequest() }
    }

    private func requestTookTooLong() {
        guard let context, !isOver else { return }
        // Only to who has said what it wants, and was not answered something else already.
        guard unanswered == 1, !hasAnswerBegun else { return context.close(promise: nil) }
        let fields: HTTPFields = [.connection: "close", .contentLength: "0"]
        let head = HTTPResponse(status: .requestTimeout, headerFields: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        endOutput(context, nil)
    }

    /// Says that nothing more comes. When the last byte has left us, the peer has a moment to say the same.
    private func endOutput(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        guard !isOver else { return promise?.succeed() ?? () }
        isOver = true
        timer?.cancel()
        let ended = promise ?? context.eventLoop.makePromise(of: Void.self)
        ended.futureResult.assumeIsolated().whenComplete { _ in
            self.schedule(Self.linger) { self.context?.close(promise: nil) }
        }
        context.close(mode: .output, promise: ended)
    }

    private func schedule(_ time: TimeAmount, _ body: @escaping () -> Void) {
        timer?.cancel()
        timer = context?.eventLoop.assumeIsolated().scheduleTask(in: time, body)
    }

    // MARK: The write time-out

    private func watchWrites() {
        guard let context, !writeWatch.isRunning else { return }
        writeWatch.start(
            on: context.eventLoop, limit: patience.write, taken: { [weak self] in self?.takenBytes },
            onStall: { [weak self] in self?.context?.close(promise: nil) })
    }

    /// Bytes that the peer has taken so far; `nil` when it has taken all there was.
    private var takenBytes: Int? {
        guard let context else { return nil }
        let buffered = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        let waiting = buffered + SocketQueue.unacknowledgedBytes(context.pipeline.syncOperations)
        return waiting == 0 ? nil : handedOver - waiting
    }
}
