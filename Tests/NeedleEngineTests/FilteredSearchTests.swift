import NeedleCore
import NeedleEngine
import Testing

/// Searches with a filter, whichever way they are answered: by originals, by codes, by the graph.
@Suite struct FilteredSearchTests {
    private static let rows = 4_000

    /// Points with their number and their tens as payload, sealed, and some written since.
    private func filled(quantization: QuantizationKind = .int8) throws -> (TestDatabase, Collection) {
        var options = TestDatabase.smallOptions
        options.growingRows = 4_096
        let database = try TestDatabase(options: options)
        let collection = try database.create(size: 24, quantization: quantization)
        let points = clusteredVectors(Self.rows, dimension: 24, seed: 70).enumerated().map { number, vector in
            PointWrite(
                id: .integer(UInt64(number)), vectors: .single(vector),
                payload: Payload(#"{"n":\#(number),"mixed":\#(SeededGenerator.mix(UInt64(number)) % 1_000)}"#)
            )
        }
        for start in stride(from: 0, to: 3_800, by: 1_000) {
            try collection.upsert(Array(points[start..<min(start + 1_000, 3_800)]))
        }
        _ = collection.optimize()
        database.settle()
        try collection.upsert(Array(points[3_800...]))
        return (database, collection)
    }

    private func below(_ bound: Int64, _ key: String = "mixed") throws -> Filter {
        let path = try FieldPath(parsing: key)
        let upper = RangeTest.Bound(value: ExactNumber(bound), isInclusive: false)
        return Filter(must: [.range(path, RangeTest(kind: .number, lower: nil, upper: upper))])
    }

    private func number(_ hit: SearchHit) -> UInt64 {
        if case .integer(let number) = hit.record.id { number } else { .max }
    }

    @Test(arguments: [QuantizationKind.int8, .binary, .none])
    func asManyAsMatchComeBackAndTheNearest(quantization: QuantizationKind) throws {
        let (_, collection) = try filled(quantization: quantization)
        var strategies: Set<SearchStrategy> = []
        let queries = clusteredVectors(15, dimension: 24, seed: 71)
        let unfiltered = try queries.reduce(0.0) { sum, query in
            let truth = try collection.search(query, effort: .exact).ids
            let found = Set(try collection.search(query).ids).intersection(truth).count
            return sum + Double(found) / Double(10 * queries.count)
        }
        for share: Int64 in [1, 5, 20, 100, 500, 1_000] {
            let filter = try below(share)
            let matching = try collection.count(filter)
            var hits = 0
            var wanted = 0
            for query in queries {
                let truth = try collection.search(query, effort: .exact, filter: filter).ids
                for effort in [SearchEffort.standard, .ef(16)] {
                    let result = try collection.search(query, effort: effort, filter: filter)
                    #expect(result.ids.count == min(10, matching))
                    #expect(
                        result.hits.allSatisfy { SeededGenerator.mix(number($0)) % 1_000 < UInt64(share) },
                        "a point that does not match")
                    #expect(result.scores == result.scores.sorted(by: >))
                    strategies.insert(result.strategy)
                    if effort == .standard { hits += Set(result.ids).intersection(truth).count }
                }
                wanted += truth.count
            }
            // These queries lie elsewhere than the points from which the collection learned its effort.
            #expect(
                Double(hits) >= min(0.95, unfiltered - 0.04) * Double(wanted),
                "\(quantization), \(share) of 1,000: \(hits) of \(wanted), without a filter \(unfiltered)")
        }
        #expect(strategies.contains(.filteredGraph) || strategies.contains(.mixed))
    }

    /// The rows that match lie on the other side of the space.
    @Test func aFilterAgainstTheQueryFindsWhatThereIs() throws {
        let (_, collection) = try filled()
        for query in clusteredVectors(10, dimension: 24, seed: 72) {
            let away = query.map { 0 - $0 }
            let far = try collection.search(away, limit: 1_000, effort: .exact).ids
            let filter = Filter(must: [.hasID(Set(far))])
            let truth = try collection.search(query, effort: .exact, filter: filter).ids
            let result = try collection.search(query, filter: filter)
            #expect(result.ids.count == 10)
            #expect(Set(result.ids).intersection(truth).count >= 9)
        }
    }

    @Test func deletedPointsDoNotCountAsMatches() throws {
        let (_, collection) = try filled()
        let filter = try below(100)
        let query = clusteredVectors(1, dimension: 24, seed: 73)[0]
        let before = try collection.search(query, limit: 50, filter: filter).ids
        try collection.delete(.ids(Array(before.prefix(25))))
        let after = try collection.search(query, limit: 50, filter: filter).ids
        #expect(after.count == 50)
        #expect(Set(after).isDisjoint(with: before.prefix(25)))
    }

    @Test func filtersThatMatchTheSamePointsGiveTheSameAnswer() throws {
        let (_, collection) = try filled()
        let one = try below(300)
        let other = Filter(must: [.filter(one), .filter(Filter(should: one.must + one.must))])
        for query in clusteredVectors(20, dimension: 24, seed: 74) {
            let left = try collection.search(query, filter: one)
            let right = try collection.search(query, filter: other)
            #expect(left.ids == right.ids && left.scores == right.scores)
        }
    }

    @Test func withoutRescoringTheCodesHaveTheLastWord() throws {
        let (_, collection) = try filled()
        let filter = try below(200)
        for query in clusteredVectors(5, dimension: 24, seed: 75) {
            let truth = try collection.search(query, effort: .exact, filter: filter)
            let result = try collection.search(query, filter: filter) { $0.rescores = false }
            #expect(result.ids.count == 10)
            for (score, exact) in zip(result.scores, truth.scores) { #expect(abs(score - exact) < 0.05) }
        }
    }

    /// Around the numbers of rows at which another way begins, before the originals are known to lie in memory and after.
    @Test func fewRowsAreAllComparedWhateverTheEffort() throws {
        let (_, collection) = try filled()
        let query = clusteredVectors(1, dimension: 24, seed: 76)[0]
        for _ in 0..<2 {
            for count: Int64 in [0, 1, 9, 10, 18, 19, 20, 48, 49, 127, 128, 129] {
                let filter = try below(count, "n")
                let truth = try collection.search(query, effort: .exact, filter: filter)
                let result = try collection.search(query, effort: .ef(10), filter: filter)
                #expect(result.ids == truth.ids && result.scores == truth.scores)
                #expect(result.ids.count == min(10, Int(count)))
            }
            for _ in 0..<300 { _ = try collection.search(query, filter: try below(10, "n")) }
        }
        let explained = try collection.search(query, filter: try below(128, "n")) { $0.explains = true }
        let segments = explained.explanation?["segments"]
        #expect(segments?[1]?["strategy"]?.stringValue == "originals")
        #expect(segments?[1]?["why"]?.stringValue == "few rows match")
    }

    @Test func fewRowsWithoutAVectorAreNotFound() throws {
        let database = try TestDatabase()
        let spaces = ["a", "b"].map { SpaceConfig(name: $0, size: 2, metric: .cosine) }
        _ = try database.database.createCollection(named: "c", config: CollectionConfig(spaces: spaces))
        let collection = try database.database.collection(named: "c")
        try collection.upsert(
            (0..<12).map { number in
                let vectors = ["a", "b"].map { NamedVector(space: $0, vector: [1, Float(number)]) }
                return PointWrite(
                    id: PointID(UInt64(number)), vectors: .named(Array(vectors.suffix(number < 5 ? 2 : 1))),
                    payload: Payload(#"{"n":\#(number)}"#))
            })
        let result = try collection.search([1, 0], filter: try below(9, "n")) { $0.space = "a" }
        #expect(result.hits.map(\.record.id) == (0..<5).map { PointID(UInt64($0)) })
    }
}
