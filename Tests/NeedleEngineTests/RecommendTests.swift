import NeedleCore
import NeedleEngine
import Testing

/// Searches for what is like some points and unlike others.
@Suite struct RecommendTests {
    private func search(
        _ collection: Collection, like positive: [UInt64], unlike negative: [UInt64] = [], limit: Int = 10,
        effort: SearchEffort = .standard
    ) throws -> SearchResult {
        let query = SearchQuery(
            target: .examples(
                positive: positive.map { .integer($0) }, negative: negative.map { .integer($0) }),
            limit: limit, effort: effort)
        return try collection.search(query, context: OperationContext())
    }

    private func filled(_ vectors: [[Float]], metric: Metric) throws -> (TestDatabase, Collection) {
        let database = try TestDatabase()
        let collection = try database.create(size: vectors[0].count, metric: metric)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        database.settle()
        return (database, collection)
    }

    @Test(arguments: Metric.allCases)
    func itIsASearchForTheMeanMovedAway(metric: Metric) throws {
        let vectors = clusteredVectors(400, dimension: 8, seed: 80)
        let (_, collection) = try filled(vectors, metric: metric)
        func mean(_ ids: [Int]) -> [Double] {
            (0..<8).map { i in
                ids.reduce(0.0) { sum, id in
                    let length = vectors[id].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
                    return sum + Double(vectors[id][i]) / (metric == .cosine ? length : 1)
                } / Double(ids.count)
            }
        }
        for (positive, negative) in [([3], []), ([3, 50, 7], []), ([3, 50], [100, 101, 102])]
            as [([Int], [Int])]
        {
            let liked = mean(positive)
            let disliked = negative.isEmpty ? liked : mean(negative)
            let target = (0..<8).map { Float(2 * liked[$0] - disliked[$0]) }
            let left = Set(positive + negative)
            let expected = try collection.search(target, limit: 10 + left.count, effort: .exact).hits
                .filter { hit in !left.contains { hit.record.id == .integer(UInt64($0)) } }.prefix(10)
            let result = try search(
                collection, like: positive.map { UInt64($0) }, unlike: negative.map { UInt64($0) },
                effort: .exact)
            #expect(result.ids == expected.map(\.record.id))
            for (score, wanted) in zip(result.scores, expected.map(\.score)) {
                #expect(abs(score - wanted) <= 1e-5 * max(1, abs(wanted)))
            }
        }
    }

    @Test func asManyAsAreWantedComeBackAlthoughTheExamplesAreTheNearest() throws {
        let (_, collection) = try filled(clusteredVectors(300, dimension: 8, seed: 81), metric: .cosine)
        let examples = (0..<40).map { UInt64($0) }
        let result = try search(collection, like: examples, limit: 260)
        #expect(result.ids.count == 260)
        #expect(!result.ids.contains { id in examples.contains { id == .integer($0) } })
    }

    @Test func oneExampleIsASearchByThatPoint() throws {
        let (_, collection) = try filled(clusteredVectors(300, dimension: 8, seed: 82), metric: .euclid)
        let query = SearchQuery(target: .point(.integer(17)), effort: .exact)
        let byPoint = try collection.search(query, context: OperationContext())
        let byExample = try search(collection, like: [17], effort: .exact)
        #expect(byPoint.ids == byExample.ids && byPoint.scores == byExample.scores)
    }

    @Test func whatIsNotThereIsNamed() throws {
        let (_, collection) = try filled(clusteredVectors(20, dimension: 8, seed: 83), metric: .cosine)
        let missing = #expect(throws: DatabaseError.self) {
            try search(collection, like: [1], unlike: [2, 99])
        }
        #expect(missing?.kind == .notFound && missing?.at == "negative[1]")
    }

    @Test func examplesThatCancelEachOtherAreRefused() throws {
        let (_, collection) = try filled([[1, 0], [-1, 0], [0, 1]], metric: .cosine)
        let error = #expect(throws: DatabaseError.self) { try search(collection, like: [0, 1]) }
        #expect(error?.kind == .invalidParams && error?.at == "positive")
    }
}
