import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// A log that failed is replaced while the collection serves (invariant 7): nothing acknowledged is lost, what was
/// refused is wholly there or wholly absent.
@Suite struct LogReopeningTests {
    /// A collection with an acknowledged batch, and one whose sync failed.
    private func failed(
        _ kind: FaultKind = .ioError, durability: Durability = .fsync
    ) throws -> TestDatabase {
        let database = try TestDatabase()
        let collection = try database.create(size: 1, durability: durability)
        try collection.upsert([point(1, [1]), point(2, [1])])
        // The write to the file is the first operation, its sync the second.
        database.disk.plan(Fault(kind, at: durability == .fsync ? 2 : 1))
        let error = #expect(throws: DatabaseError.self) {
            try collection.upsert([point(3, [1]), point(4, [1])])
        }
        #expect(error?.kind == (kind == .diskFull ? .diskFull : .storageFailed))
        return database
    }

    private func ids(_ database: TestDatabase) throws -> [UInt64] {
        try database.collection().scrollAll().map { record in
            guard case .integer(let number) = record.id else { return 0 }
            return number
        }
    }

    private func state(_ database: TestDatabase) -> CollectionState? {
        database.database.summaries().first?.state
    }

    @Test(arguments: [FaultKind.ioError, .diskFull])
    func writesGoOnWithoutARestart(kind: FaultKind) throws {
        let database = try failed(kind)
        let collection = try database.collection()
        #expect(throws: DatabaseError.self) { try collection.upsert([point(5, [1])]) }
        #expect(try ids(database) == [1, 2], "reads go on and show what was acknowledged")
        let summary = try #require(database.database.summaries().first)
        #expect(summary.state == .degraded)
        #expect(summary.reason?.contains("writes are refused") == true)

        database.settle()
        #expect(state(database) == .ready)
        #expect(try ids(database) == [1, 2, 3, 4], "the batch is whole")
        let receipt = try collection.upsert([point(3, [1]), point(6, [1])])
        #expect(receipt.created == 1 && receipt.updated == 1)
        var generator = SeededGenerator(seed: 1)
        try database.crash(LossModel.none, using: &generator)
        #expect(try ids(database) == [1, 2, 3, 4, 6])
    }

    @Test func whatWasNotSyncedIsNotTakenFromTheFileThatFailed() throws {
        // The pages count as clean: a sync of the old file, or a copy that is not synced, would lose them.
        let database = try failed()
        database.settle()
        var generator = SeededGenerator(seed: 2)
        try database.crash(LossModel.none, using: &generator)
        #expect(try ids(database) == [1, 2, 3, 4])
    }

    @Test func deletionsAndRepeatsOfARefusedWriteAreRight() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        try collection.upsert((0..<6 as Range<UInt64>).map { point($0, [1]) })
        database.disk.plan(Fault(.ioError, at: 3))
        #expect(throws: DatabaseError.self) {
            // Two writes of one group, then the sync.
            let writes = try [
                collection.prepare(
                    .delete(.ids([PointID(1)])), model: nil, opKey: Array("a".utf8), context: .init()),
                collection.prepare(
                    .upsert([point(2, [1], #"{"n":1}"#)], ifAbsent: false), model: nil, opKey: nil,
                    context: .init()),
            ]
            for result in collection.commit(writes) { _ = try result.get() }
        }
        #expect(try ids(database) == [0, 1, 2, 3, 4, 5])
        database.settle()
        for _ in 0..<2 {
            #expect(try ids(database) == [0, 2, 3, 4, 5])
            #expect(try database.collection().count() == 5)
            let again = try database.collection().prepare(
                .delete(.ids([PointID(1)])), model: nil, opKey: Array("a".utf8), context: .init())
            #expect(try database.collection().commit([again])[0].get().deleted == 1, "the first answer")
            try database.reopen()
        }
    }

    @Test(arguments: [Durability.os, .memory])
    func writesThatCountBeforeTheyAreSyncedAreKept(durability: Durability) throws {
        let database = try failed(durability: durability)
        #expect(try ids(database) == [1, 2])
        database.settle()
        #expect(state(database) == .ready)
        try database.collection().upsert([point(7, [1])])
        var generator = SeededGenerator(seed: 3)
        try database.crash(nil, using: &generator)
        #expect(try ids(database) == [1, 2, 7])
    }

    @Test func aDeviceThatStaysAwayIsAskedAgainWithPauses() throws {
        let database = try failed()
        database.disk.plan(Fault(.ioError, at: 1, isPermanent: true))
        var asked: [Int64] = []
        for second in 0..<200 as Range<Int64> {
            let before = database.disk.operationCount
            database.settle()
            if database.disk.operationCount > before { asked.append(second) }
            #expect(state(database) == .degraded)
            #expect(try ids(database) == [1, 2])
            database.clock.advance(1_000)
        }
        #expect(asked.count < 20, "asked at \(asked)")
        #expect(zip(asked, asked.dropFirst()).map { $1 - $0 }.max() == 30)
        let pause = try #require(database.database.maintenancePause)
        #expect(pause <= 30_000_000_000)
        database.disk.plan()
        database.clock.advance(30_000)
        database.settle()
        #expect(state(database) == .ready)
        #expect(try ids(database) == [1, 2, 3, 4])
    }

    /// Each operation of the reopening fails once or for good, or is the last one before the power goes.
    @Test(arguments: [FaultKind.crash, .ioError, .diskFull, .shortWrite], [false, true])
    func everyOperationOfTheReopening(kind: FaultKind, isPermanent: Bool) throws {
        var point = 1
        while true {
            let database = try failed()
            database.disk.plan(Fault(kind, at: point, isPermanent: isPermanent))
            database.settle()
            let isOver = database.disk.operationCount < point
            database.disk.plan()
            var acknowledged: Set<UInt64> = [1, 2]
            if kind != .crash {
                database.clock.advance(1_000)
                database.settle()
                #expect(state(database) == .ready, "\(kind) at \(point)")
                try database.collection().upsert([NeedleEngineTests.point(9, [1])])
                acknowledged.formUnion([3, 4, 9])
            }
            for model in [LossModel.none, .anySubset, .tornSectors] {
                let copy = database.disk.clone()
                var generator = SeededGenerator(seed: UInt64(point))
                copy.crash(model, using: &generator)
                let survivor = try TestDatabase(disk: copy)
                let found = Set(try ids(survivor))
                #expect(found.isSuperset(of: acknowledged), "\(kind) at \(point), \(model): \(found)")
                #expect(found.contains(3) == found.contains(4), "\(kind) at \(point), \(model): half a batch")
                #expect(found.isSubset(of: [1, 2, 3, 4, 9]))
            }
            if isOver { break }
            point += 1
        }
        #expect(point > 8, "the reopening has operations: \(point)")
    }
}
