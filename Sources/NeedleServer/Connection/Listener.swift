import NIOCore
package import NIOPosix
package import NeedleCore
package import NeedleWire

/// What the connections of a server share.
struct ConnectionEnvironment: Sendable {
    let limits: Limits
    let clock: any Clock
    let budget: ByteBudget
    let greeting: Greeting
    /// Who may speak; `nil`: everybody.
    let access: AccessControl?
    /// How long somebody may stay without having said who they are.
    let loginPatience: TimeAmount
    let decoder: RequestDecoder
    let executor: any RequestExecutor
    var registry: ConnectionRegistry
    /// By event loop.
    var polling: [ObjectIdentifier: LoopPolling]
    let metrics: ServerMetrics

    /// The same for another listener, whose connections are counted apart and whose sockets nobody polls.
    func beside(_ registry: ConnectionRegistry) -> ConnectionEnvironment {
        var other = self
        other.registry = registry
        other.polling = [:]
        return other
    }
}

extension ServerBootstrap {
    /// - Parameter key: of the configuration, for the error.
    /// - Returns: the socket, and where it listens: the port is the real one when 0 was asked for.
    /// - Throws: `storage_failed` when the address cannot be had.
    func bind(
        to listen: ListenAddress, _ key: String
    ) throws(DatabaseError) -> (channel: any Channel, address: ListenAddress) {
        do {
            let channel = try bind(host: listen.host, port: listen.port).wait()
            let port = channel.localAddress?.port ?? listen.port
            return (channel, ListenAddress(host: listen.host, port: port))
        } catch {
            throw DatabaseError(.storageFailed, "cannot listen on \(listen): \(error)", at: key)
        }
    }
}

/// A listening socket, perhaps another one for TLS, and their connections. Safe to use from any thread.
package final class Listener: Sendable {
    /// Where it listens; the port is the real one when 0 was asked for.
    package let address: ListenAddress
    /// Where it listens for TLS, if it does.
    package let tlsAddress: ListenAddress?
    private let channels: [any Channel]
    /// What its connections share.
    let environment: ConnectionEnvironment
    private var registry: ConnectionRegistry { environment.registry }
    private let timers: any EventLoop

    /// - Parameters:
    ///   - access: who may speak; `nil`: everybody.
    ///   - tls: what connections to `tls.listen` begin with.
    ///   - maximumConnections: what the process can have open, if that is less than the configuration says.
    /// - Throws: `storage_failed` when an address cannot be had.
    package static func start(
        _ executor: any RequestExecutor, group: MultiThreadedEventLoopGroup,
        configuration: ServerConfiguration,
        clock: any Clock, budget: ByteBudget, greeting: Greeting, access: AccessControl? = nil,
        tls: TLSContext? = nil, metrics: ServerMetrics = ServerMetrics(),
        maximumConnections: Int = .max
    ) throws(DatabaseError) -> Listener {
        let registry = ConnectionRegistry(limit: min(configuration.limits.connections, maximumConnections))
        // With one core, whoever is to send the next request could not run.
        let pollMicroseconds = ProcessSettings.cores > 1 ? configuration.pollMicroseconds : 0
        let polling = group.makeIterator().map { loop in
            (
                ObjectIdentifier(loop),
                LoopPolling(eventLoop: loop, clock: clock, microseconds: pollMicroseconds) { executor.isIdle }
            )
        }
        let environment = ConnectionEnvironment(
            limits: configuration.limits, clock: clock, budget: budget, greeting: greeting, access: access,
            loginPatience: .milliseconds(Int64(configuration.loginMS)),
            decoder: RequestDecoder(limits: configuration.limits), executor: executor, registry: registry,
            polling: Dictionary(uniqueKeysWithValues: polling), metrics: metrics)
        let backlog = configuration.backlog
        let plain = try bootstrap(group, environment, tls: nil, backlog: backlog)
            .bind(to: configuration.listen, "server.listen")
        guard let tls, let listen = configuration.tls.listen else {
            return Listener(plain, tls: nil, environment, timers: group.next())
        }
        do throws(DatabaseError) {
            let secure = try bootstrap(group, environment, tls: tls, backlog: backlog)
                .bind(to: listen, "tls.listen")
            return Listener(plain, tls: secure, environment, timers: group.next())
        } catch {
            plain.channel.close(promise: nil)
            throw error
        }
    }

    private init(
        _ plain: (channel: any Channel, address: ListenAddress),
        tls: (channel: any Channel, address: ListenAddress)?, _ environment: ConnectionEnvironment,
        timers: any EventLoop
    ) {
        address = plain.address
        tlsAddress = tls?.address
        channels = [plain.channel] + (tls.map { [$0.channel] } ?? [])
        self.environment = environment
        self.timers = timers
    }

    /// Reads are asked for one by one (`autoRead` off), receive buffers begin small and grow with what comes,
    /// and the channel buffers little of what is written: a connection that does nothing costs a few
    /// kilobytes.
    private static func bootstrap(
        _ group: MultiThreadedEventLoopGroup, _ environment: ConnectionEnvironment, tls: TLSContext?,
        backlog: Int
    ) -> ServerBootstrap {
        let buffers = AdaptiveRecvByteBufferAllocator(minimum: 1 << 10, initial: 2 << 10, maximum: 256 << 10)
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 2)
            .childChannelOption(.recvAllocator, value: buffers)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(tls.handler()) }
                    let connection = Connection(
                        eventLoop: channel.eventLoop, budget: environment.budget,
                        lineBytes: environment.limits.lineBytes)
                    let handler = ConnectionHandler(environment: environment, connection: connection)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
    }

    /// Connections there are now.
    package var connectionCount: Int { registry.count }

    /// Accepts no more, refuses new requests, answers accepted ones; what is left after `milliseconds` is cut
    /// off. Blocks until the last connection has closed.
    ///
    /// - Returns: whether everything that was accepted was answered.
    package func drain(milliseconds: Int) -> Bool {
        for channel in channels { try? channel.close().wait() }
        return registry.drain(milliseconds: milliseconds, timers: timers)
    }
}
