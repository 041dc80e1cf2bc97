import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// What a collection knows of its own recall, and what searches make of it.
@Suite struct RecallTests {
    /// Random directions: hard for a graph, so that efforts differ.
    private func vectors(_ count: Int, dimension: Int = 16, seed: UInt64) -> [[Float]] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in (0..<dimension).map { _ in Float.random(in: -1...1, using: &generator) }
        }
    }

    private func fill(
        _ collection: Collection, _ count: Int = 1_500, dimension: Int = 16, seed: UInt64 = 1
    ) throws {
        try collection.upsert(
            vectors(count, dimension: dimension, seed: seed).enumerated().map { point(UInt64($0), $1) })
    }

    private func make(_ configure: (inout EngineOptions) -> Void = { _ in }) throws -> TestDatabase {
        var options = TestDatabase.smallOptions
        configure(&options)
        return try TestDatabase(options: options)
    }

    private func delivered(
        _ collection: Collection, _ effort: SearchEffort, limit: Int = 10
    ) throws -> Double {
        let queries = vectors(150, dimension: 40, seed: 99)
        var hits = 0
        for query in queries {
            let truth = try collection.search(query, limit: limit, effort: .exact).ids
            let found = try collection.search(query, limit: limit, effort: effort).ids
            hits += Set(found).intersection(truth).count
        }
        return Double(hits) / Double(limit * queries.count)
    }

    @Test func whatIsAskedForIsDelivered() throws {
        let database = try make { $0.recallSample = 192 }
        let collection = try database.create(size: 40)
        try fill(collection, 4_000, dimension: 40)
        database.settle()
        let efs = collection.describe().recall[0].points
        #expect(efs.first.map { $0.recall < 0.8 } == true, "narrow beams miss much here: \(efs)")
        var before = 0.0
        for target in [0.6, 0.75, 0.85] {
            let recall = try delivered(collection, .recall(target))
            #expect(recall >= target - 0.01 && recall >= before, "\(target): \(recall)")
            before = recall
        }
        #expect(
            try collection.search(vectors(1, dimension: 40, seed: 5)[0], effort: .recall(0.6)).strategy
                == .graph)
        #expect(try delivered(collection, .recall(0.8), limit: 3) >= 0.79)
        #expect(try delivered(collection, .recall(0.8), limit: 40) >= 0.79)
        #expect(try delivered(collection, .standard) >= 0.96)
    }

    @Test func beforeAnythingIsMeasuredTheDefaultIsCareful() throws {
        let database = try make { $0.measureShare = 0 }
        let collection = try database.create(size: 16)
        let vectors = clusteredVectors(4_000, dimension: 16, seed: 3)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        database.settle()
        #expect(collection.describe().recall.isEmpty)
        var hits = 0
        let queries = clusteredVectors(50, dimension: 16, seed: 4)
        for query in queries {
            let truth = try collection.search(query, effort: .exact).ids
            hits += Set(try collection.search(query, effort: .recall(0.9)).ids).intersection(truth).count
        }
        #expect(Double(hits) / 500 >= 0.9)
    }

    @Test func theDescriptionSaysWhatWasMeasured() throws {
        let database = try make()
        let collection = try database.create(size: 16)
        try fill(collection)
        #expect(collection.describe().recall.isEmpty)
        database.settle()
        let recall = collection.describe().recall
        #expect(recall.map(\.k) == [10, 100])
        for curve in recall {
            #expect(curve.source == "points" && curve.filter == "unfiltered" && curve.searchedOn == "int8")
            #expect(curve.queries == 48 && curve.rows == 1_500)
            #expect(curve.measuredMS == database.clock.wallMilliseconds())
            #expect(curve.points.first?.ef == curve.k)
            #expect(curve.points.allSatisfy { $0.low <= $0.recall && $0.recall <= $0.high && $0.low < 1 })
            let recalls = curve.points.map(\.recall)
            #expect(zip(recalls, recalls.dropFirst()).allSatisfy { $0 <= $1 + 0.01 }, "\(recalls)")
        }
    }

    @Test func nothingIsMeasuredWhenNothingChanges() throws {
        let database = try make()
        let collection = try database.create(size: 16)
        try fill(collection)
        database.settle()
        let before = collection.describe().recall.map(\.measuredMS)
        database.clock.advance(1_000)
        #expect(!database.database.maintain(context: OperationContext()))
        #expect(collection.describe().recall.map(\.measuredMS) == before)
        // A twentieth dies: another curve.
        try collection.delete(.ids((0..<100).map { PointID(UInt64($0)) }))
        database.settle()
        #expect(collection.describe().recall.map(\.measuredMS) == before.map { $0 + 1_000 })
        #expect(!database.database.maintain(context: OperationContext()))
    }

    /// Exact answers in idle time would read all vectors again and again, and push out what searches need.
    @Test func whatDoesNotFitIntoMemoryIsNotMeasuredInIdleTime() throws {
        let database = try make()
        let collection = try database.create(size: 16)
        try fill(collection)
        _ = collection.optimize()
        database.settle()
        let before = collection.describe().recall.map(\.measuredMS)
        #expect(before.count == 2)
        database.disk.setResident(percent: 50)
        database.clock.advance(60_000)
        try collection.delete(.ids((0..<100).map { PointID(UInt64($0)) }))
        database.settle()
        #expect(collection.describe().recall.map(\.measuredMS) == before)
        database.disk.setResident(percent: 100)
        database.clock.advance(60_000)
        database.settle()
        #expect(collection.describe().recall.map(\.measuredMS) == before.map { $0 + 120_000 })
    }

    @Test func queriesOfClientsAreMeasuredBesideStoredPoints() throws {
        let database = try make()
        let collection = try database.create(size: 16)
        try fill(collection)
        database.settle()
        // One query many times is no sample, and neither are neighbours of points and filtered searches.
        let queries = vectors(160, seed: 50)
        for index in 0..<160 {
            _ = try collection.search(queries[0])
            _ = try collection.search([]) { $0.target = .point(PointID(UInt64(index))) }
            _ = try collection.search(queries[index], filter: Filter(must: [.hasID([PointID(1)])]))
        }
        database.settle()
        #expect(Set(collection.describe().recall.map(\.source)) == ["points"])
        for query in queries { _ = try collection.search(query) }
        database.settle()
        let recall = collection.describe().recall
        #expect(recall.map(\.source) == ["points", "points", "queries", "queries"])
        #expect(recall.suffix(2).allSatisfy { $0.queries >= 64 })
        #expect(!database.database.maintain(context: OperationContext()))
    }

    @Test func whatWasMeasuredSurvivesARestartAndDamageIsMeasuredAgain() throws {
        let database = try make()
        let collection = try database.create(size: 16)
        try fill(collection)
        _ = collection.optimize()
        database.settle()
        let before = collection.describe().recall
        #expect(before.count == 2)
        database.clock.advance(1_000)
        try database.reopen()
        let after = try database.collection().describe().recall
        #expect(after.map(\.points) == before.map(\.points))
        #expect(after.map(\.standardEF) == before.map(\.standardEF))
        database.settle()
        #expect(try database.collection().describe().recall.map(\.measuredMS) == before.map(\.measuredMS))
        let directory = try #require(try database.disk.list("db/collections").first)
        database.database.close()
        let path = "db/collections/\(directory)/RECALL"
        for offset in stride(from: 0, to: try #require(database.disk.content(of: path)).count, by: 41) {
            let disk = database.disk.clone()
            disk.flip(path, at: offset, mask: UInt8(1 << (offset % 8)))
            let damaged = try TestDatabase(disk: disk, clock: database.clock, options: database.options)
            #expect(try damaged.collection().describe().recall.isEmpty)
            guard offset % 164 == 0 else { continue }
            damaged.settle()
            #expect(try damaged.collection().describe().recall.count == 2)
        }
    }

    /// A merged segment is not searched before its recall is known.
    @Test func segmentsGoLiveMeasured() throws {
        let database = try make { $0.growingRows = 8_192 }
        let collection = try database.create(size: 16)
        for part in 0..<2 {
            let rows = vectors(800, seed: UInt64(part)).enumerated()
            try collection.upsert(rows.map { point(UInt64(part * 800 + $0), $1) })
            _ = collection.optimize()
            while database.database.maintain(context: OperationContext()) {
                let description = collection.describe()
                for segment in description.segments where segment.state == .sealed {
                    #expect(description.recall.contains { $0.segment == segment.id })
                }
            }
        }
        let description = collection.describe()
        #expect(description.segments.filter { $0.state == .sealed }.map(\.rows) == [1_600])
        // Of segments that are gone nothing is kept.
        #expect(Set(description.recall.map(\.segment)).count == 1)
    }

    @Test func measuringTakesItsShareOfTime() throws {
        let clock = TickingClock()
        var options = TestDatabase.smallOptions
        options.measureShare = 0.25
        options.quality.intervalMS = 0
        options.firstRecallSample = 16
        options.recallSample = 48
        let database = try Database.open(
            directory: "db", fileSystem: SimulatedFileSystem(), clock: clock, options: options)
        _ = try database.createCollection(
            named: "c", config: CollectionConfig(spaces: [SpaceConfig(name: "", size: 16)]))
        let collection = try database.collection(named: "c")
        try fill(collection)
        while collection.describe().recall.isEmpty, database.maintain(context: OperationContext()) {}
        #expect(collection.describe().recall.first?.queries == 16, "the first sample does not wait")
        var steps = 0
        let began = clock.now
        for _ in 0..<100_000 where collection.describe().recall[0].queries == 16 {
            if database.maintain(context: OperationContext()) {
                steps += 1
            } else {
                clock.advance(try #require(database.maintenancePause))
            }
        }
        #expect(collection.describe().recall[0].queries == 48 && steps > 10)
        // A look at the clock takes a millisecond, so a step takes one.
        #expect(UInt64(steps) * 4_000_000 <= clock.now - began + 4_000_000)
        while database.maintain(context: OperationContext()) || database.maintenancePause != nil {
            clock.advance(4_000_000)
        }
        #expect(database.maintenancePause == nil, "nothing is due")
    }

    @Test func beingBrokenOffIsNoFailure() throws {
        let database = try make()
        let collection = try database.create(size: 16)
        try fill(collection)
        while collection.describe().indexedPoints < 1_500 {
            _ = database.database.maintain(context: OperationContext())
        }
        let cancelled = OperationContext()
        cancelled.cancel()
        #expect(!database.database.maintain(context: cancelled))
        #expect(collection.describe().state == .ready && collection.describe().recall.isEmpty)
        database.settle()
        #expect(collection.describe().recall.count == 2)
    }

    @Test(arguments: Metric.allCases)
    func degenerateSpacesAreAnsweredAndMeasuringEnds(metric: Metric) throws {
        let database = try make()
        let collection = try database.create(size: 3, metric: metric)
        // Equal vectors, hardly different ones, and points without neighbours of their own kind.
        try collection.upsert(
            (0..<1_000).map { index in
                let value: [Float] =
                    index < 600 ? [1, 2, 3] : index < 950 ? [1, 2, 3 + Float(index) * 1e-7] : [9, -9, 0]
                return point(UInt64(index), value)
            })
        database.settle()
        let result = try collection.search([1, 2, 3], effort: .recall(0.99))
        #expect(result.hits.count == 10)
        #expect(collection.describe().recall.allSatisfy { $0.points.allSatisfy { $0.recall.isFinite } })
        #expect(!database.database.maintain(context: OperationContext()))
    }
}

/// A clock that moves a little whenever somebody looks at it.
private final class TickingClock: Clock {
    private let base = TestClock()
    func wallMilliseconds() -> Int64 { base.wallMilliseconds() }
    var now: UInt64 { base.monotonicNanoseconds() }
    func monotonicNanoseconds() -> UInt64 {
        base.advance(1)
        return base.monotonicNanoseconds()
    }
    func advance(_ nanoseconds: UInt64) { base.advance(Int64(nanoseconds / 1_000_000) + 1) }
}
