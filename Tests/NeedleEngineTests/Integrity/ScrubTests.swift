import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// What scrub looks at beside segments, manifest and deletions (`FlippedByteTests`): the log, and field indexes.
@Suite struct ScrubTests {
    private static var options: EngineOptions {
        var options = TestDatabase.smallOptions
        options.exactRows = 8
        options.trainingRows = 16
        options.measureShare = 0
        return options
    }

    private let database: TestDatabase
    private let collection: Collection

    init() throws {
        database = try TestDatabase(options: Self.options)
        collection = try database.create()
    }

    private func upsert(_ ids: Range<UInt64>) throws {
        let vectors = clusteredVectors(ids.count, dimension: 4, seed: ids.lowerBound)
        try collection.upsert(zip(ids, vectors).map { point($0, $1, "{\"n\":\($0 % 5)}") })
    }

    private func files(_ part: String) throws -> [String] {
        let collections = try database.disk.list("db/collections")
        let directory = "db/collections/\(collections[0])"
        return try database.disk.list(directory).map { "\(directory)/\($0)" }.filter { $0.contains(part) }
            + database.disk.list("\(directory)/log").map { "\(directory)/log/\($0)" }
            .filter { $0.contains(part) }
    }

    /// Scrubs once; a step of other background work may come in between.
    private func scrub() -> JobSnapshot? {
        let job = collection.scrub()
        database.settle()
        return collection.job(job.id)
    }

    private var health: CollectionSummary? { database.database.summaries().first }

    @Test func aWholeLogIsFoundWhole() throws {
        try upsert(0..<40)
        #expect(scrub()?.state == .done)
        #expect(health?.state == .ready)
        #expect(try files(".segment").isEmpty, "nothing was written for it")
    }

    /// Every eighth byte of what was logged: found, said, written to segments from memory, and gone.
    @Test func aDamagedLogIsLeft() throws {
        try upsert(0..<40)
        try collection.delete(.ids([PointID(7)]))
        let log = try #require(try files(".log").last)
        let count = try #require(database.disk.content(of: log)).count
        for offset in stride(from: 0, to: count - 64, by: 8 * 40 + 8) {
            let bench = try ScrubTests()
            try bench.upsert(0..<40)
            try bench.collection.delete(.ids([PointID(7)]))
            let damaged = try #require(try bench.files(".log").last)
            bench.database.disk.flip(damaged, at: offset)
            let job = try #require(bench.scrub())
            #expect(job.state == .failed && job.error?.contains(".log") == true, "\(offset): \(job)")
            #expect(bench.health?.state == .ready, "\(offset): \(bench.health?.reason ?? "")")
            var generator = SeededGenerator(seed: 1)
            try bench.database.crash(LossModel.none, using: &generator)
            let found = try bench.database.collection()
            #expect(try found.count() == 39, "\(offset)")
            let again = found.scrub()
            bench.database.settle()
            #expect(found.job(again.id)?.state == .done, "\(offset)")
        }
    }

    @Test func aDamagedLogIsNamedUntilItIsLeft() throws {
        try upsert(0..<40)
        database.disk.flip(try #require(try files(".log").last), at: 200)
        let job = collection.scrub()
        var reason: String?
        while database.database.maintain(context: OperationContext()) {
            if health?.state == .degraded { reason = health?.reason }
        }
        #expect(collection.job(job.id)?.state == .failed)
        #expect(reason?.contains("being written to segments") == true, "\(reason ?? "never")")
        #expect(health?.state == .ready)
    }

    /// The usual state of a collection that nobody writes to: a log without writes.
    @Test func aDamagedLogWithoutWritesIsLeft() throws {
        try upsert(0..<40)
        _ = collection.optimize()
        database.settle()
        let log = try #require(try files(".log").last)
        database.disk.flip(log, at: 20)
        #expect(scrub()?.state == .failed)
        var generator = SeededGenerator(seed: 1)
        try database.crash(LossModel.none, using: &generator)
        #expect(try database.collection().count() == 40)
    }

    @Test func aDamagedFieldIndexIsBuiltAgain() throws {
        _ = try collection.createIndex(
            FieldIndexDefinition(path: try FieldPath(parsing: "n"), type: .integer))
        try upsert(0..<80)
        _ = collection.optimize()
        database.settle()
        let file = try #require(try files(".fields").first)
        let before = collection.describe().bytesOnDisk
        let count = try #require(database.disk.content(of: file)).count
        for offset in [20, 4_096, count / 2, count - 2] {
            database.disk.flip(file, at: offset)
            let job = try #require(scrub())
            #expect(job.state == .failed && job.error?.contains(".fields") == true, "\(offset): \(job)")
            #expect(health?.state == .ready, "\(offset): \(health?.reason ?? "")")
            #expect(scrub()?.state == .done, "\(offset): it was written anew")
            #expect(collection.describe().bytesOnDisk == before)
        }
    }
}
