import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// A full disk stops what takes space and nothing else, loses nothing, and is over when there is room again.
@Suite struct FullDiskTests {
    private static let reserve = 4_096
    private static let lowWater = 20_000

    private func database(on disk: SimulatedFileSystem = SimulatedFileSystem()) throws -> TestDatabase {
        var options = TestDatabase.smallOptions
        options.reserveBytes = Self.reserve
        options.lowWaterBytes = Self.lowWater
        // No graphs: what takes time is not what fails here.
        options.exactRows = 10_000
        options.trainingRows = 10_000
        options.measureShare = 0
        return try TestDatabase(disk: disk, options: options)
    }

    private func fill(_ collection: Collection, _ ids: Range<UInt64>) throws {
        try collection.upsert(ids.map { point($0, [1, Float($0)], #"{"text":"some words of payload"}"#) })
    }

    private func summary(_ database: TestDatabase, _ name: String = "c") -> CollectionSummary? {
        database.database.summaries().first { $0.name == name }
    }

    private func setFree(_ bytes: Int, _ database: TestDatabase) {
        database.disk.setCapacity(database.disk.usedBytes + bytes)
        database.clock.advance(100)
    }

    @Test func belowTheLowWaterMarkOnlyNewDataIsRefused() throws {
        let database = try database()
        let collection = try database.create(size: 2)
        try database.create("other", size: 2)
        try fill(collection, 0..<50)
        setFree(Self.lowWater - 1, database)

        let error = try #require(throws: DatabaseError.self) { try fill(collection, 50..<60) }
        #expect(error.kind == .diskFull && error.kind.isRetryable)
        #expect(error.got == "\(Self.lowWater - 1) bytes")
        #expect(error.expected == "\(Self.lowWater * 9 / 8 + 2 * Self.reserve) bytes free")
        let creating = #expect(throws: DatabaseError.self) { try database.create("third", size: 2) }
        #expect(creating?.kind == .diskFull)
        #expect(summary(database)?.state == .degraded)
        #expect(summary(database)?.reason?.contains("\(Self.lowWater - 1) bytes are free") == true)
        #expect(database.database.maintenancePause.map { $0 <= 500_000_000 } == true, "somebody looks again")

        #expect(try collection.delete(.ids([PointID(7)])).deleted == 1)
        #expect(try collection.count() == 49)
        try database.database.dropCollection(named: "other")
        #expect(try database.disk.exists("db/RESERVE"), "nothing needed it")

        setFree(1 << 20, database)
        database.settle()
        #expect(summary(database)?.state == .ready)
        try fill(collection, 50..<60)
        try database.reopen()
        #expect(try database.collection().count() == 59)
    }

    @Test func whatFreesSpaceUsesTheReserve() throws {
        let database = try database()
        let collection = try database.create(size: 2)
        try database.create("other", size: 2)
        try fill(collection, 0..<300)
        _ = collection.optimize()
        database.settle()
        setFree(0, database)
        #expect(try collection.delete(.ids((0..<10).map { PointID($0) })).deleted == 10)
        #expect(!(try database.disk.exists("db/RESERVE")))
        try database.database.dropCollection(named: "other")
        let error = #expect(throws: DatabaseError.self) { try fill(collection, 300..<310) }
        #expect(error?.kind == .diskFull)
        setFree(1 << 20, database)
        database.settle()
        #expect(try database.disk.exists("db/RESERVE"))
        #expect(summary(database)?.state == .ready)
        try fill(collection, 300..<310)
        #expect(try collection.count() == 300)
    }

    @Test func onAFullDiskDeletionsAreSoonTurnedIntoSpace() throws {
        let database = try database()
        let collection = try database.create(size: 2)
        try fill(collection, 0..<2_000)
        _ = collection.optimize()
        database.settle()
        let before = database.disk.usedBytes
        // Less than dead_share (0.2), and room for the smaller file.
        setFree(before - 1_000, database)
        database.options.lowWaterBytes = before
        try database.reopen()
        #expect(summary(database)?.state == .degraded)
        try database.collection().delete(.ids((0..<200).map { PointID($0) }))
        database.settle()
        #expect(database.disk.usedBytes < before * 95 / 100)
        #expect(try database.collection().count() == 1_800)
    }

    @Test func aServerStartsOnAFullDiskAndServes() throws {
        let disk = SimulatedFileSystem()
        do {
            let database = try database(on: disk)
            try fill(try database.create(size: 2), 0..<50)
        }
        disk.killProcess()
        disk.setCapacity(disk.usedBytes)
        // The log needs a new file, which takes the reserve.
        let database = try database(on: disk)
        #expect(try database.collection().count() == 50)
        #expect(summary(database)?.state == .degraded)
        #expect(throws: DatabaseError.self) { try fill(try database.collection(), 50..<51) }
        setFree(1 << 20, database)
        try fill(try database.collection(), 50..<51)
        #expect(try database.collection().count() == 51)
    }

    @Test func aCollectionThatCannotBeOpenedForLackOfSpaceIsOpenedLater() throws {
        let disk = SimulatedFileSystem()
        do {
            let database = try TestDatabase(disk: disk)
            try fill(try database.create(size: 2), 0..<50)
        }
        disk.killProcess()
        disk.setCapacity(disk.usedBytes)
        let database = try TestDatabase(disk: disk)
        #expect(summary(database)?.state == .quarantined)
        #expect(throws: DatabaseError.self) { try database.collection() }
        database.settle()
        #expect(database.database.maintenancePause != nil, "somebody comes back for it")
        setFree(1 << 20, database)
        database.settle()
        #expect(summary(database)?.state == .ready)
        #expect(try database.collection().count() == 50)
    }

    /// From one operation on, the disk is full, at once or for a while; then there is room again. Nothing acknowledged
    /// is lost, nothing refused appears in part, and everything works again without a restart.
    @Test(arguments: [FaultKind.diskFull, .shortWrite], [false, true])
    func everyOperationMayFindTheDiskFull(kind: FaultKind, isPermanent: Bool) throws {
        var operation = 1
        var refusals = 0
        while true {
            let script = try FullDiskScript(database())
            script.database.disk.plan(Fault(kind, at: operation, isPermanent: isPermanent))
            try script.run()
            let isOver = script.database.disk.operationCount < operation
            refusals += script.refused
            script.database.disk.plan()
            for _ in 0..<3 {
                script.database.clock.advance(30_000)
                script.database.settle()
            }
            let context = "\(kind) at \(operation)"
            #expect(script.database.database.summaries().allSatisfy { $0.state == .ready }, "\(context)")
            try script.check(context)
            try script.database.collection().upsert([point(999, [1, 1])])
            script.points[999] = [999]
            var generator = SeededGenerator(seed: UInt64(operation))
            try script.database.crash(LossModel.none, using: &generator)
            try script.check(context)
            if isOver { break }
            operation += isPermanent ? 3 : 2
        }
        #expect(operation > 60 && refusals > 5, "\(operation) operations, \(refusals) refusals")
    }
}

/// Writes of all kinds, and what may be there after them.
private final class FullDiskScript {
    let database: TestDatabase
    /// By batch, named after its first id: the ids that were acknowledged.
    var points: [UInt64: Set<UInt64>] = [:]
    /// Batches that were refused: wholly there, or not at all.
    private var doubtful: [Set<UInt64>] = []
    private var doubtfulDeletions: [Set<UInt64>] = []
    private(set) var refused = 0

    init(_ database: TestDatabase) throws {
        self.database = database
        try database.create(size: 2)
    }

    func run() throws {
        for round in 0..<2 as Range<UInt64> {
            upsert(round * 20..<round * 20 + 10)
            upsert(round * 20 + 10..<round * 20 + 20)
            delete([round * 20 + 3, round * 20 + 4])
            if round % 2 == 1 { _ = try database.collection().optimize() }
            database.settle()
        }
        do {
            try database.create("short", size: 2)
            try database.database.dropCollection(named: "short")
        } catch { expectFull(error) }
    }

    private func upsert(_ ids: Range<UInt64>) {
        do {
            try database.collection().upsert(ids.map { point($0, [1, Float($0)]) })
            points[ids.lowerBound] = Set(ids)
        } catch {
            expectFull(error)
            doubtful.append(Set(ids))
        }
    }

    private func delete(_ ids: Set<UInt64>) {
        do {
            try database.collection().delete(.ids(ids.map { PointID($0) }))
            for key in points.keys { points[key]?.subtract(ids) }
            doubtful = doubtful.map { $0.subtracting(ids) }
        } catch {
            expectFull(error)
            doubtfulDeletions.append(ids)
        }
    }

    private func expectFull(_ error: any Error) {
        refused += 1
        #expect((error as? DatabaseError)?.kind == .diskFull, "\(error)")
    }

    func check(_ context: String) throws {
        let found = Set(
            try database.collection().scrollAll(limit: 1_000).compactMap { record -> UInt64? in
                guard case .integer(let id) = record.id else { return nil }
                return id
            })
        let mayBeGone = doubtfulDeletions.reduce(into: Set()) { $0.formUnion($1) }
        let needed = points.values.reduce(into: Set()) { $0.formUnion($1) }
        #expect(found.isSuperset(of: needed.subtracting(mayBeGone)), "\(context): lost")
        for deleted in doubtfulDeletions where deleted.isSubset(of: needed) {
            let left = found.intersection(deleted).count
            #expect(left == 0 || left == deleted.count, "\(context): half a deletion")
        }
        for batch in doubtful {
            let there = found.intersection(batch)
            let isWhole = there.isSuperset(of: batch.subtracting(mayBeGone))
            #expect(there.isEmpty || isWhole, "\(context): half a batch")
        }
        let attempted = doubtful.reduce(into: needed) { $0.formUnion($1) }
        #expect(found.isSubset(of: attempted), "\(context): \(found.subtracting(attempted))")
    }
}
