import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// Background work that failed is done later, by itself.
@Suite struct RetryTests {
    private static let rows = 90

    /// Two sealed segments, replaced and deleted rows, and a third part that grows.
    private func filled() throws -> TestDatabase {
        var options = TestDatabase.smallOptions
        // No graphs: what takes time is not what fails here.
        options.exactRows = 1_000
        options.trainingRows = 1_000
        options.measureShare = 0
        options.idleSealSeconds = 0
        let database = try TestDatabase(options: options)
        let collection = try database.create(size: 4)
        let vectors = clusteredVectors(Self.rows, dimension: 4, seed: 5)
        for part in 0..<3 {
            let ids = part * 30..<(part + 1) * 30
            try collection.upsert(ids.map { point(UInt64($0), vectors[$0], #"{"part":\#(part)}"#) })
            if part > 0 { try collection.delete(.ids([PointID(UInt64(part))])) }
            if part < 2 { _ = collection.optimize() }
            database.settle()
        }
        return database
    }

    private func check(_ database: TestDatabase, _ context: String) throws {
        let found = try database.collection().scrollAll(limit: 1_000)
        #expect(found.count == Self.rows - 2, "\(context): \(found.count) points")
        #expect(try database.collection().count() == Self.rows - 2, "\(context)")
    }

    private func summary(_ database: TestDatabase) throws -> CollectionSummary {
        try #require(database.database.summaries().first)
    }

    /// Each operation of sealing, merging and their checkpoints fails once; then everything is as it would have been.
    @Test(arguments: [FaultKind.ioError, .diskFull])
    func everyOperationOfSealingAndMergingMayFailOnce(kind: FaultKind) throws {
        var operation = 1
        var failures = 0
        while true {
            let database = try filled()
            database.disk.plan(Fault(kind, at: operation))
            _ = try database.collection().optimize()
            database.settle()
            let isOver = database.disk.operationCount < operation
            let context = "\(kind) at \(operation)"
            if try summary(database).state == .degraded {
                failures += 1
                #expect(try summary(database).reason?.contains("tried again in 0.1 s") == true)
                try database.collection().upsert([point(0, [1, 1, 1, 1])])
            }
            try check(database, context)
            database.clock.advance(100)
            database.settle()
            #expect(try summary(database).state == .ready, "\(context)")
            _ = try database.collection().optimize()
            database.settle()
            let segments = try database.collection().describe().segments
            #expect(segments.filter { $0.state == .sealed }.map(\.points) == [Self.rows - 2], "\(context)")
            var generator = SeededGenerator(seed: UInt64(operation))
            try database.crash(LossModel.none, using: &generator)
            try check(database, context)
            if isOver { break }
            operation += 1
        }
        #expect(operation > 30 && failures > 20, "\(operation) operations, \(failures) failures")
    }

    /// A disk that fails for good, then comes back.
    @Test func aDiskThatComesBackFindsAllWorkDone() throws {
        let database = try filled()
        database.disk.plan(Fault(.ioError, at: 1, isPermanent: true))
        let job = try database.collection().optimize()
        for _ in 0..<5 {
            database.settle()
            database.clock.advance(1_000)
        }
        #expect(try database.collection().job(job.id)?.state == .failed)
        #expect(try summary(database).state == .degraded)
        database.disk.plan()
        database.clock.advance(30_000)
        database.settle()
        #expect(try summary(database).state == .ready)
        try check(database, "afterwards")
        #expect(database.database.maintenancePause == nil)
    }
}
