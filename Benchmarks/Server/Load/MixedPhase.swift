// Searches at a fixed rate, with and without writes at a fixed rate on a connection of their own, by turns.

import Glibc
import NeedleCore
import Synchronization

/// New points written while searches run: stored rows, each moved a little.
final class Writer: Sendable {
    static let batch = 100

    private struct State {
        var stopping = false
        var failure: String?
        var acknowledgements = Measurement()
    }

    private let state = Mutex(State())
    private let rate: Int
    private let collection: String

    init(rate: Int, collection: String) {
        self.rate = rate
        self.collection = collection
    }

    /// Writes the batches one after the other, each when it is due, until stopped or through.
    func write(_ batches: [[StoredPoint]], host: String, port: UInt16) {
        do {
            let connection = try Connection(host: host, port: port)
            var writer = JSONWriter()
            var due = now()
            for (number, batch) in batches.enumerated() where !state.withLock({ $0.stopping }) {
                writer.reset()
                Import.encode(batch, collection: collection, id: number, into: &writer)
                let time = now()
                if due > time { usleep(UInt32((due - time) / 1_000)) }
                try writer.bytes.withUnsafeBytes { try connection.send($0) }
                try connection.receiveOne(Import.checkDurable)
                let latency = now() - due
                state.withLock { $0.acknowledgements.record(latency: latency, took: nil) }
                due += UInt64(Self.batch) * 1_000_000_000 / UInt64(rate)
            }
        } catch {
            state.withLock { $0.failure = "\(error)" }
        }
    }

    func stop() { state.withLock { $0.stopping = true } }

    /// After the end: how long acknowledgements took, from when each write was due.
    func acknowledgements() throws -> Measurement {
        let (measurement, failure) = state.withLock { ($0.acknowledgements, $0.failure) }
        if let failure { throw Failure(description: "writing failed: \(failure)") }
        return measurement
    }
}

struct MixedPhase {
    let phases: SearchPhases
    let data: VectorData
    static let rounds = 2

    /// - Returns: the figures, and the points written, which belong to the truth from now on.
    func run(on connection: Connection) throws -> (JSONValue, [StoredPoint]) {
        let options = phases.options
        let loop = PacedLoop(connection: connection, lines: phases.singles(), rate: options.searchRate)
        var idle = Measurement()
        var mixed = Measurement()
        var written: [StoredPoint] = []
        var acknowledged = 0
        var p99 = 0.0
        var writing = 0.0
        for round in 0..<Self.rounds {
            try idle.accounted(server: options.serverProcess) { idle in
                try loop.run(seconds: options.seconds, into: &idle)
            }
            let batches = newPoints(round: round)
            let writer = Writer(rate: options.writeRate, collection: options.collection)
            let (host, port) = (options.host, options.port)
            let start = now()
            let thread = Worker { writer.write(batches, host: host, port: port) }
            try mixed.accounted(server: options.serverProcess) { mixed in
                try loop.run(seconds: options.seconds, into: &mixed)
            }
            writer.stop()
            thread.join()
            writing += seconds(since: start)
            let measured = try writer.acknowledgements()
            written += batches.prefix(measured.answers).joined()
            acknowledged += measured.answers * Writer.batch
            p99 = max(p99, measured.latency(99))
            try settle(on: connection)
        }
        let figures: JSONValue = [
            "idle": idle.json(recall: nil), "while_writing": mixed.json(recall: nil),
            "written_per_s": .figure(Double(acknowledged) / writing), "acknowledged_p99_us": .figure(p99),
        ]
        return (figures, written)
    }

    /// Batches enough for one round, with ids that nobody has. The vectors are stored ones, moved by a small part of
    /// their length.
    private func newPoints(round: Int) -> [[StoredPoint]] {
        let options = phases.options
        let count = Int(options.seconds * Double(options.writeRate)) / Writer.batch + 1
        var generator = SeededGenerator(seed: UInt64(round) + 1)
        let stored = options.stored(of: data.rows)
        return (0..<count).map { batch in
            (0..<Writer.batch).map { place in
                var vector = data.row(Int.random(in: stored, using: &generator))
                let size = (vector.reduce(0) { $0 + $1 * $1 } / Float(vector.count)).squareRoot() * 0.1
                for i in vector.indices { vector[i] += Float.random(in: -size...size, using: &generator) }
                let id = 1 << 32 + round * 1_000_000_000 + batch * Writer.batch + place
                return (UInt64(id), vector)
            }
        }
    }

    /// Waits until what was written is indexed, so that the next idle round is idle.
    private func settle(on connection: Connection) throws {
        for _ in 0..<1_200 {
            let state = try connection.call(
                "collection.get", ["collection": .string(phases.options.collection)])
            if state["points"] == state["indexed_points"] { return }
            usleep(50_000)
        }
    }
}
