import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// Rows that come in faster than they are indexed do not take all memory.
@Suite struct BacklogTests {
    private static var options: EngineOptions {
        var options = TestDatabase.smallOptions
        options.growingRows = 64
        options.exactRows = 8
        options.trainingRows = 16
        options.measureShare = 0
        options.backlogBytes = 200_000
        return options
    }

    private func upsert(_ ids: Range<UInt64>, into collection: Collection) throws {
        let vectors = clusteredVectors(ids.count, dimension: 16, seed: ids.lowerBound)
        try collection.upsert(zip(ids, vectors).map { point($0, $1) })
    }

    /// Writes until it is refused; nobody indexes.
    ///
    /// - Returns: how many points were taken, and the refusal.
    private func fill(_ collection: Collection) throws -> (points: UInt64, refusal: DatabaseError) {
        for start in stride(from: UInt64(0), to: 100_000, by: 16) {
            do { try upsert(start..<(start + 16), into: collection) } catch let error as DatabaseError {
                return (start, error)
            }
        }
        throw DatabaseError(.overloaded, "everything was taken")
    }

    @Test func writersWaitUntilWhatTheyWroteIsIndexed() throws {
        let database = try TestDatabase(options: Self.options)
        let collection = try database.create(size: 16)
        let (points, refusal) = try fill(collection)
        #expect(refusal.kind == .overloaded && refusal.retryAfterMS ?? 0 > 0, "\(refusal)")
        #expect(points > 128 && points < 5_000, "\(points)")
        #expect(try collection.count() == Int(points))
        let health = try #require(database.database.summaries().first)
        #expect(health.state == .degraded && health.reason?.contains("faster than they are indexed") == true)

        try collection.delete(.ids([PointID(3)]))
        database.settle()
        #expect(database.database.summaries().first?.state == .ready)
        try upsert(90_000..<90_016, into: collection)
        #expect(try collection.count() == Int(points) - 1 + 16)
    }

    @Test func aCollectionWithNoBacklogOfItsOwnIsServed() throws {
        let database = try TestDatabase(options: Self.options)
        _ = try fill(try database.create(size: 16))
        let other = try database.create("other", size: 16)
        try upsert(0..<16, into: other)
        #expect(try other.count() == 16)
    }

    @Test func whatIsDroppedWaitsForNothing() throws {
        let database = try TestDatabase(options: Self.options)
        _ = try fill(try database.create(size: 16))
        try database.database.dropCollection(named: "c")
        let other = try database.create("other", size: 16)
        for start in stride(from: UInt64(0), to: 128, by: 16) {
            try upsert(start..<(start + 16), into: other)
        }
        #expect(try other.count() == 128)
    }

    @Test func whatIsReplayedIsNeverRefused() throws {
        let database = try TestDatabase(options: Self.options)
        let (points, _) = try fill(try database.create(size: 16))
        var generator = SeededGenerator(seed: 1)
        try database.crash(nil, using: &generator)
        #expect(try database.collection().count() == Int(points))
        database.settle()
        try upsert(90_000..<90_016, into: try database.collection())
    }
}
