// A few connections to one server: opened when first needed, opened again (after a pause that grows) when
// lost.

import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The pause before the next attempt to connect, as a pure value.
package struct ReconnectBackoff: Sendable {
    private var failures = 0

    package init() {}

    package mutating func succeeded() {
        failures = 0
    }

    /// Notes a failed attempt; the pause before the next.
    package mutating func failed(policy: RetryPolicy, jitter: Double) -> Duration {
        failures += 1
        // At least half the ceiling, so that many clients do not hammer a server that just came up.
        return policy.delay(attempt: failures, jitter: 0.5 + jitter / 2)
    }
}

/// The connections of one client. Safe to use from any thread.
final class ConnectionPool: Sendable {
    private enum Slot {
        case idle
        case opening(EventLoopFuture<ServerConnection>)
        case open(ServerConnection)
    }

    private struct State {
        var slots: [Slot]
        var backoff = ReconnectBackoff()
        var notBefore: ContinuousClock.Instant?
        /// The latest greeting; nil until a server was reached for the first time.
        var greeting: ServerGreeting?
        var isClosed = false
    }

    private let configuration: ClientConfiguration
    private let group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    private let state: Mutex<State>

    init(_ configuration: ClientConfiguration) {
        self.configuration = configuration
        state = Mutex(State(slots: Array(repeating: .idle, count: max(configuration.connections, 1))))
    }

    deinit {
        close()
    }

    /// Whether this pool has ever been greeted by a server.
    var everConnected: Bool { state.withLock { $0.greeting != nil } }

    /// What the server said when it was last reached.
    var greeting: ServerGreeting? { state.withLock { $0.greeting } }

    /// The least busy open connection; opens one when there is none, or when all are busy and there is room.
    ///
    /// - Throws: ``NeedletailError`` of kind `connectionFailed` or `clientClosed`, or `CancellationError`.
    func connection(before deadline: ContinuousClock.Instant?) async throws -> ServerConnection {
        while true {
            switch state.withLock({ choose(&$0) }) {
            case .use(let connection): return connection
            case .await(let opening): return try await opening.cancellableValue()
            case .pause(let until):
                if let deadline, until >= deadline {
                    throw NeedletailError(
                        .connectionFailed, "no connection to \(configuration.address) within the time-out")
                }
                try await Task.sleep(until: until, clock: .continuous)
            case .closed: throw NeedletailError(.clientClosed, "the client was closed")
            }
        }
    }

    /// The first open connection: always the same one while it lives, so that writes sent over it keep their
    /// order.
    var openConnection: ServerConnection? {
        state.withLock { state in
            for case .open(let connection) in state.slots where connection.isActive { return connection }
            return nil
        }
    }

    /// Lets open requests finish, then closes.
    func drain() async {
        let connections = takeAll()
        let drained = connections.map { $0.drain() }
        for future in drained { try? await future.get() }
    }

    /// Closes at once.
    func close() {
        for connection in takeAll() { connection.close() }
    }

    private func takeAll() -> [ServerConnection] {
        state.withLock { state in
            state.isClosed = true
            var connections: [ServerConnection] = []
            for index in state.slots.indices {
                switch state.slots[index] {
                case .open(let connection): connections.append(connection)
                case .opening(let future): future.whenSuccess { $0.close() }
                case .idle: break
                }
                state.slots[index] = .idle
            }
            return connections
        }
    }

    private enum Choice: Sendable {
        case use(ServerConnection)
        case await(EventLoopFuture<ServerConnection>)
        case pause(until: ContinuousClock.Instant)
        case closed
    }

    private func choose(_ state: inout State) -> Choice {
        if state.isClosed { return .closed }
        var best: ServerConnection?
        var opening: EventLoopFuture<ServerConnection>?
        var vacant: Int?
        for index in state.slots.indices {
            switch state.slots[index] {
            case .open(let connection) where connection.isActive:
                if best.map({ connection.load < $0.load }) ?? true { best = connection }
            case .open:
                state.slots[index] = .idle
                vacant = index
            case .opening(let future): opening = future
            case .idle: vacant = vacant ?? index
            }
        }
        if let best, best.load == 0 || vacant == nil { return .use(best) }
        if let vacant, opening == nil, state.notBefore.map({ $0 <= .now }) ?? true {
            let future = open(slot: vacant, &state)
            return best.map(Choice.use) ?? .await(future)
        }
        if let best { return .use(best) }
        if let opening { return .await(opening) }
        return .pause(until: state.notBefore ?? .now)
    }

    /// Begins to connect. Called with the lock held; the future is completed on an event loop, never here.
    private func open(slot: Int, _ state: inout State) -> EventLoopFuture<ServerConnection> {
        let loop = group.next()
        let opened = loop.makePromise(of: ServerConnection.self)
        state.slots[slot] = .opening(opened.futureResult)
        let (configuration, logger) = (configuration, configuration.logger)
        loop.execute { [weak self] in
            let future = ServerConnection.connect(configuration, on: loop) {
                logger.debug("connection closed", metadata: ["server": "\(configuration.address)"])
            }
            future.whenComplete { [weak self] result in
                if let self {
                    self.settle(slot: slot, result)
                } else if case .success(let connection) = result {
                    connection.close()
                }
                opened.completeWith(result)
            }
        }
        return opened.futureResult
    }

    private func settle(slot: Int, _ result: Result<ServerConnection, any Error>) {
        let logger = configuration.logger
        state.withLock { state in
            switch result {
            case .success(let connection):
                logger.debug("connected", metadata: ["server": "\(configuration.address)"])
                state.greeting = connection.greeting
                state.backoff.succeeded()
                state.notBefore = nil
                if state.isClosed {
                    connection.close()
                } else {
                    state.slots[slot] = .open(connection)
                }
            case .failure(let error):
                let pause = state.backoff.failed(
                    policy: configuration.retry, jitter: Double.random(in: 0...1))
                logger.debug("cannot connect", metadata: ["error": "\(error)", "pause": "\(pause)"])
                state.notBefore = .now + pause
                state.slots[slot] = .idle
            }
        }
    }
}

extension EventLoopFuture where Value: Sendable {
    /// The value, or `CancellationError` as soon as the task is cancelled. The work behind the future goes
    /// on.
    func cancellableValue() async throws -> Value {
        let waiter = eventLoop.makePromise(of: Value.self)
        whenComplete { waiter.completeWith($0) }
        return try await withTaskCancellationHandler {
            try await waiter.futureResult.get()
        } onCancel: {
            waiter.fail(CancellationError())
        }
    }
}
