import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import NeedleCore

/// The listening socket of the HTTP side, and its connections. Safe to use from any thread.
final class HTTPListener: Sendable {
    /// Where it listens; the port is the real one when 0 was asked for.
    let address: ListenAddress
    let door: HTTPDoor
    private let channel: any Channel
    private let registry: ConnectionRegistry
    private let timers: any EventLoop

    /// Listens, if the configuration says so.
    ///
    /// - Parameters:
    ///   - listener: the other side, whose connections are figures here.
    ///   - group: the event loops of the other side, whose threads run quick searches.
    /// - Throws: `storage_failed` when the address cannot be had.
    static func start(
        beside listener: Listener, _ dispatcher: Dispatcher, group: MultiThreadedEventLoopGroup,
        configuration: ServerConfiguration, log: Logger
    ) throws(DatabaseError) -> HTTPListener? {
        guard let listen = configuration.http.listen else { return nil }
        let registry = ConnectionRegistry(limit: configuration.http.connections)
        let door = HTTPDoor(
            beside: listener, dispatcher, registry: registry, configuration: configuration)
        let (channel, address) = try bootstrap(door, registry, group, configuration, log)
            .bind(to: listen, "http.listen")
        return HTTPListener(
            address: address, door: door, channel: channel, registry: registry, timers: group.next())
    }

    private init(
        address: ListenAddress, door: HTTPDoor, channel: any Channel, registry: ConnectionRegistry,
        timers: any EventLoop
    ) {
        self.address = address
        self.door = door
        self.channel = channel
        self.registry = registry
        self.timers = timers
    }

    private static func bootstrap(
        _ door: HTTPDoor, _ registry: ConnectionRegistry, _ group: MultiThreadedEventLoopGroup,
        _ configuration: ServerConfiguration, _ log: Logger
    ) -> ServerBootstrap {
        let clock = door.environment.clock
        let patience = patience(configuration)
        let executors = Dictionary(
            uniqueKeysWithValues: group.makeIterator().map { (ObjectIdentifier($0), EventLoopExecutor($0)) })
        let meter = door.environment.metrics.http
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(configuration.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10))
            .childChannelInitializer { channel in
                let member = HTTPMember(channel, now: clock.monotonicNanoseconds())
                guard registry.add(makingRoomFor: member) else {
                    meter.noteRefused()
                    return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
                }
                meter.noteOpened()
                let http = protocolOf(door) {
                    HTTPConnection(patience: patience, member: member, clock: clock)
                }
                do {
                    try channel.pipeline.syncOperations.addHandler(HTTPByteMeter(meter))
                } catch {
                    registry.remove(member)
                    return channel.eventLoop.makeFailedFuture(error)
                }
                let ready = http.setup(channel: channel, logger: log)
                ready.whenFailure { _ in registry.remove(member) }
                return ready.map { value in
                    Task(executorPreference: executors[ObjectIdentifier(channel.eventLoop)]) {
                        await http.handle(value: value, logger: log)
                        registry.remove(member)
                    }
                }
            }
    }

    private static func patience(_ configuration: ServerConfiguration) -> HTTPConnection.Patience {
        HTTPConnection.Patience(
            request: .milliseconds(Int64(configuration.http.requestMS)),
            idle: .milliseconds(Int64(configuration.http.idleMS)),
            write: .milliseconds(Int64(configuration.limits.writeTimeoutMS)))
    }

    private static func protocolOf(
        _ door: HTTPDoor, _ connection: @escaping @Sendable () -> HTTPConnection
    ) -> HTTP1Channel {
        HTTP1Channel(
            responder: { request, writer, channel in try await door.answer(request, writer, channel) },
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [connection()],
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)))
    }

    /// Connections there are now.
    var connectionCount: Int { registry.count }

    /// Accepts no more, answers what was accepted; what is left after `milliseconds` is cut off. Blocks until the last
    /// connection has closed.
    ///
    /// - Returns: whether everything that was accepted was answered.
    func drain(milliseconds: Int) -> Bool {
        try? channel.close().wait()
        let isComplete = registry.drain(milliseconds: milliseconds, timers: timers)
        // The tasks of those that were cut off end on the event loops, which are about to end too.
        if !isComplete { _ = registry.drain(milliseconds: 1_000, timers: timers) }
        return isComplete
    }
}
