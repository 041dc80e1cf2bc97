// Load at a fixed rate: requests leave when they are due, whether or not earlier ones are answered, and latency counts
// from when a request was due. So a server that stands still for a while is seen to (no coordinated omission).

import Glibc
import NeedleCore

struct PacedLoop {
    let connection: Connection
    let lines: RequestLines
    /// Requests a second.
    let rate: Int
    /// The server reads no further than so many open requests; beyond it the loop waits, and the clock runs.
    private static let mostInFlight = 200

    func run(seconds: Double, into measurement: inout Measurement) throws {
        let interval = 1_000_000_000 / UInt64(rate)
        let total = Int(seconds * Double(rate))
        var due = [UInt64](repeating: 0, count: lines.count)
        var time = now() + interval
        var sent = 0
        var answered = 0
        while answered < total {
            let maySend = sent < total && sent - answered < min(Self.mostInFlight, lines.count)
            if maySend, now() >= time {
                due[sent % lines.count] = time
                try lines.send(1, from: sent % lines.count, on: connection)
                sent += 1
                time += interval
                continue
            }
            guard try readable(until: maySend ? time : now() + 1_000_000_000) else { continue }
            answered += try connection.receive { reply in
                guard !reply.isError else { _ = try reply.result(); return }
                measurement.record(latency: now() - due[reply.id], took: reply.tookMicroseconds)
            }
        }
    }

    /// Waits until there is something to read (true) or the time has come (false).
    private func readable(until end: UInt64) throws -> Bool {
        let time = now()
        let left = end > time ? end - time : 0
        var limit = timespec(tv_sec: Int(left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
        // poll knows milliseconds only.
        var waiting = fd_set()
        let descriptor = Int(connection.descriptor)
        withUnsafeMutableBytes(of: &waiting) { $0[descriptor / 8] |= 1 << (descriptor % 8) }
        let count = pselect(connection.descriptor + 1, &waiting, nil, nil, &limit, nil)
        guard count >= 0 else { throw Failure(description: "pselect failed: \(systemError())") }
        return count > 0
    }
}
