// Load with a fixed number of requests in flight: an answer lets the next request go. One thread serves all
// connections, answers that arrive together are answered by requests that leave together.

import Glibc
import NeedleCore

/// Requests in flight on some connections.
struct ClosedLoop {
    let connections: [Connection]
    /// On each connection.
    let inFlight: Int
    let lines: RequestLines
    private var next = 0
    private var sentAt: [UInt64]

    init(_ lines: RequestLines, over connections: [Connection], inFlight: Int) {
        precondition(connections.count * inFlight <= lines.count, "two requests in flight would have one id")
        self.lines = lines
        self.connections = connections
        self.inFlight = inFlight
        sentAt = Array(repeating: 0, count: lines.count)
    }

    /// Each line once; hands over the answers.
    mutating func once(_ body: (Reply) throws -> Void) throws {
        var open = 0
        var left = lines.count
        guard let connection = connections.first else { return }
        while left > 0 || open > 0 {
            let count = min(inFlight - open, left)
            try send(count, on: connection)
            open += count
            left -= count
            open -= try connection.receive(body)
        }
    }

    /// As long as it takes, then until everything is answered.
    mutating func run(seconds: Double, into measurement: inout Measurement) throws {
        let end = now() + UInt64(seconds * 1e9)
        var open = connections.map { _ in 0 }
        for index in connections.indices { try refill(index, &open) }
        var ending = false
        while open.contains(where: { $0 > 0 }) {
            for index in try ready() where open[index] > 0 {
                open[index] -= try take(index, &measurement)
                if !ending, now() < end {
                    try refill(index, &open)
                } else if !ending {
                    ending = true
                    for connection in connections { connection.wakeAfter(bytes: 1) }
                }
            }
        }
    }

    /// Lets the client sleep until about a quarter of the requests in flight is answered.
    func wakeSeldom(replyBytes: Int) {
        for connection in connections { connection.wakeAfter(bytes: max(1, inFlight / 4 * replyBytes)) }
    }

    private mutating func refill(_ index: Int, _ open: inout [Int]) throws {
        try send(inFlight - open[index], on: connections[index])
        open[index] = inFlight
    }

    private mutating func send(_ count: Int, on connection: Connection) throws {
        guard count > 0 else { return }
        let time = now()
        for place in 0..<count { sentAt[(next + place) % lines.count] = time }
        try lines.send(count, from: next, on: connection)
        next = (next + count) % lines.count
    }

    private func take(_ index: Int, _ measurement: inout Measurement) throws -> Int {
        var time: UInt64 = 0
        return try connections[index].receive { reply in
            if time == 0 { time = now() }
            guard !reply.isError else { _ = try reply.result(); return }
            measurement.record(latency: time - sentAt[reply.id], took: reply.tookMicroseconds)
        }
    }

    /// The connections that have something to read. With one there is no need to ask.
    private func ready() throws -> [Int] {
        guard connections.count > 1 else { return [0] }
        var waiting = connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        guard poll(&waiting, nfds_t(waiting.count), -1) > 0 else {
            throw Failure(description: "poll failed: \(systemError())")
        }
        return waiting.indices.filter { waiting[$0].revents != 0 }
    }
}
