import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

@Suite struct MaintenanceTests {
    @Test func optimizeIndexesSealsAndMergesAndEndsItsJob() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 8)
        let vectors = clusteredVectors(900, dimension: 8, seed: 20)
        for part in 0..<3 {
            try collection.upsert((0..<300).map { point(UInt64(part * 300 + $0), vectors[part * 300 + $0]) })
            let job = collection.optimize()
            #expect(job.state == .running)
            #expect(collection.optimize().id == job.id, "one job at a time")
            database.settle()
            #expect(collection.job(job.id)?.state == .done)
        }
        let description = collection.describe()
        #expect(description.points == 900 && description.indexedPoints == 900)
        #expect(description.segments.filter { $0.state == .sealed }.count == 1)
        #expect(description.segments.filter { $0.state == .sealed }.map(\.spaces[0].searchedOn) == ["int8"])
        for index in stride(from: 0, to: 900, by: 90) {
            #expect(try collection.search(vectors[index], limit: 1).ids == [PointID(UInt64(index))])
        }
    }

    /// Found end to end: a write that ended in another segment than it began in made the checkpoint after sealing the
    /// first one impossible.
    @Test func writesThatDoNotFitIntoASegmentBeginAnotherOne() throws {
        var options = TestDatabase.smallOptions
        options.growingRows = 1_024
        let database = try TestDatabase(options: options)
        try database.create(size: 2)
        var generator = SeededGenerator(seed: 24)
        var expected = 0
        for (round, rows) in [1_500, 700, 1_025, 40].enumerated() {
            let collection = try database.collection()
            try collection.upsert((expected..<(expected + rows)).map { point(UInt64($0), [1, Float($0)]) })
            expected += rows
            if round % 2 == 0 { _ = collection.optimize() }
            database.settle()
            #expect(try collection.count() == expected)
            if round % 3 == 0 { try database.reopen() } else { try database.crash(nil, using: &generator) }
            #expect(try database.collection().count() == expected)
            #expect(try database.collection().scrollAll(limit: 1_000).count == expected)
        }
    }

    @Test func mergingDropsDeadAndExpiredRowsAndKeepsTheRest() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 4)
        let vectors = clusteredVectors(400, dimension: 4, seed: 21)
        let soon = database.clock.wallMilliseconds() + 1_000
        try collection.upsert(
            vectors.enumerated().map { index, vector in
                point(UInt64(index), vector, #"{"i":\#(index)}"#, expiresAt: index % 4 == 0 ? soon : nil)
            })
        _ = collection.optimize()
        database.settle()
        try collection.delete(.ids((0..<100).map { PointID(UInt64($0)) }))
        database.clock.advance(1_000)
        #expect(try collection.count() == 225)
        _ = collection.optimize()
        database.settle()
        let sealed = try #require(collection.describe().segments.first { $0.state == .sealed })
        #expect(sealed.rows == 225)
        #expect(try collection.count() == 225)
        try database.reopen()
        #expect(try database.collection().count() == 225)
        let record = try #require(try database.collection().get([PointID(101)]).points.first)
        #expect(record.payload?.text == #"{"i":101}"#)
        #expect(record.version == LSN(1))
    }

    @Test func deletionsDuringAMergeAreNotLost() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 4)
        let vectors = clusteredVectors(600, dimension: 4, seed: 22)
        try collection.upsert((0..<300).map { point(UInt64($0), vectors[$0]) })
        _ = collection.optimize()
        database.settle()
        try collection.upsert((300..<600).map { point(UInt64($0), vectors[$0]) })
        _ = collection.optimize()
        // A few steps at a time, with deletions and replacements in between, so that some fall into the
        // merge.
        for round in 0..<60 {
            for _ in 0..<2 { _ = database.database.maintain(context: OperationContext()) }
            try collection.delete(.ids([PointID(UInt64(round * 10))]))
            try collection.upsert([point(UInt64(round * 10 + 1), vectors[round], #"{"r":\#(round)}"#)])
        }
        database.settle()
        for _ in 0..<2 {
            let collection = try database.collection()
            #expect(try collection.count() == 540)
            #expect(try collection.get((0..<60).map { PointID(UInt64($0 * 10)) }).points.isEmpty)
            let replaced = try collection.get((0..<60).map { PointID(UInt64($0 * 10 + 1)) }).points
            #expect(replaced.map { $0.payload?.text } == (0..<60).map { #"{"r":\#($0)}"# })
            try database.reopen()
        }
    }

    @Test func checkpointsShortenTheLogAndRemoveOldFiles() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 64)
        for part in 0..<6 {
            let vectors = clusteredVectors(200, dimension: 64, seed: UInt64(part))
            try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        }
        let before = collection.describe().bytesOnDisk
        _ = collection.optimize()
        database.settle()
        #expect(collection.describe().bytesOnDisk < before / 2)
        let directory = "db/collections"
        let incarnation = try #require(try database.disk.list(directory).first)
        let files = try database.disk.list("\(directory)/\(incarnation)")
        #expect(files.count { $0.hasSuffix(".segment") } == 1)
        #expect(!files.contains { $0.hasSuffix(".tmp") })
    }

    @Test func aLongLogIsCheckpointedByItself() throws {
        var options = TestDatabase.smallOptions
        options.checkpointBytes = 20_000
        let database = try TestDatabase(options: options)
        let collection = try database.create(size: 16)
        for round in 0..<20 {
            let vectors = clusteredVectors(40, dimension: 16, seed: UInt64(round))
            try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
            database.settle()
        }
        #expect(try collection.count() == 40)
        // Background merging keeps the segments few, and what is dead goes.
        let description = collection.describe()
        #expect(description.segments.count <= 6)
        #expect(description.segments.reduce(0) { $0 + $1.rows } < 400)
        try database.reopen()
        #expect(try database.collection().count() == 40)
    }

    @Test func afterRestartSealedSegmentsAreSearchedByGraph() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 8)
        let vectors = clusteredVectors(800, dimension: 8, seed: 30)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        _ = collection.optimize()
        database.settle()
        let before = try collection.search(vectors[5], limit: 20, effort: .ef(96))
        try database.reopen()
        let after = try database.collection().search(vectors[5], limit: 20, effort: .ef(96))
        #expect(after.strategy == .graph)
        #expect(after.ids == before.ids && after.scores == before.scores)
    }

    @Test func collectionsComeAndGo() throws {
        let database = try TestDatabase()
        let first = try database.create("a", size: 1)
        try first.upsert([point(1, [1])])
        let taken = #expect(throws: DatabaseError.self) { try database.create("a", size: 1) }
        #expect(taken?.kind == .alreadyExists && taken?.at == "name")
        try database.database.dropCollection(named: "a")
        #expect(throws: DatabaseError.self) { try database.collection("a") }
        #expect(throws: DatabaseError.self) { try first.upsert([point(2, [1])]) }
        let second = try database.create("a", size: 2)
        #expect(try second.count() == 0)
        try database.reopen()
        #expect(database.database.summaries().map(\.name) == ["a"])
        #expect(try database.disk.list("db/collections").count == 1)
    }

    @Test func oneDamagedCollectionDoesNotKeepTheOthersFromOpening() throws {
        let database = try TestDatabase()
        try database.create("bad", size: 1).upsert([point(1, [1])])
        let bad = try #require(try database.disk.list("db/collections").first)
        try database.create("good", size: 1).upsert([point(1, [1])])
        database.disk.flip("db/collections/\(bad)/MANIFEST", at: 60)
        try database.reopen()
        #expect(database.database.summaries().map(\.state) == [.quarantined, .ready])
        let error = #expect(throws: DatabaseError.self) { try database.collection("bad") }
        #expect(error?.kind == .corruption)
        #expect(error?.message.contains("MANIFEST") == true && error?.at == "collection")
        #expect(error?.message.contains("db/") == false, "clients are not told where the data lies")
        #expect(try database.collection("good").count() == 1)
    }
}
