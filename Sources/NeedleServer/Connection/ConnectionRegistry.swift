import NIOCore
import Synchronization

/// A connection as those see it who end it. Safe to use from any thread.
protocol OpenConnection: AnyObject, Sendable {
    /// The server stops: what was accepted is answered, then the connection closes.
    func drain()
    /// Time is up.
    func close()
}

/// The connections there are, and how many there may be. Safe to use from any thread.
final class ConnectionRegistry: Sendable {
    let limit: Int
    private let state = Mutex(State())

    private struct State {
        var connections: [ObjectIdentifier: any OpenConnection] = [:]
        var isDraining = false
        var onEmpty: (@Sendable () -> Void)?
    }

    init(limit: Int) {
        self.limit = limit
    }

    var members: [any OpenConnection] { state.withLock { Array($0.connections.values) } }

    var count: Int { state.withLock { $0.connections.count } }

    /// - Returns: false when there are too many already, or the server stops.
    func add(_ connection: any OpenConnection) -> Bool {
        state.withLock { state in
            guard !state.isDraining, state.connections.count < limit else { return false }
            state.connections[ObjectIdentifier(connection)] = connection
            return true
        }
    }

    func remove(_ connection: any OpenConnection) {
        let onEmpty = state.withLock { state -> (@Sendable () -> Void)? in
            state.connections[ObjectIdentifier(connection)] = nil
            guard state.connections.isEmpty else { return nil }
            defer { state.onEmpty = nil }
            return state.onEmpty
        }
        onEmpty?()
    }

    /// Admits no more, asks all to finish, and calls back when the last has.
    func drain(_ onEmpty: @escaping @Sendable () -> Void) {
        let connections = state.withLock { state -> [any OpenConnection] in
            state.isDraining = true
            if !state.connections.isEmpty { state.onEmpty = onEmpty }
            return Array(state.connections.values)
        }
        if connections.isEmpty { return onEmpty() }
        for connection in connections { connection.drain() }
    }

    func closeAll() {
        for connection in state.withLock({ Array($0.connections.values) }) { connection.close() }
    }

    /// Admits no more and asks all to finish; what is left after `milliseconds` is cut off. Blocks until the last one has
    /// gone.
    ///
    /// - Parameter timers: runs a timer; not the thread that calls.
    /// - Returns: whether none was cut off.
    func drain(milliseconds: Int, timers: any EventLoop) -> Bool {
        let drained = timers.makePromise(of: Bool.self)
        let timer = timers.scheduleTask(in: .milliseconds(Int64(milliseconds))) {
            drained.succeed(false)
            self.closeAll()
        }
        drain { drained.succeed(true) }
        let isComplete = (try? drained.futureResult.wait()) ?? false
        timer.cancel()
        return isComplete
    }
}
