// The protocol side of one connection as a pure state machine: what to write, whom to answer. No sockets, no
// clocks, no locks; the connection's event loop feeds it and carries out the actions, and tests do the same
// without a socket.
//
// Invariants:
// - every submitted waiter is completed exactly once;
// - at most `inFlight - 1` requests are open on the server, so that there is always room for a
//   `server.cancel`;
// - a request that nobody waits for any more still counts as open until its answer has come;
// - requests leave in the order in which they were submitted.

/// Matches answers to requests on one connection.
package struct RequestCorrelator<Waiter: Sendable>: Sendable {
    /// What the connection must do now, in this order.
    package enum Action: Sendable {
        case write([UInt8])
        case succeed(Waiter, [UInt8])
        case fail(Waiter, NeedletailError)
        case report(Waiter, Progress)
        case greeted(ServerGreeting)
        /// Close the connection; nothing more will come.
        case close
    }

    private enum State {
        case awaitingGreeting
        case ready(ServerGreeting)
        /// No new requests; closes when the last answer has come.
        case draining
        case closed(NeedletailError)
    }

    private struct Queued {
        var id: Int64
        var line: [UInt8]
        var waiter: Waiter
    }

    private var state = State.awaitingGreeting
    private var queue: [Queued] = []
    private var queueHead = 0
    /// Open requests; `nil` when nobody waits for the answer any more.
    private var open: [Int64: Waiter?] = [:]
    private var cancels: [Int64] = []
    private var inFlightLimit = 1

    package init() {}

    /// Requests written and not answered, cancellations included.
    package var openCount: Int { open.count }
    /// Requests accepted but not yet written.
    package var queuedCount: Int { queue.count - queueHead }

    /// Accepts a request. `id` is positive and unique on this connection; `line` ends with a newline.
    package mutating func submit(id: Int64, line: [UInt8], waiter: Waiter) -> [Action] {
        precondition(id > 0, "negative ids belong to cancellations")
        switch state {
        case .awaitingGreeting, .ready:
            queue.append(Queued(id: id, line: line, waiter: waiter))
            return flush()
        case .draining:
            return [.fail(waiter, NeedletailError(.clientClosed, "the connection is being closed"))]
        case .closed(let error):
            return [.fail(waiter, error.unsent())]
        }
    }

    /// Stops waiting for a request (cancelled or timed out): its waiter fails with `error`, the server is
    /// asked to stop. Unknown ids are ignored: the answer was quicker.
    package mutating func abandon(id: Int64, error: NeedletailError) -> [Action] {
        if let index = queue[queueHead...].firstIndex(where: { $0.id == id }) {
            return [.fail(queue.remove(at: index).waiter, error.unsent())] + closeIfDrained()
        }
        guard case .some(.some(let waiter)) = open[id] else { return [] }
        open[id] = .some(nil)
        cancels.append(id)
        var error = error
        error.mayHaveBeenExecuted = true
        return [.fail(waiter, error)] + flush()
    }

    /// Takes in a message of the server.
    package mutating func receive(_ message: ServerMessage) -> [Action] {
        switch message {
        case .greeting(let greeting): return greet(greeting)
        case .result(let id, let result):
            guard let entry = open.removeValue(forKey: id) else { return [] }
            let answer = entry.map { [Action.succeed($0, result)] } ?? []
            return answer + flush() + closeIfDrained()
        case .failure(let id?, let error):
            guard let entry = open.removeValue(forKey: id) else { return [] }
            let answer = entry.map { [Action.fail($0, error)] } ?? []
            return answer + flush() + closeIfDrained()
        case .failure(nil, let error):
            // It belongs to one of the open requests, and nobody can say to which: none of them will ever be
            // matched safely.
            var lost = error
            lost.message = "the server could not read a request: \(error.message)"
            lost.mayHaveBeenExecuted = true
            return fail(lost) + [.close]
        case .progress(let id, let progress):
            guard case .some(.some(let waiter)) = open[id] else { return [] }
            return [.report(waiter, progress)]
        case .other: return []
        }
    }

    /// The connection is gone. Requests that were never written fail as not executed, open ones as perhaps
    /// executed.
    package mutating func connectionClosed(_ error: NeedletailError) -> [Action] {
        if case .closed = state { return [] }
        return fail(error)
    }

    /// Refuses new requests and closes once everything accepted has been answered.
    package mutating func drain() -> [Action] {
        switch state {
        case .awaitingGreeting:
            return fail(NeedletailError(.clientClosed, "the client was closed")) + [.close]
        case .ready:
            state = .draining
            return closeIfDrained()
        case .draining, .closed: return []
        }
    }

    private mutating func greet(_ greeting: ServerGreeting) -> [Action] {
        guard case .awaitingGreeting = state else { return [] }
        guard greeting.protocolVersions.contains(1) else {
            let error = NeedletailError(
                .invalidReply, "the server speaks protocol \(greeting.protocolVersions), this client 1")
            return fail(error) + [.close]
        }
        state = .ready(greeting)
        inFlightLimit = greeting.inFlight
        return [.greeted(greeting)] + flush()
    }

    /// Writes as many cancellations and waiting requests as the server's limit allows.
    private mutating func flush() -> [Action] {
        switch state {
        case .awaitingGreeting, .closed: return []
        case .ready, .draining: break
        }
        var actions: [Action] = []
        while !cancels.isEmpty, open.count < max(inFlightLimit, 2) {
            let id = cancels.removeFirst()
            guard open[id] != nil else { continue }
            open[-id] = .some(nil)
            actions.append(.write(Self.cancellation(of: id)))
        }
        while queueHead < queue.count, open.count < max(inFlightLimit - 1, 1) {
            let request = queue[queueHead]
            queueHead += 1
            open[request.id] = .some(request.waiter)
            actions.append(.write(request.line))
        }
        if queueHead > 64 || queueHead == queue.count {
            queue.removeFirst(queueHead)
            queueHead = 0
        }
        return actions
    }

    private static func cancellation(of id: Int64) -> [UInt8] {
        Array(
            "{\"jsonrpc\":\"2.0\",\"id\":\(-id),\"method\":\"server.cancel\",\"params\":{\"id\":\(id)}}\n"
                .utf8)
    }

    private mutating func closeIfDrained() -> [Action] {
        guard case .draining = state, open.isEmpty, queuedCount == 0 else { return [] }
        state = .closed(NeedletailError(.clientClosed, "the connection was closed"))
        return [.close]
    }

    private mutating func fail(_ error: NeedletailError) -> [Action] {
        state = .closed(error)
        var actions: [Action] = []
        for (_, waiter) in open.sorted(by: { $0.key < $1.key }) {
            guard let waiter else { continue }
            var sent = error
            sent.mayHaveBeenExecuted = true
            actions.append(.fail(waiter, sent))
        }
        for request in queue[queueHead...] { actions.append(.fail(request.waiter, error.unsent())) }
        open = [:]
        queue = []
        queueHead = 0
        cancels = []
        return actions
    }
}

extension NeedletailError {
    /// The same failure for a request that never left.
    func unsent() -> NeedletailError {
        var error = self
        error.mayHaveBeenExecuted = false
        return error
    }
}
