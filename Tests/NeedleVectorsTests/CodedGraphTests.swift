import NeedleCore
import NeedleVectors
import Testing

/// Graphs that are built and walked on codes.
@Suite struct CodedGraphTests {
    private func quantizer(_ owned: OwnedTable, _ kind: CodeKind = .int8) -> Quantizer {
        let rows = Array(0..<UInt32(owned.rowCount))
        return Quantizer(
            transform: SpaceTransform(training: owned.table, rows: rows.span, seed: 3), kind: kind)
    }

    private func build(
        _ owned: OwnedTable, refined: Bool = true, threads: Int = 1, seed: UInt64 = 5
    ) throws -> GraphBuilder {
        let builder = keepAlive(
            try GraphBuilder(
                rowCapacity: owned.rowCount, parameters: .init(m: 8, efConstruction: 64, seed: seed),
                quantizer: quantizer(owned)))
        let rows = 0..<UInt32(owned.rowCount)
        let context = OperationContext()
        try builder.build(from: RowQueue(rows), table: owned.table, threads: threads, context: context)
        if refined {
            try builder.refine(from: RowQueue(rows), table: owned.table, threads: threads, context: context)
        }
        return builder
    }

    /// Recall@10 with rescoring of the best 30.
    private func recall(
        _ owned: OwnedTable, _ graph: GraphView, _ queries: [PreparedQuery], ef: Int
    ) throws -> Double {
        var hits = 0
        let scratch = SearchScratch()
        for query in queries {
            let truth = Set(try owned.nearest(query, k: 10).map(\.row))
            let found = try owned.search(graph, query, ef: ef)
            let best = Rescoring.rescore(found, depth: 30, of: owned.table, query: query, scratch: scratch)
            hits += best.prefix(10).count { truth.contains($0.row) }
        }
        return Double(hits) / Double(10 * queries.count)
    }

    private func queries(_ count: Int, dimension: Int, _ metric: Metric) -> [PreparedQuery] {
        clusteredVectors(count, dimension: dimension, clusters: 20, seed: 61)
            .map { PreparedQuery($0, metric: metric) }
    }

    @Test(arguments: Metric.allCases)
    func findsWhatIsNearestOnEveryMetric(metric: Metric) throws {
        let rows = clusteredVectors(800, dimension: 48, clusters: 20, seed: 60)
        let owned = try OwnedTable(rows, metric: metric)
        let graph = try build(owned).view()
        #expect(graph.audit() == nil)
        let recall = try recall(owned, graph, queries(50, dimension: 48, metric), ef: 64)
        #expect(recall >= 0.97, "\(recall)")
    }

    @Test func distancesAreTheEstimatesOfTheCodes() throws {
        let owned = try OwnedTable(
            clusteredVectors(600, dimension: 40, clusters: 8, seed: 1), metric: .euclid)
        let graph = try build(owned).view()
        for query in queries(20, dimension: 40, .euclid) {
            for neighbour in try owned.search(graph, query, ef: 20) {
                let exact = ExactDistance.distance(of: neighbour.row, in: owned.table, to: query)
                let scale = query.norm * query.norm
                #expect(abs(neighbour.distance - exact) < 0.03 * scale, "\(neighbour.distance) for \(exact)")
            }
        }
    }

    @Test func rescoringOrdersByTheOriginals() throws {
        let owned = try OwnedTable(
            clusteredVectors(600, dimension: 40, clusters: 8, seed: 1), metric: .cosine)
        let graph = try build(owned).view()
        let scratch = SearchScratch()
        for query in queries(20, dimension: 40, .cosine) {
            let found = try owned.search(graph, query, ef: 40)
            let best = Rescoring.rescore(found, depth: 25, of: owned.table, query: query, scratch: scratch)
            #expect(Set(best.map(\.row)) == Set(found.prefix(25).map(\.row)))
            for (left, right) in zip(best, best.dropFirst()) {
                #expect((left.distance, left.row) <= (right.distance, right.row))
            }
            for neighbour in best {
                let exact = ExactDistance.distance(of: neighbour.row, in: owned.table, to: query)
                #expect(abs(neighbour.distance - exact) < 1e-5)
            }
        }
        let query = queries(1, dimension: 40, .cosine)[0]
        #expect(Rescoring.rescore([], depth: 5, of: owned.table, query: query, scratch: scratch).isEmpty)
    }

    @Test func oneThreadAndASeedGiveTheSameBytes() throws {
        let owned = try OwnedTable(
            clusteredVectors(500, dimension: 20, clusters: 9, seed: 2), metric: .cosine)
        let first = try build(owned).view().sections
        let second = try build(owned).view().sections
        #expect(first.nodes.elementsEqual(second.nodes))
        #expect(first.upperLinks.elementsEqual(second.upperLinks))
    }

    @Test func refiningRaisesRecallPerDistance() throws {
        let owned = try OwnedTable(
            clusteredVectors(1_500, dimension: 32, clusters: 40, seed: 8), metric: .cosine)
        let queries = queries(100, dimension: 32, .cosine)
        let plain = try recall(owned, try build(owned, refined: false).view(), queries, ef: 12)
        let refined = try recall(owned, try build(owned).view(), queries, ef: 12)
        #expect(refined > plain, "\(plain) became \(refined)")
    }

    @Test func severalThreadsBuildAndRefineASoundGraph() throws {
        let owned = try OwnedTable(
            clusteredVectors(600, dimension: 24, clusters: 12, seed: 4), metric: .euclid)
        let graph = try build(owned, threads: 3).view()
        #expect(graph.audit() == nil)
        #expect((0..<600).allSatisfy { graph.contains(UInt32($0)) })
        let recall = try recall(owned, graph, queries(50, dimension: 24, .euclid), ef: 48)
        #expect(recall >= 0.97, "\(recall)")
    }

    @Test func vectorsThatAreAllEqualStayReachable() throws {
        let owned = try OwnedTable([[Float]](repeating: [1, 2, 3], count: 300), metric: .euclid)
        let graph = try build(owned).view()
        let query = PreparedQuery([1, 2, 3], metric: .euclid)
        let found = try owned.search(graph, query, ef: 300)
        // A search that needs more than the graph gives is answered by a scan.
        #expect(found.count >= 285, "\(found.count)")
        #expect(found.allSatisfy { abs($0.distance) < 1e-4 })
    }

    @Test func aFileGivesTheSameAnswers() throws {
        let owned = try OwnedTable(
            clusteredVectors(700, dimension: 30, clusters: 9, seed: 2), metric: .cosine)
        let graph = try build(owned).view()
        let quantizer = try #require(graph.quantizer)
        let read = try GraphView(
            header: graph.header, quantizer: quantizer, sections: graph.sections, file: "test")
        for query in queries(10, dimension: 30, .cosine) {
            #expect(try owned.search(read, query, ef: 20) == owned.search(graph, query, ef: 20))
        }
        #expect(throws: DatabaseError.self) {
            try GraphView(header: graph.header, quantizer: nil, sections: graph.sections, file: "test")
        }
        var header = graph.header
        header.dimension += 1
        #expect(throws: DatabaseError.self) {
            try GraphView(header: header, quantizer: quantizer, sections: graph.sections, file: "test")
        }
    }
}
