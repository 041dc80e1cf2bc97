import NeedleCore
import NeedleVectors
import Testing

@Suite struct GraphDegenerateTests {
    @Test func anEmptyGraphFindsNothing() throws {
        let owned = try OwnedTable([], metric: .euclid)
        let builder = try owned.graph()
        #expect(builder.view().isEmpty)
        #expect(try owned.search(builder.view(), PreparedQuery([1], metric: .euclid), ef: 10).isEmpty)
    }

    @Test(arguments: Metric.allCases, [1, 2, 3])
    func fewPointsAreAllFound(metric: Metric, count: Int) throws {
        for dimension in [1, 3] {
            let owned = try OwnedTable(uniformVectors(count, dimension: dimension, seed: 70), metric: metric)
            let query = PreparedQuery(uniformVectors(1, dimension: dimension, seed: 71)[0], metric: metric)
            let found = try owned.search(try owned.graph().view(), query, ef: 50)
            #expect(found == (try owned.nearest(query, k: count)))
        }
    }

    @Test(arguments: Metric.allCases)
    func equalVectorsStayReachable(metric: Metric) throws {
        let owned = try OwnedTable([[Float]](repeating: [0.3, -0.7, 0.1], count: 600), metric: metric)
        let graph = try owned.graph(m: 4, efConstruction: 32).view()
        let query = PreparedQuery([0.3, -0.7, 0.1], metric: metric)
        #expect(graph.audit() == nil)
        for ef in [1, 10, 100, 400] { #expect(try owned.search(graph, query, ef: ef).count == ef) }
        let reachable = try owned.search(graph, query, ef: 1000).count
        #expect(reachable >= 570, "\(reachable)")
    }

    /// Groups of equal vectors larger than any list and beam must not swallow a search that passes through.
    @Test(arguments: Metric.allCases)
    func groupsOfDuplicatesDoNotCutTheGraphApart(metric: Metric) throws {
        let distinct = uniformVectors(12, dimension: 6, seed: 72)
        let rows = (0..<1200).map { distinct[$0 % 12] }
        let owned = try OwnedTable(rows, metric: metric)
        let graph = try owned.graph(m: 6, efConstruction: 40).view()
        for vector in distinct {
            let query = PreparedQuery(vector, metric: metric)
            let found = try owned.search(graph, query, ef: 40)
            let best = try owned.nearest(query, k: 1)[0].distance
            #expect(found.prefix(10).allSatisfy { $0.distance == best })
        }
    }

    @Test func oneDimensionIsSearchedWell() throws {
        let owned = try OwnedTable(uniformVectors(800, dimension: 1, seed: 73), metric: .euclid)
        let graph = try owned.graph(m: 4, efConstruction: 32).view()
        let queries = uniformVectors(30, dimension: 1, seed: 74).map { PreparedQuery($0, metric: .euclid) }
        let recall = try owned.recall(graph, queries, ef: 20)
        #expect(recall >= 0.98, "\(recall)")
    }

    @Test func aBeamWiderThanTheGraphFindsEverything() throws {
        let owned = try OwnedTable(uniformVectors(150, dimension: 5, seed: 75), metric: .cosine)
        let query = PreparedQuery(uniformVectors(1, dimension: 5, seed: 76)[0], metric: .cosine)
        let found = try owned.search(try owned.graph().view(), query, ef: 5000)
        #expect(found == (try owned.nearest(query, k: 150)))
    }
}

@Suite struct SearchScratchTests {
    /// A scratch outlives many epochs and graphs of different sizes without remembering anything.
    @Test func reuseChangesNothing() throws {
        let small = try OwnedTable(uniformVectors(40, dimension: 4, seed: 80), metric: .euclid)
        let large = try OwnedTable(uniformVectors(300, dimension: 4, seed: 81), metric: .euclid)
        let graphs = (try small.graph().view(), try large.graph().view())
        let query = PreparedQuery([0.1, 0.2, 0.3, 0.4], metric: .euclid)
        let pool = SearchScratchPool()
        let expected = (
            try small.search(graphs.0, query, ef: 7), try large.search(graphs.1, query, ef: 60)
        )
        for _ in 0..<600 {
            let scratch = pool.take()
            defer { pool.giveBack(scratch) }
            let context = OperationContext()
            #expect(
                try GraphSearcher.search(
                    graphs.0, table: small.table, query: query, ef: 7, scratch: scratch, context: context)
                    == expected.0)
            #expect(
                try GraphSearcher.search(
                    graphs.1, table: large.table, query: query, ef: 60, scratch: scratch, context: context)
                    == expected.1)
        }
    }

    @Test func thePoolGivesBackWhatItGot() {
        let pool = SearchScratchPool(keep: 1)
        let first = pool.take()
        let second = pool.take()
        #expect(first !== second)
        pool.giveBack(first)
        pool.giveBack(second)
        #expect(pool.take() === first)
        #expect(pool.take() !== second)
    }
}
