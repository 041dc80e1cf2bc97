import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

@Suite struct LogTests {
    private let incarnation = LogScript.incarnation

    private func makeLog(_ options: LogOptions = LogOptions()) throws -> (SimulatedFileSystem, LocalLog) {
        let disk = SimulatedFileSystem()
        try disk.ensureDirectory("log")
        return (
            disk,
            try LocalLog.create(
                disk, directory: "log", incarnation: incarnation, saltSeed: 1, options: options)
        )
    }

    private func open(_ disk: SimulatedFileSystem, from checkpoint: LSN = .zero) throws(DatabaseError)
        -> LocalLog
    {
        try LocalLog.open(
            disk, directory: "log", incarnation: incarnation, floor: LogFloor(checkpoint: checkpoint),
            saltSeed: 2)
    }

    @Test func writesComeBackInOrderWithTheirFrames() throws {
        let (disk, log) = try makeLog(LogOptions(bufferBytes: 100))
        let bodies: [[[UInt8]]] = [[[1]], [[], [2, 3]], [Array(repeating: 7, count: 500), [8], [9, 9]]]
        for (index, body) in bodies.enumerated() {
            let lsn = LSN(UInt64(index) * 10 + 1)
            #expect(try log.append(lsn: lsn, timeMS: 5, bodies: body) == AppendedWrite(lsn: lsn, timeMS: 5))
        }
        #expect(try log.sync() == LSN(21))
        let expected = zip([1, 11, 21], bodies).map { LogScript.Write(lsn: LSN($0), bodies: $1) }
        #expect(try LogScript.writes(in: log, from: LSN(1)) == expected)
        #expect(try LogScript.writes(in: log, from: LSN(2)) == Array(expected.dropFirst()))
        #expect(try LogScript.writes(in: try open(disk), from: LSN(11)) == Array(expected.dropFirst()))
    }

    @Test func timeNeverGoesBackwards() throws {
        let (disk, log) = try makeLog()
        #expect(try log.append(lsn: LSN(1), timeMS: 100, bodies: [[]]).timeMS == 100)
        #expect(try log.append(lsn: LSN(2), timeMS: 50, bodies: [[]]).timeMS == 100)
        _ = try log.sync()
        let again = try open(disk)
        #expect(again.tail.lastTimeMS == 100)
        #expect(try again.append(lsn: LSN(3), timeMS: 1, bodies: [[]]).timeMS == 100)
        let floor = LogFloor(checkpoint: LSN(9), lastTimeMS: 777)
        let third = try LocalLog.open(
            disk, directory: "log", incarnation: incarnation, floor: floor, saltSeed: 3)
        #expect(third.tail.nextLSN == LSN(10))
        #expect(third.tail.lastLSN == LSN(9))
        #expect(try third.append(lsn: LSN(10), timeMS: 1, bodies: [[]]).timeMS == 777)
    }

    @Test func anOwnerWithAnOldEpochIsFenced() throws {
        let (_, log) = try makeLog()
        _ = try log.append(lsn: LSN(1), timeMS: 0, epoch: 7, bodies: [[]])
        let error = #expect(throws: DatabaseError.self) {
            try log.append(lsn: LSN(2), timeMS: 0, epoch: 6, bodies: [[]])
        }
        #expect(error?.kind == .conflict)
        _ = try log.append(lsn: LSN(2), timeMS: 0, epoch: 7, bodies: [[]])
    }

    @Test func aWriteThatItsCallerAbandonsLeavesNothing() throws {
        let (disk, log) = try makeLog(LogOptions(bufferBytes: 64))
        _ = try log.append(lsn: LSN(1), timeMS: 0, bodies: [[1]])
        #expect(throws: DatabaseError(.cancelled, "enough")) {
            try log.append(lsn: LSN(2), timeMS: 0, epoch: 0) { (sink) throws(DatabaseError) in
                for _ in 0..<20 { try sink.add(Array(repeating: UInt8(5), count: 30).span.bytes) }
                throw DatabaseError(.cancelled, "enough")
            }
        }
        #expect(log.tail.lastLSN == LSN(1))
        #expect(log.tail.nextLSN == LSN(3), "the LSN of an attempt is not given again")
        _ = try log.append(lsn: LSN(3), timeMS: 0, bodies: [[3]])
        _ = try log.sync()
        let found = try LogScript.writes(in: try open(disk), from: LSN(1))
        #expect(found.map(\.lsn) == [LSN(1), LSN(3)])
    }

    @Test func filesRollAndTrimDropsWhatIsNotNeeded() throws {
        let (disk, log) = try makeLog(LogOptions(rollBytes: 600, bufferBytes: 100))
        for lsn in 1...12 {
            _ = try log.append(lsn: LSN(UInt64(lsn)), timeMS: 0, bodies: [Array(repeating: 1, count: 200)])
            _ = try log.sync()
        }
        let names = try disk.list("log")
        #expect(names.count == 7)
        #expect(names.first == "00000000000000000001.log")
        #expect(try LogScript.writes(in: log, from: LSN(1)).count == 12)
        let before = log.tail.byteCount
        try log.trim(upTo: LSN(7))
        #expect(log.tail.byteCount < before)
        #expect(try disk.list("log").first == "00000000000000000007.log")
        let again = try open(disk, from: LSN(7))
        #expect(try LogScript.writes(in: again, from: LSN(8)).map(\.lsn.value) == [8, 9, 10, 11, 12])
        #expect(throws: DatabaseError.self) { _ = try open(disk, from: LSN(5)) }
        try again.trim(upTo: LSN(100))
        #expect(try disk.list("log") == ["00000000000000000013.log"], "only an empty one stays")
        #expect(again.tail.byteCount == 128)
        #expect(again.tail.nextLSN == LSN(13))
        #expect(try open(disk, from: LSN(12)).tail.nextLSN == LSN(13))
    }

    @Test func aMissingFileIsDamage() throws {
        let (disk, log) = try makeLog(LogOptions(rollBytes: 400))
        for lsn in 1...6 {
            _ = try log.append(lsn: LSN(UInt64(lsn)), timeMS: 0, bodies: [Array(repeating: 1, count: 300)])
            _ = try log.sync()
        }
        let names = try disk.list("log")
        #expect(names.count == 7)
        for name in names.dropLast() {
            let copy = disk.clone()
            try copy.unlink("log/\(name)")
            let error = #expect(throws: DatabaseError.self) { _ = try open(copy) }
            #expect(error?.kind == .corruption)
        }
        for name in names { try disk.unlink("log/\(name)") }
        #expect(throws: DatabaseError.self) { _ = try open(disk) }
    }

    @Test func answeredButLostLSNsAreNotGivenAgain() throws {
        let (disk, log) = try makeLog(LogOptions(rollBytes: 300))
        try log.reserveLSNs(through: LSN(1000))
        #expect(log.tail.reservedThrough == LSN(1000))
        #expect(log.tail.nextLSN == LSN(1), "a reservation uses nothing up while the log is open")
        for lsn in 1...5 {
            _ = try log.append(lsn: LSN(UInt64(lsn)), timeMS: 0, bodies: [Array(repeating: 1, count: 100)])
        }
        var generator = SeededGenerator(seed: 1)
        disk.crash(.none, using: &generator)
        let again = try open(disk)
        #expect(again.tail.nextLSN == LSN(1001))
        _ = try again.append(lsn: LSN(1001), timeMS: 0, bodies: [Array(repeating: 1, count: 300)])
        _ = try again.sync()
        // Also when the file with the reservation is gone.
        _ = try again.append(lsn: LSN(1002), timeMS: 0, bodies: [[]])
        _ = try again.sync()
        try again.trim(upTo: LSN(1001))
        #expect(try open(disk, from: LSN(1001)).tail.nextLSN == LSN(1003))
    }

    @Test func aClosedFileIsLeftAndAnUnclosedOneIsCopied() throws {
        let (disk, log) = try makeLog()
        _ = try log.append(lsn: LSN(1), timeMS: 0, bodies: [[1]])
        try log.close()
        #expect(throws: DatabaseError.self) { try log.append(lsn: LSN(2), timeMS: 0, bodies: [[1]]) }
        let closed = disk.content(of: "log/00000000000000000001.log")
        let second = try open(disk)
        #expect(try disk.list("log") == ["00000000000000000001.log", "00000000000000000002.log"])
        #expect(disk.content(of: "log/00000000000000000001.log") == closed)
        _ = try second.append(lsn: LSN(2), timeMS: 0, bodies: [[2]])
        _ = try second.sync()
        let unclosed = disk.content(of: "log/00000000000000000002.log")
        let third = try open(disk)
        #expect(try disk.list("log").count == 2)
        #expect(disk.content(of: "log/00000000000000000002.log") != unclosed, "another salt")
        #expect(try LogScript.writes(in: third, from: LSN(1)).map(\.bodies) == [[[1]], [[2]]])
    }

    @Test func aFailedSyncPoisonsAndTheNextOpeningTrustsOnlyTheDisk() throws {
        let (disk, log) = try makeLog()
        _ = try log.append(lsn: LSN(1), timeMS: 0, bodies: [[1]])
        _ = try log.sync()
        _ = try log.append(lsn: LSN(2), timeMS: 0, bodies: [[2]])
        try log.flush()
        disk.plan(Fault(.ioError, at: 1))
        #expect(throws: DatabaseError.self) { _ = try log.sync() }
        // The device works again, but the log must not say that LSN 2 is durable: its pages are marked clean.
        for _ in 0..<2 {
            let error = #expect(throws: DatabaseError.self) { _ = try log.sync() }
            #expect(error?.kind == .storageFailed)
        }
        #expect(throws: DatabaseError.self) { try log.append(lsn: LSN(3), timeMS: 0, bodies: [[3]]) }
        #expect(throws: DatabaseError.self) { try log.flush() }
        // A new opening reads LSN 2 from memory, copies it, and only then it is safe.
        let again = try open(disk)
        #expect(try LogScript.writes(in: again, from: LSN(1)).map(\.lsn.value) == [1, 2])
        var generator = SeededGenerator(seed: 1)
        disk.crash(.none, using: &generator)
        #expect(try LogScript.writes(in: try open(disk), from: LSN(1)).map(\.lsn.value) == [1, 2])
    }

    @Test func aFullDiskRefusesWritesAndLetsGoOnOnceThereIsSpace() throws {
        let (disk, log) = try makeLog(LogOptions(bufferBytes: 400))
        _ = try log.append(lsn: LSN(1), timeMS: 0, bodies: [[1]])
        _ = try log.sync()
        let size = disk.usedBytes
        disk.setCapacity(size + 300)
        let big = Array(repeating: UInt8(3), count: 150)
        let error = #expect(throws: DatabaseError.self) {
            try log.append(lsn: LSN(2), timeMS: 0, bodies: [big, big, big])
        }
        #expect(error?.kind == .diskFull)
        #expect(disk.usedBytes <= size, "what was written of it is cut off")
        _ = try log.append(lsn: LSN(3), timeMS: 0, bodies: [[3]])
        #expect(try log.sync() == LSN(3), "a small write still fits")
        _ = try log.append(lsn: LSN(4), timeMS: 0, bodies: [big])
        _ = try log.append(lsn: LSN(5), timeMS: 0, bodies: [big])
        #expect(throws: DatabaseError.self) { _ = try log.sync() }
        try log.discardUnflushed(from: LSN(5))
        #expect(try log.sync() == LSN(4), "what fits is kept")
        disk.setCapacity(.max)
        _ = try log.append(lsn: LSN(6), timeMS: 0, bodies: [big])
        #expect(try log.sync() == LSN(6))
        #expect(try LogScript.writes(in: try open(disk), from: LSN(1)).map(\.lsn.value) == [1, 3, 4, 6])
    }

    @Test func pendingWritesAreWrittenAgainOnceThereIsSpace() throws {
        let (disk, log) = try makeLog()
        disk.setCapacity(disk.usedBytes + 50)
        _ = try log.append(lsn: LSN(1), timeMS: 0, bodies: [Array(repeating: 1, count: 100)])
        #expect(throws: DatabaseError.self) { _ = try log.sync() }
        disk.setCapacity(.max)
        #expect(try log.sync() == LSN(1))
    }

    @Test func appendsGoOnWhileOthersSync() async throws {
        let (disk, log) = try makeLog(LogOptions(rollBytes: 20_000, bufferBytes: 500))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for lsn in 1...600 as ClosedRange<UInt64> {
                    _ = try log.append(lsn: LSN(lsn), timeMS: 0, bodies: LogScript.bodies(LSN(lsn)))
                }
            }
            for _ in 0..<3 {
                group.addTask {
                    var last = LSN.zero
                    while last < LSN(600) {
                        let now = try log.sync()
                        #expect(now >= last && now <= log.tail.lastLSN)
                        last = now
                    }
                }
            }
            try await group.waitForAll()
        }
        let expected = (1...600).map { LogScript.Write(lsn: LSN($0), bodies: LogScript.bodies(LSN($0))) }
        #expect(try LogScript.writes(in: log, from: LSN(1)) == expected)
        var generator = SeededGenerator(seed: 1)
        disk.crash(.none, using: &generator)
        #expect(try LogScript.writes(in: try open(disk), from: LSN(1)) == expected)
    }

    @Test func aSyncWithNothingNewTouchesNoDisk() throws {
        let (disk, log) = try makeLog()
        _ = try log.append(lsn: LSN(1), timeMS: 0, bodies: [[1]])
        _ = try log.sync()
        disk.plan()
        #expect(try log.sync() == LSN(1))
        #expect(disk.operationCount == 0)
    }

    @Test func handlesAreGivenBack() throws {
        let (disk, log) = try makeLog(LogOptions(rollBytes: 200))
        for lsn in 1...5 {
            _ = try log.append(lsn: LSN(UInt64(lsn)), timeMS: 0, bodies: [Array(repeating: 1, count: 100)])
            _ = try log.sync()
        }
        _ = try LogScript.writes(in: log, from: LSN(1))
        #expect(disk.openHandleCount == 1)
        try log.close()
        #expect(disk.openHandleCount == 0)
    }
}
