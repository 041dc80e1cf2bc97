import NeedleCore
import NeedleEngine
import SimulationKit
import Synchronization
import Testing

/// Opening stays quick: what is idle is sealed, the log's tail is short, and collections do not wait for each other.
@Suite struct OpeningTests {
    private static var options: EngineOptions {
        var options = TestDatabase.smallOptions
        options.measureShare = 0
        options.exactRows = 50
        options.trainingRows = 50
        return options
    }

    private func sealedRows(_ collection: Collection) -> [Int] {
        collection.describe().segments.filter { $0.state == .sealed }.map(\.rows)
    }

    private func upsert(_ ids: Range<UInt64>, into collection: Collection) throws {
        let vectors = clusteredVectors(ids.count, dimension: 4, seed: ids.lowerBound)
        try collection.upsert(zip(ids, vectors).map { point($0, $1) })
    }

    /// A start that is killed anywhere leaves a data directory whose own name the next one makes durable.
    @Test func aDirectoryWhoseFirstStartWasKilledSurvivesAPowerCut() throws {
        var operation = 1
        var wasCut = true
        while wasCut {
            let disk = SimulatedFileSystem()
            disk.plan(Fault(.crash, at: operation))
            wasCut = (try? TestDatabase(disk: disk, options: Self.options)) == nil
            // The page cache is still there: it was the process that ended.
            disk.killProcess()
            let database = try TestDatabase(disk: disk, options: Self.options)
            let collection = try database.create()
            try collection.upsert([point(1, [1, 2, 3, 4])])
            var generator = SeededGenerator(seed: UInt64(operation))
            try database.crash(LossModel.none, using: &generator)
            #expect(try database.collection().count() == 1, "killed at operation \(operation)")
            operation += 1
        }
        #expect(operation > 8)
    }

    @Test func whatNobodyWritesToIsSealed() throws {
        let database = try TestDatabase(options: Self.options)
        let collection = try database.create()
        try upsert(0..<100, into: collection)
        database.settle()
        let pause = try #require(database.database.maintenancePause)
        #expect(pause == 60_000_000_000, "somebody comes back for it")
        database.clock.advance(59_999)
        database.settle()
        #expect(sealedRows(collection).isEmpty)
        database.clock.advance(1)
        database.settle()
        #expect(sealedRows(collection) == [100])
        #expect(database.database.maintenancePause == nil)

        // Fewer than a graph is made for, and few beside what is there.
        for (ids, expected) in [(100..<110, [100]), (110..<152, [100, 52])] as [(Range<UInt64>, [Int])] {
            try upsert(ids, into: collection)
            database.clock.advance(60_000)
            database.settle()
            #expect(sealedRows(collection) == expected)
        }
        try database.reopen()
        #expect(try database.collection().count() == 152)
    }

    @Test func anIdleCollectionHasNothingToReplay() throws {
        let database = try TestDatabase(options: Self.options)
        let collection = try database.create()
        try upsert(0..<100, into: collection)
        database.clock.advance(60_000)
        database.settle()
        try collection.delete(.ids((0..<5).map { PointID($0) }))
        let before = collection.describe().bytesOnDisk
        database.clock.advance(60_000)
        database.settle()
        #expect(collection.describe().bytesOnDisk < before)
        var generator = SeededGenerator(seed: 1)
        try database.crash(LossModel.none, using: &generator)
        #expect(try database.collection().count() == 95)
    }

    @Test func neverMeansNever() throws {
        var options = Self.options
        options.idleSealSeconds = 0
        let database = try TestDatabase(options: options)
        let collection = try database.create()
        try upsert(0..<100, into: collection)
        database.settle()
        #expect(database.database.maintenancePause == nil)
        database.clock.advance(86_400_000)
        database.settle()
        #expect(sealedRows(collection).isEmpty)
    }

    @Test func whatWouldTakeLongToReplayIsSealed() throws {
        var options = Self.options
        options.replaySeconds = 0.0005
        let database = try TestDatabase(options: options)
        let collection = try database.create()
        try upsert(0..<60, into: collection)
        database.settle()
        #expect(sealedRows(collection).isEmpty)
        try upsert(60..<600, into: collection)
        database.settle()
        #expect(sealedRows(collection) == [600])
    }

    @Test func theCollectionThatSomebodyWaitsForIsOpenedFirst() throws {
        let test = try TestDatabase(options: Self.options)
        for name in ["a", "b", "c", "d"] { try test.create(name).upsert([point(1, [1, 0, 0, 0])]) }
        test.database.close()
        let database = try Database.open(
            directory: "db", fileSystem: test.disk, clock: test.clock, options: test.options)
        func ready() -> [String] { database.summaries().filter { $0.state == .ready }.map(\.name) }
        let called = Atomic<Int>(0)
        database.whenLoaded("c") { called.add(1, ordering: .relaxed) }
        #expect(throws: DatabaseError.self) { try database.collection(named: "b") }
        #expect(ready() == [])
        #expect(database.loadNext())
        #expect(ready() == ["c"])
        #expect(called.load(ordering: .relaxed) == 1)
        #expect(database.loadNext())
        #expect(ready() == ["b", "c"])
        try database.dropCollection(named: "a")
        while database.loadNext() {}
        #expect(ready() == ["b", "c", "d"])
        #expect(try database.collection(named: "d").count() == 1)
    }

    @Test func aDeviceThatDidNotAnswerIsAskedAgain() throws {
        let test = try TestDatabase(options: Self.options)
        for name in ["a", "b"] { try test.create(name).upsert([point(1, [1, 0, 0, 0])]) }
        test.database.close()
        let database = try Database.open(
            directory: "db", fileSystem: test.disk, clock: test.clock, options: test.options)
        test.disk.plan(Fault(.ioError, at: 3))
        database.loadCollections()
        #expect(database.summaries().map(\.state) == [.quarantined, .ready])
        #expect(!database.maintain(context: OperationContext()), "not at once")
        test.clock.advance(100)
        while database.maintain(context: OperationContext()) {}
        #expect(database.summaries().map(\.state) == [.ready, .ready])
        #expect(try database.collection(named: "a").count() == 1)
    }
}
