// A script of log operations that remembers what it attempted and what was promised, so that after any
// crash the log can be held to it: acknowledged ⊆ found ⊆ attempted, in order, batches whole, no LSN given
// twice.

import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

struct LogScript {
    struct Write: Hashable {
        var lsn: LSN
        var bodies: [[UInt8]]
    }

    static let incarnation = Incarnation(bytes: [UInt8](0..<16))
    static let directory = "log"
    /// Small, so that files roll and writes are flushed in pieces.
    static let options = LogOptions(rollBytes: 900, bufferBytes: 256)

    let disk: SimulatedFileSystem
    var log: LocalLog?
    /// Appended and not taken back, in order.
    var standing: [Write] = []
    /// Refused or taken back.
    var refused: [Write] = []
    /// Everything up to here was acknowledged as durable.
    var acknowledged = LSN.zero
    /// The greatest LSN that was told to anybody.
    var answered = LSN.zero
    var trimmed = LSN.zero
    var isCreated = false

    init(_ disk: SimulatedFileSystem) {
        self.disk = disk
    }

    static func bodies(_ lsn: LSN) -> [[UInt8]] {
        let frames = Int(lsn.value % 3) + 1
        return (0..<frames).map { frame in
            let word = SeededGenerator.mix(lsn.value &* 31 &+ UInt64(frame))
            return [UInt8](repeating: UInt8(truncatingIfNeeded: word >> 32), count: Int(word % 141))
        }
    }

    mutating func create() throws(DatabaseError) {
        try disk.ensureDirectory(Self.directory)
        log = try LocalLog.create(
            disk, directory: Self.directory, incarnation: Self.incarnation, saltSeed: 1, options: Self.options
        )
        isCreated = true
    }

    mutating func reopen(seed: UInt64 = 2) throws(DatabaseError) {
        log = nil
        log = try Self.open(disk, trimmed: trimmed, seed: seed)
    }

    static func open(_ disk: any FileSystem, trimmed: LSN, seed: UInt64 = 2) throws(DatabaseError) -> LocalLog
    {
        try LocalLog.open(
            disk, directory: directory, incarnation: incarnation, floor: LogFloor(checkpoint: trimmed),
            saltSeed: seed,
            options: options)
    }

    mutating func append() throws(DatabaseError) {
        guard let log else { return }
        let lsn = log.tail.nextLSN
        let write = Write(lsn: lsn, bodies: Self.bodies(lsn))
        // An LSN that was refused and never answered may be given again after a reopening.
        refused.removeAll { $0.lsn == lsn }
        do {
            _ = try log.append(lsn: lsn, timeMS: Int64(lsn.value) * 10, bodies: write.bodies)
        } catch {
            refused.append(write)
            guard error.kind == .diskFull else { throw error }
            return
        }
        standing.append(write)
    }

    mutating func sync() throws(DatabaseError) {
        guard let log else { return }
        do {
            acknowledged = try log.sync()
            answered = max(answered, acknowledged)
        } catch {
            guard error.kind == .diskFull else { throw error }
            let pending = standing.filter { $0.lsn > log.tail.durableLSN }
            try log.discardUnflushed(from: log.tail.durableLSN.next)
            let last = log.tail.lastLSN
            refused += pending.filter { $0.lsn > last }
            standing.removeAll { $0.lsn > last }
        }
    }

    /// Everything that a log does, in an order that meets most of its states.
    mutating func run() throws(DatabaseError) {
        try create()
        for round in 0..<3 {
            for _ in 0..<4 { try append() }
            try sync()
            try append()
            try log?.flush()
            try append()
            if round == 1 { try reserve() }
            try sync()
            if round == 1 {
                trimmed = LSN(acknowledged.value / 2)
                try log?.trim(upTo: trimmed)
            }
            if round == 0 { try close() }
            if round != 2 { try reopen(seed: UInt64(round) + 5) }
            try append()
        }
        try append()
        try sync()
        // A checkpoint took all of it: even the newest file goes.
        trimmed = acknowledged
        try log?.trim(upTo: trimmed)
        try append()
        try append()
        try close()
    }

    private mutating func close() throws(DatabaseError) {
        guard let log else { return }
        let last = log.tail.lastLSN
        do {
            try log.close()
            acknowledged = max(acknowledged, last)
        } catch  where error.kind == .diskFull {
            // The writer goes without having acknowledged the rest.
            refused += standing.filter { $0.lsn > acknowledged }
            standing.removeAll { $0.lsn > acknowledged }
        }
        self.log = nil
        if log.tail.lastLSN > .zero { try reopen(seed: 77) }
    }

    private mutating func reserve() throws(DatabaseError) {
        guard let log else { return }
        let ceiling = LSN(log.tail.lastLSN.value + 5)
        do {
            try log.reserveLSNs(through: ceiling)
            answered = max(answered, ceiling)
        } catch  where error.kind == .diskFull {
            return
        }
    }

    // MARK: What must hold afterwards

    /// Opens what is left and compares it with what was promised.
    func verify(_ survivor: any FileSystem, _ context: @autoclosure () -> String) throws {
        guard isCreated else { return }
        let log = try Self.open(survivor, trimmed: trimmed, seed: 99)
        let found = try Self.writes(in: log, from: trimmed.next)
        check(found, context())
        #expect(log.tail.nextLSN > answered, "\(context()): LSN \(log.tail.nextLSN) was answered before")
        // And the log goes on.
        let lsn = log.tail.nextLSN
        _ = try log.append(lsn: lsn, timeMS: 0, bodies: [[1, 2, 3]])
        #expect(try log.sync() == lsn)
        let again = try Self.open(survivor, trimmed: trimmed, seed: 100)
        let expected = found + [Write(lsn: lsn, bodies: [[1, 2, 3]])]
        #expect(try Self.writes(in: again, from: trimmed.next) == expected, "\(context())")
    }

    private func check(_ found: [Write], _ context: @autoclosure () -> String) {
        let needed = standing.filter { $0.lsn > trimmed }
        let kept = found.filter { !refused.contains($0) }
        #expect(kept == Array(needed.prefix(kept.count)), "\(context()): not a prefix of what was written")
        let lost = needed.dropFirst(kept.count).filter { $0.lsn <= acknowledged }
        #expect(lost.isEmpty, "\(context()): acknowledged writes \(lost.map(\.lsn)) are lost")
    }

    static func writes(in log: LocalLog, from lsn: LSN) throws(DatabaseError) -> [Write] {
        var found: [Write] = []
        var isOpen = false
        try log.replay(from: lsn) { (frame, body) throws(DatabaseError) in
            #expect(frame.isFirst == !isOpen)
            if frame.isFirst { found.append(Write(lsn: frame.lsn, bodies: [])) }
            #expect(found.last?.lsn == frame.lsn)
            found[found.count - 1].bodies.append(body.withUnsafeBytes { Array($0) })
            isOpen = !frame.isCommit
        }
        #expect(!isOpen, "the last write has its commit frame")
        return found
    }
}
