import Synchronization

/// The connections there are, and how many there may be. Safe to use from any thread.
final class ConnectionRegistry: Sendable {
    let limit: Int
    private let state = Mutex(State())

    private struct State {
        var connections: [ObjectIdentifier: Connection] = [:]
        var isDraining = false
        var onEmpty: (@Sendable () -> Void)?
    }

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { state.withLock { $0.connections.count } }

    /// - Returns: false when there are too many already, or the server stops.
    func add(_ connection: Connection) -> Bool {
        state.withLock { state in
            guard !state.isDraining, state.connections.count < limit else { return false }
            state.connections[ObjectIdentifier(connection)] = connection
            return true
        }
    }

    func remove(_ connection: Connection) {
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
        let connections = state.withLock { state -> [Connection] in
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
}
