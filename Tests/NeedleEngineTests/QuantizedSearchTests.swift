import NeedleCore
import NeedleEngine
import Testing

/// Spaces that are searched on codes: when their graphs begin, what they find, and what scores say.
@Suite struct QuantizedSearchTests {
    private func exactIDs(_ collection: Collection, _ query: [Float], _ k: Int = 10) throws -> [PointID] {
        try collection.search(query, limit: k, effort: .exact).ids
    }

    private func recall(
        _ collection: Collection, size: Int, configure: (inout SearchQuery) -> Void = { _ in }
    ) throws -> Double {
        var found = 0
        let queries = clusteredVectors(40, dimension: size, seed: 400)
        for query in queries {
            let result = try collection.search(query, effort: .ef(64), configure: configure)
            #expect(result.strategy != .exact)
            found += Set(result.ids).intersection(try exactIDs(collection, query)).count
        }
        return Double(found) / Double(10 * queries.count)
    }

    private func filled(
        _ count: Int, size: Int, metric: Metric = .cosine, quantization: QuantizationKind = .int8
    ) throws -> (TestDatabase, Collection) {
        let database = try TestDatabase()
        let collection = try database.create(size: size, metric: metric, quantization: quantization)
        let vectors = clusteredVectors(count, dimension: size, seed: 401)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        database.settle()
        return (database, collection)
    }

    @Test func theGraphBeginsWhenEnoughRowsAreThere() throws {
        let (database, collection) = try filled(255, size: 8)
        #expect(try collection.search([1, 0, 0, 0, 0, 0, 0, 0]).strategy == .exact)
        #expect(collection.describe().indexedPoints == 255, "they wait for nobody")
        #expect(collection.describe().segments[0].spaces[0].searchedOn == "float32")
        try collection.upsert([point(255, clusteredVectors(1, dimension: 8, seed: 3)[0])])
        #expect(collection.describe().indexedPoints == 0, "now the indexer has work")
        database.settle()
        #expect(collection.describe().indexedPoints == 256)
        #expect(collection.describe().segments[0].spaces[0].searchedOn == "int8")
        #expect(try collection.search([1, 0, 0, 0, 0, 0, 0, 0], effort: .ef(64)).strategy == .graph)
    }

    @Test func aSegmentThatEndsEarlyGetsAGraphWhenSearchesWouldUseIt() throws {
        for (rows, strategy) in [(99, SearchStrategy.exact), (100, .graph)] {
            let (database, collection) = try filled(rows, size: 4)
            _ = collection.optimize()
            database.settle()
            let sealed = try #require(collection.describe().segments.first { $0.state == .sealed })
            #expect(sealed.rows == rows && collection.describe().indexedPoints == rows)
            #expect(try collection.search([1, 0, 0, 0], effort: .ef(20)).strategy == strategy)
            try database.reopen()
            let again = try database.collection()
            #expect(try again.search([1, 0, 0, 0], effort: .ef(20)).strategy == strategy)
            #expect(try again.search([1, 0, 0, 0], limit: rows).ids.count == rows)
        }
    }

    @Test(arguments: Metric.allCases)
    func findsAlmostEverythingGrowingSealedAndReopened(metric: Metric) throws {
        let (database, collection) = try filled(1_500, size: 48, metric: metric)
        // Inner products are hard for graphs, on floats as on codes.
        let (_, plain) = try filled(1_500, size: 48, metric: metric, quantization: .none)
        let floor = try recall(plain, size: 48) - 0.02
        #expect(metric == .dot || floor >= 0.96)
        #expect(try recall(collection, size: 48) >= floor)
        _ = collection.optimize()
        database.settle()
        let sealed = try recall(collection, size: 48)
        #expect(sealed >= floor, "\(sealed)")
        try database.reopen()
        #expect(try recall(try database.collection(), size: 48) == sealed, "the file says the same")
    }

    @Test func scoresAreExactUnlessNobodyWantsThemToBe() throws {
        let (database, collection) = try filled(800, size: 32, metric: .euclid)
        _ = collection.optimize()
        database.settle()
        var differ = 0
        for query in clusteredVectors(10, dimension: 32, seed: 402) {
            let exact = try collection.search(query, effort: .exact)
            let rescored = try collection.search(query, effort: .ef(200))
            #expect(rescored.ids == exact.ids && rescored.scores == exact.scores)
            let estimated = try collection.search(query, effort: .ef(200)) { $0.rescores = false }
            #expect(estimated.scores == estimated.scores.sorted())
            let truth = Dictionary(
                uniqueKeysWithValues: zip(
                    try exactIDs(collection, query, 800),
                    try collection.search(query, limit: 800, effort: .exact).scores))
            for (id, score) in zip(estimated.ids, estimated.scores) {
                let exactScore = try #require(truth[id])
                #expect(abs(score - exactScore) < 0.05 * exactScore)
                differ += score == exactScore ? 0 : 1
            }
        }
        #expect(differ > 50, "estimates come from the codes")
    }

    @Test func oversamplingWidensTheBeam() throws {
        let (_, collection) = try filled(1_500, size: 16)
        var narrow = 0
        var wide = 0
        for query in clusteredVectors(30, dimension: 16, seed: 403) {
            let exact = Set(try exactIDs(collection, query))
            narrow += exact.intersection(try collection.search(query, effort: .ef(10)).ids).count
            wide +=
                exact.intersection(
                    try collection.search(query, effort: .ef(10)) { $0.oversampling = 10 }.ids
                ).count
        }
        #expect(wide > narrow && wide >= 297, "\(narrow) and \(wide) of 300")
    }

    @Test func withoutQuantizationTheGraphIsWalkedOnFloats() throws {
        let (database, collection) = try filled(300, size: 8, quantization: .none)
        _ = collection.optimize()
        database.settle()
        let sealed = try #require(collection.describe().segments.first { $0.state == .sealed })
        #expect(sealed.spaces[0].searchedOn == "float32")
        #expect(try recall(collection, size: 8) >= 0.98)
    }

    @Test(arguments: Metric.allCases)
    func bitsTakeOverWhenASegmentIsSealed(metric: Metric) throws {
        let (database, collection) = try filled(1_500, size: 96, metric: metric, quantization: .binary)
        #expect(collection.describe().segments[0].spaces[0].searchedOn == "int8")
        let before = try recall(collection, size: 96)
        _ = collection.optimize()
        database.settle()
        for _ in 0..<2 {
            let collection = try database.collection()
            let sealed = try #require(collection.describe().segments.first { $0.state == .sealed })
            #expect(sealed.spaces[0].searchedOn == "binary")
            let recall = try recall(collection, size: 96) { $0.oversampling = 40 }
            // Noise that is the same in all dimensions is the hardest that bits can be given.
            #expect(recall >= before - 0.05, "\(recall) after \(before)")
            try database.reopen()
        }
        // Merging begins with int8 again.
        try reopened(database).upsert([point(9_999, clusteredVectors(1, dimension: 96, seed: 5)[0])])
        _ = try reopened(database).optimize()
        database.settle()
        let merged = try reopened(database)
        #expect(merged.describe().segments.filter { $0.state == .sealed }.map(\.rows) == [1_501])
        #expect(try recall(merged, size: 96) { $0.oversampling = 40 } >= before - 0.05)
    }

    private func reopened(_ database: TestDatabase) throws -> Collection { try database.collection() }

    @Test func fewBitsAreNotWorthIt() throws {
        let (database, collection) = try filled(300, size: 63, quantization: .binary)
        _ = collection.optimize()
        database.settle()
        let sealed = try #require(collection.describe().segments.first { $0.state == .sealed })
        #expect(sealed.spaces[0].searchedOn == "int8")
    }

    @Test func aFrozenSegmentIsRefinedBeforeItIsSealed() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 8)
        let vectors = clusteredVectors(500, dimension: 8, seed: 401)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        let job = collection.optimize()
        var phases: [String] = []
        var done: [Int] = []
        while database.database.maintain(context: OperationContext()) {
            let snapshot = try #require(collection.job(job.id))
            if phases.last != snapshot.phase { phases.append(snapshot.phase) }
            if snapshot.phase == "refining" {
                #expect(snapshot.total == 500)
                done.append(snapshot.done)
            }
            #expect(try collection.search(vectors[9], limit: 1).ids == [PointID(9)], "at every step")
        }
        #expect(phases == ["indexing", "refining"])
        #expect(done == done.sorted() && done.count >= 15)
        #expect(collection.job(job.id)?.state == .done)
    }

    @Test func aGrowingSegmentIsNotRefined() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 8)
        let vectors = clusteredVectors(320, dimension: 8, seed: 401)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        var steps = 0
        while database.database.maintain(context: OperationContext()) { steps += 1 }
        #expect(steps == 11, "beginning, and ten runs of 32 rows")
    }
}
