// One TCP connection, greeted and ready: requests in, futures out. Thin: the thinking is done by
// `RequestCorrelator`.

import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import NeedleCore
import Synchronization

/// A connection to the server. Safe to use from any thread.
final class ServerConnection: Sendable {
    let greeting: ServerGreeting
    private let channel: any Channel
    private let handler: NIOLoopBound<ConnectionHandler>
    private let nextID = Atomic<Int64>(1)
    private let open = Atomic<Int>(0)

    private init(channel: any Channel, handler: NIOLoopBound<ConnectionHandler>, greeting: ServerGreeting) {
        self.channel = channel
        self.handler = handler
        self.greeting = greeting
    }

    var isActive: Bool { channel.isActive }
    /// Requests under way, for choosing the least busy connection.
    var load: Int { open.load(ordering: .relaxed) }

    /// Connects and waits for the greeting.
    ///
    /// - Parameter onClose: called once, when the connection has ended.
    static func connect(
        _ configuration: ClientConfiguration, on loop: any EventLoop, onClose: @escaping @Sendable () -> Void
    ) -> EventLoopFuture<ServerConnection> {
        let timeout = TimeAmount(configuration.connectTimeout)
        let address = configuration.address
        let tls: NIOSSLContext?
        do {
            tls = address.usesTLS ? try configuration.tls.context() : nil
        } catch {
            return loop.makeFailedFuture(error)
        }
        let hello = loop.makePromise(of: ServerGreeting.self)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(ChannelOptions.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: address.nameToCheck))
                    }
                    let handler = ConnectionHandler(
                        greeting: hello, maximumLineBytes: configuration.maximumReplyBytes, onClose: onClose)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        let connected = bootstrap.connect(host: address.host, port: address.port)
        connected.whenFailure { hello.fail($0) }
        let timer = loop.scheduleTask(in: timeout) {
            hello.fail(
                NeedletailError(.connectionFailed, "no greeting within \(configuration.connectTimeout)"))
        }
        return connected.and(hello.futureResult).flatMapThrowing { channel, greeting in
            let handler = try channel.pipeline.syncOperations.handler(type: ConnectionHandler.self)
            return ServerConnection(
                channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop),
                greeting: greeting)
        }.flatMap { $0.loggedIn(configuration) }.flatMapErrorThrowing { error in
            connected.whenSuccess { $0.close(promise: nil) }
            throw Self.connectionFailure(error, address)
        }.always { _ in timer.cancel() }
    }

    /// Says who this is, if the server asks.
    private func loggedIn(_ configuration: ClientConfiguration) -> EventLoopFuture<ServerConnection> {
        guard greeting.needsKey else { return channel.eventLoop.makeSucceededFuture(self) }
        guard let apiKey = configuration.apiKey else {
            return channel.eventLoop.makeFailedFuture(
                NeedletailError(.unauthenticated, "\(configuration.address) asks for an API key"))
        }
        let request = OutgoingRequest("auth.login") { writer in
            writer.key("api_key")
            writer.write(apiKey)
        }
        return submit(request, timeout: configuration.connectTimeout, onProgress: nil).result
            .map { _ in self }
    }

    private static func connectionFailure(_ error: any Error, _ address: ServerAddress) -> NeedletailError {
        // The server's own words: another attempt would hear them again, or has to wait.
        if let error = error as? NeedletailError, [.unauthenticated, .overloaded].contains(error.kind) {
            return error
        }
        if let error = error as? NeedletailError, error.kind == .invalidReply {
            return NeedletailError(
                .invalidReply, "\(address) does not speak the Needletail protocol: \(error.message)")
        }
        let reason = (error as? NeedletailError)?.message ?? Self.reason(error)
        return NeedletailError(
            .connectionFailed, "cannot connect to \(address): \(reason)", isRetryable: true)
    }

    private static func reason(_ error: any Error) -> String {
        if let system = error as? IOError { return String(cString: strerror(system.errnoCode)) }
        if case .connectTimeout = error as? ChannelError { return "no answer in time" }
        guard let failure = error as? NIOConnectionError else { return "\(error)" }
        if let attempt = failure.connectionErrors.first { return reason(attempt.error) }
        return "host \"\(failure.host)\" was not found"
    }

    /// Sends a request; the future gives the JSON text of its result.
    ///
    /// Requests submitted by one task leave in the order of the calls.
    func submit(
        _ request: OutgoingRequest, timeout: Duration?, onProgress: (@Sendable (Progress) -> Void)?
    ) -> SubmittedRequest {
        let id = nextID.wrappingAdd(1, ordering: .relaxed).oldValue
        let promise = channel.eventLoop.makePromise(of: [UInt8].self)
        let line = request.line(id: id, timeout: timeout)
        open.wrappingAdd(1, ordering: .relaxed)
        promise.futureResult.whenComplete { _ in self.open.wrappingSubtract(1, ordering: .relaxed) }
        guard line.count - 1 <= greeting.lineBytes else {
            promise.fail(
                NeedletailError(
                    .limitExceeded,
                    "the request has \(line.count - 1) bytes, the server reads \(greeting.lineBytes)"))
            return SubmittedRequest(connection: self, id: id, result: promise.futureResult)
        }
        let pending = PendingRequest(promise: promise, onProgress: onProgress)
        channel.eventLoop.execute {
            self.handler.value.submit(id: id, line: line, timeout: timeout.map(TimeAmount.init), pending)
        }
        return SubmittedRequest(connection: self, id: id, result: promise.futureResult)
    }

    func cancel(id: Int64) {
        channel.eventLoop.execute { self.handler.value.cancel(id: id) }
    }

    /// Lets open requests finish, refuses new ones, then closes.
    func drain() -> EventLoopFuture<Void> {
        channel.eventLoop.execute { self.handler.value.drain() }
        return channel.closeFuture
    }

    /// Closes at once; open requests fail with `connectionLost`.
    func close() {
        channel.close(promise: nil)
    }
}

/// A request on its way.
struct SubmittedRequest: Sendable {
    let connection: ServerConnection
    let id: Int64
    let result: EventLoopFuture<[UInt8]>

    /// Waits for the answer. Cancelling the task cancels the request, here at once and on the server as soon
    /// as it hears.
    ///
    /// - Throws: ``NeedletailError``, or `CancellationError` when the task was cancelled.
    func value() async throws -> [UInt8] {
        try await withTaskCancellationHandler {
            try await result.get()
        } onCancel: {
            connection.cancel(id: id)
        }
    }
}

extension TimeAmount {
    /// Rounded to nanoseconds; durations beyond 292 years become the longest there is.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        self = .nanoseconds(overflow ? .max : nanoseconds + attoseconds / 1_000_000_000)
    }
}
