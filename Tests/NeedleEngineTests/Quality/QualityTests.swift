import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// How good vectors and answers are over time, through a collection.
@Suite struct QualityTests {
    private static let dimension = 16
    private static let hour: Int64 = 3_600_000

    private func make(
        metric: Metric = .cosine, _ configure: (inout EngineOptions) -> Void = { _ in }
    ) throws -> (TestDatabase, Collection) {
        var options = TestDatabase.smallOptions
        options.quality.sample = 200
        configure(&options)
        let database = try TestDatabase(options: options)
        return (database, try database.create(size: Self.dimension, metric: metric))
    }

    /// Vectors around some places, told apart by `seed`.
    private func vectors(_ count: Int, seed: UInt64 = 1, length: Float = 1) -> [[Float]] {
        var generator = SeededGenerator(seed: seed)
        let places = (0..<12).map { _ in
            (0..<Self.dimension).map { Float($0 % 3) + Float.random(in: -1...1, using: &generator) }
        }
        return (0..<count).map { row in
            let own = places[row % 12].map { $0 + 0.4 * Float.random(in: -1...1, using: &generator) }
            let norm = own.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return own.map { $0 * length / norm }
        }
    }

    private func write(_ vectors: [[Float]], from first: Int = 0, to collection: Collection) throws {
        for start in stride(from: 0, to: vectors.count, by: 500) {
            let part = vectors[start..<min(vectors.count, start + 500)].enumerated()
            try collection.upsert(part.map { point(UInt64(first + start + $0), $1) })
        }
    }

    private func alerts(_ database: TestDatabase) -> [QualityAlert.Kind] {
        (database.database.summaries().first?.alerts ?? []).map(\.kind)
    }

    private func newest(_ collection: Collection) throws -> QualityMeasurement {
        try #require(collection.describeQuality().first?.history.last)
    }

    // MARK: When

    @Test func aSpaceIsMeasuredWhenThereIsEnoughAndThenOnceAnInterval() throws {
        let (database, collection) = try make()
        try write(vectors(199), to: collection)
        database.settle()
        #expect(collection.describeQuality() == [QualityDescription(space: "")])
        try write(vectors(101, seed: 2), from: 199, to: collection)
        database.settle()
        var known = try #require(collection.describeQuality().first)
        #expect(known.history.count == 1 && known.baseline == known.history.first && known.alerts.isEmpty)
        #expect(known.history[0].points == 300 && known.history[0].sampled == 200)
        database.clock.advance(Self.hour - 1)
        database.settle()
        #expect(try newest(collection) == known.history[0])
        database.clock.advance(1)
        database.settle()
        known = try #require(collection.describeQuality().first)
        #expect(known.history.map(\.atMS) == [0, 1].map { known.history[0].atMS + $0 * Self.hour })
        #expect(known.alerts.isEmpty)
    }

    @Test(arguments: [true, false])
    func nothingIsMeasuredWhenItIsTurnedOff(byInterval: Bool) throws {
        let (database, collection) = try make { options in
            if byInterval { options.quality.intervalMS = 0 } else { options.measureShare = 0 }
        }
        try write(vectors(400), to: collection)
        database.settle()
        #expect(collection.describeQuality().first?.baseline == nil)
    }

    @Test func aSpaceThatFewPointsHaveIsNotMeasured() throws {
        var options = TestDatabase.smallOptions
        options.quality.sample = 200
        let database = try TestDatabase(options: options)
        let spaces = ["a", "b"].map {
            SpaceConfig(name: $0, size: Self.dimension, metric: .cosine, quantization: .none)
        }
        _ = try database.database.createCollection(
            named: "c", config: CollectionConfig(spaces: spaces, durability: .fsync))
        let collection = try database.collection()
        try collection.upsert(
            vectors(300).enumerated().map { place, vector in
                PointWrite(
                    id: PointID(UInt64(place)),
                    vectors: .named(
                        (place % 2 == 0 ? ["a"] : ["a", "b"]).map { NamedVector(space: $0, vector: vector) }))
            })
        database.settle()
        let known = collection.describeQuality()
        #expect(known.map(\.space) == ["a", "b"])
        #expect(known[0].history.count == 1 && known[1].history.isEmpty)
    }

    /// A figure that is no number would stop the server where it is written.
    @Test func vectorsBeyondAllMeasureGiveNumbersOrNothing() throws {
        let (database, collection) = try make(metric: .dot)
        try write(vectors(400).map { $0.map { $0 * 3e38 } }, to: collection)
        database.settle()
        for known in collection.describeQuality().flatMap(\.history) {
            let figures = [
                known.norm, known.normDeviation, known.centroidShift, known.coherence, known.hubness,
                known.nearDuplicates,
            ]
            #expect(figures.allSatisfy { $0.isFinite })
        }
        try database.reopen()
    }

    @Test func pointsInOnePlaceGiveNumbers() throws {
        let (database, collection) = try make()
        try write([[Float]](repeating: vectors(1)[0], count: 300), to: collection)
        database.settle()
        let known = try newest(collection)
        #expect(known.nearDuplicates == 1 && known.coherence == 0 && known.hubness.isFinite)
    }

    // MARK: What

    @Test func otherVectorsAreNoticedAndCanBeAccepted() throws {
        let (database, collection) = try make { $0.quality.nearDuplicates = 0 }
        try write(vectors(1_000), to: collection)
        database.settle()
        // The same points, with vectors about other things.
        try write(vectors(1_000, seed: 9).map { $0.map { 0.6 - $0 } }, to: collection)
        database.clock.advance(Self.hour)
        database.settle()
        #expect(alerts(database).contains(.centroidShift))
        #expect(try newest(collection).centroidShift > 0.5)
        collection.acceptQuality()
        #expect(alerts(database).isEmpty)
        database.clock.advance(Self.hour)
        database.settle()
        #expect(try newest(collection).centroidShift < 0.2)
        #expect(alerts(database).isEmpty)
    }

    @Test func lengthsThatChangeAreNoticed() throws {
        let (database, collection) = try make()
        try write(vectors(600, length: 2), to: collection)
        database.settle()
        #expect(abs(try newest(collection).norm - 2) < 1e-3)
        try write(vectors(600, length: 3), to: collection)
        database.clock.advance(Self.hour)
        database.settle()
        #expect(abs(try newest(collection).norm - 3) < 1e-3)
        #expect(alerts(database) == [.normDrift])
    }

    @Test(arguments: Metric.allCases)
    func nearDuplicatesAreFound(metric: Metric) throws {
        let (database, collection) = try make(metric: metric)
        let own = vectors(700)
        try write(own, to: collection)
        database.settle()
        let before = try newest(collection).nearDuplicates
        #expect(before < 0.1)
        // Three tenths of the points a second time, under other ids.
        try write(own.prefix(300).map { $0.map { $0 * 1.0001 } }, from: 10_000, to: collection)
        database.clock.advance(Self.hour)
        database.settle()
        let after = try newest(collection).nearDuplicates
        #expect(abs(after - 0.6) < 0.12, "\(before) to \(after)")
        #expect(alerts(database) == [.nearDuplicates])
        // An alert is not damage.
        #expect(database.database.summaries().first?.state == .ready)
    }

    @Test func queriesThatFindNothingNearAreCounted() throws {
        let (database, collection) = try make()
        try write(vectors(600), to: collection)
        let alike = vectors(150, seed: 1)
        for query in alike { _ = try collection.search(query) }
        database.settle()
        let first = try newest(collection)
        #expect(first.queries == 150 && first.lowConfidence.map { $0 <= 0.06 } == true)
        #expect(first.scoreGap != nil && first.latency != nil)
        for query in vectors(150, seed: 77) { _ = try collection.search(query.map { -$0 }) }
        // With a filter, or a stored point: they are no queries of that kind.
        _ = try collection.search(
            SearchQuery(target: .point(PointID(UInt64(3)))), context: OperationContext())
        database.clock.advance(Self.hour)
        database.settle()
        let second = try newest(collection)
        #expect(second.queries == 150 && second.lowConfidence == 1)
        #expect(alerts(database) == [.lowConfidence])
        database.clock.advance(Self.hour)
        database.settle()
        #expect(try newest(collection).queries == 0)
        #expect(alerts(database).isEmpty)
    }

    // MARK: Over restarts

    private func path(_ database: TestDatabase) throws -> String {
        let directory = try #require(try database.disk.list("db/collections").first)
        return "db/collections/\(directory)/QUALITY"
    }

    @Test func whatIsKnownSurvivesARestart() throws {
        let (database, collection) = try make()
        try write(vectors(400), to: collection)
        for query in vectors(120) { _ = try collection.search(query) }
        database.settle()
        database.clock.advance(Self.hour)
        database.settle()
        let before = collection.describeQuality()
        #expect(before.first?.history.count == 2)
        try database.reopen()
        #expect(try database.collection().describeQuality() == before)
        // Not measured again before its time.
        database.settle()
        #expect(try database.collection().describeQuality() == before)
    }

    @Test func aDamagedFileIsAsGoodAsNone() throws {
        let (database, collection) = try make()
        try write(vectors(400), to: collection)
        database.settle()
        #expect(collection.describeQuality().first?.baseline != nil)
        database.database.close()
        let path = try path(database)
        let length = try #require(database.disk.content(of: path)).count
        for offset in 0..<length {
            let disk = database.disk.clone()
            disk.flip(path, at: offset, mask: UInt8(1 << (offset % 8)))
            let damaged = try TestDatabase(disk: disk, clock: database.clock, options: database.options)
            #expect(try damaged.collection().describeQuality() == [QualityDescription(space: "")])
            guard offset % 97 == 0 else { continue }
            damaged.settle()
            #expect(try damaged.collection().describeQuality().first?.baseline != nil)
        }
    }

    @Test func aSnapshotBeginsItsOwnHistory() throws {
        let (database, collection) = try make()
        try write(vectors(400), to: collection)
        database.settle()
        let context = OperationContext()
        let work = database.database.beginSnapshotWork("snapshot", collection: "c", context: context) { _ in }
        let snapshot = try database.database.createSnapshot(of: "c", work: work)
        let restoring = database.database.beginSnapshotWork("restore", collection: "d", context: context) {
            _ in
        }
        _ = try database.database.restoreSnapshot(snapshot.name, as: "d", to: .snapshot, work: restoring)
        #expect(try database.collection("d").describeQuality().first?.baseline == nil)
        database.settle()
        #expect(try database.collection("d").describeQuality().first?.baseline != nil)
    }
}
