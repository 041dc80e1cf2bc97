// Carries out what the `RequestCorrelator` decides, on the connection's event loop: the only place where
// requests, answers, timers and the socket meet.

import NIOCore
import NeedleCore

/// A request that somebody waits for.
struct PendingRequest: Sendable {
    let promise: EventLoopPromise<[UInt8]>
    let onProgress: (@Sendable (Progress) -> Void)?
}

/// The channel handler of one connection. Confined to its event loop.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var correlator = RequestCorrelator<PendingRequest>()
    private var lines: LineSplitter
    private var context: ChannelHandlerContext?
    private let greeting: EventLoopPromise<ServerGreeting>
    private let onClose: @Sendable () -> Void

    /// - Parameter greeting: fulfilled by the server's greeting, failed when the connection ends before it.
    init(
        greeting: EventLoopPromise<ServerGreeting>, maximumLineBytes: Int,
        onClose: @escaping @Sendable () -> Void
    ) {
        self.greeting = greeting
        self.onClose = onClose
        lines = LineSplitter(maximumLineBytes: maximumLineBytes)
    }

    // MARK: From the client

    func submit(id: Int64, line: [UInt8], timeout: TimeAmount?, _ request: PendingRequest) {
        if let timeout, let context {
            let timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
                let error = NeedletailError(.timedOut, "no answer within the time-out")
                self.perform(self.correlator.abandon(id: id, error: error))
            }
            request.promise.futureResult.assumeIsolated().whenComplete { _ in timer.cancel() }
        }
        perform(correlator.submit(id: id, line: line, waiter: request))
    }

    func cancel(id: Int64) {
        perform(correlator.abandon(id: id, error: NeedletailError(.cancelled, "the request was cancelled")))
    }

    func drain() {
        perform(correlator.drain())
    }

    // MARK: From the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        lines.append(&bytes)
        do throws(NeedletailError) {
            while let line = try lines.next() {
                if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
                perform(correlator.receive(try ServerMessage(parsing: line)))
            }
        } catch {
            fail(error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let error = NeedletailError(.connectionLost, "the server closed the connection", isRetryable: true)
        fail(error)
        onClose()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(NeedletailError(.connectionLost, "the connection broke: \(error)", isRetryable: true))
    }

    private func fail(_ error: NeedletailError) {
        greeting.fail(error)
        perform(correlator.connectionClosed(error))
        context?.close(promise: nil)
    }

    private func perform(_ actions: [RequestCorrelator<PendingRequest>.Action]) {
        var hasWritten = false
        for action in actions {
            switch action {
            case .write(let line):
                guard let context else { break }
                context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: line)), promise: nil)
                hasWritten = true
            case .succeed(let request, let result): request.promise.succeed(result)
            case .fail(let request, let error): request.promise.fail(error)
            case .report(let request, let progress): request.onProgress?(progress)
            case .greeted(let hello): greeting.succeed(hello)
            case .close:
                greeting.fail(NeedletailError(.connectionLost, "the connection was closed"))
                context?.close(promise: nil)
            }
        }
        if hasWritten { context?.flush() }
    }
}
