import NeedleCore
import NeedleVectors
import Testing

/// Builds on small seeded data. Floors lie one to two points under what was measured when they were set.
@Suite struct GraphRecallTests {
    struct Floor: Sendable {
        var clustered: Bool
        var metric: Metric
        var m: Int
        var ef: Int
        var recall: Double
    }

    @Test(arguments: [
        Floor(clustered: true, metric: .cosine, m: 8, ef: 10, recall: 0.96),
        Floor(clustered: true, metric: .dot, m: 8, ef: 40, recall: 0.97),
        Floor(clustered: true, metric: .euclid, m: 6, ef: 10, recall: 0.965),
        Floor(clustered: false, metric: .cosine, m: 8, ef: 30, recall: 0.98),
        Floor(clustered: false, metric: .dot, m: 12, ef: 40, recall: 0.975),
        Floor(clustered: false, metric: .euclid, m: 4, ef: 60, recall: 0.975),
    ])
    func reachesTheFloor(floor: Floor) throws {
        let rows =
            floor.clustered
            ? clusteredVectors(1000, dimension: 16, clusters: 20, seed: 20)
            : uniformVectors(1000, dimension: 12, seed: 21)
        let owned = try OwnedTable(rows, metric: floor.metric)
        let builder = try owned.graph(m: floor.m)
        #expect(builder.view().audit() == nil)
        let queries = queries(40, like: floor.clustered, dimension: rows[0].count, metric: floor.metric)
        let recall = try owned.recall(builder.view(), queries, ef: floor.ef)
        #expect(recall >= floor.recall, "\(floor): \(recall)")
    }

    private func queries(_ count: Int, like clustered: Bool, dimension: Int, metric: Metric)
        -> [PreparedQuery]
    {
        let vectors =
            clustered
            ? clusteredVectors(count, dimension: dimension, clusters: 20, seed: 30)
            : uniformVectors(count, dimension: dimension, seed: 31)
        return vectors.map { PreparedQuery($0, metric: metric) }
    }

    @Test func aWiderBeamNeverFindsLess() throws {
        let owned = try OwnedTable(uniformVectors(1000, dimension: 16, seed: 40), metric: .euclid)
        let builder = try owned.graph(m: 4, efConstruction: 32)
        let queries = queries(40, like: false, dimension: 16, metric: .euclid)
        let recalls = try [10, 20, 40, 80, 160, 1000].map {
            try owned.recall(builder.view(), queries, ef: $0)
        }
        #expect(recalls == recalls.sorted())
        #expect(recalls[0] < 0.9 && recalls[5] > 0.99, "\(recalls)")
    }

    @Test func resultsAreSortedDistinctAndScoredAsTheScanScores() throws {
        let owned = try OwnedTable(
            clusteredVectors(500, dimension: 9, clusters: 9, seed: 41), metric: .cosine)
        let graph = try owned.graph().view()
        let query = PreparedQuery(uniformVectors(1, dimension: 9, seed: 42)[0], metric: .cosine)
        let found = try owned.search(graph, query, ef: 50)
        #expect(found.count == 50)
        #expect(Set(found.map(\.row)).count == 50)
        #expect(found == found.sorted { ($0.distance, $0.row) < ($1.distance, $1.row) })
        let exact = Dictionary(
            uniqueKeysWithValues: try owned.nearest(query, k: 500).map { ($0.row, $0.distance) })
        #expect(found.allSatisfy { exact[$0.row] == $0.distance })
    }

    @Test func aCancelledSearchThrows() throws {
        let owned = try OwnedTable(uniformVectors(10, dimension: 2, seed: 1), metric: .dot)
        let graph = try owned.graph().view()
        let context = OperationContext()
        context.cancel()
        #expect(throws: DatabaseError.self) {
            try GraphSearcher.search(
                graph, table: owned.table, query: PreparedQuery([1, 1], metric: .dot), ef: 5,
                scratch: SearchScratch(), context: context)
        }
    }
}
