import NeedleCore
import NeedleVectors
import Testing

/// Graphs whose int8 codes make way for bits when they are written.
@Suite struct GraphRecodingTests {
    private struct Recoded {
        let owned: OwnedTable
        let built: GraphView
        let graph: GraphView
    }

    /// Every seventh row is left out of the graph.
    private func recoded(_ metric: Metric, dimension: Int = 96) throws -> Recoded {
        let owned = try OwnedTable(
            clusteredVectors(700, dimension: dimension, clusters: 12, seed: 3), metric: metric)
        let rows = Array(0..<UInt32(owned.rowCount))
        let transform = SpaceTransform(training: owned.table, rows: rows.span, seed: 9)
        let builder = keepAlive(
            try GraphBuilder(
                rowCapacity: owned.rowCount, parameters: .init(m: 8, efConstruction: 64, seed: 5),
                quantizer: Quantizer(transform: transform, kind: .int8)))
        try builder.build(
            from: RowQueue(rows.filter { $0 % 7 != 3 }), table: owned.table, threads: 1,
            context: OperationContext())
        let built = builder.view()
        let binary = Quantizer(transform: transform, kind: .binary)
        let recoding = GraphRecoding(built, quantizer: binary, table: owned.table)
        let nodes = keepAlive(try ReservedMemory(byteCount: recoding.header.nodesBytes))
        let bytes = UnsafeMutableRawBufferPointer(
            start: nodes.base, count: recoding.header.nodesBytes)
        let stride = recoding.header.layout.stride
        let count = recoding.header.rowCount
        for first in Swift.stride(from: 0, to: count, by: 100) {
            let end = min(count, first + 100)
            recoding.write(
                first..<end,
                to: UnsafeMutableRawBufferPointer(
                    rebasing: bytes[(Int(first) * stride)..<(Int(end) * stride)]), scratch: SearchScratch())
        }
        var sections = built.sections
        sections.nodes = UnsafeRawBufferPointer(bytes)
        let graph = try GraphView(
            header: recoding.header, quantizer: binary, sections: sections, file: "test")
        return Recoded(owned: owned, built: built, graph: graph)
    }

    @Test func listsAndLevelsStayAsTheyAre() throws {
        let recoded = try recoded(.cosine)
        #expect(recoded.graph.audit() == nil)
        #expect(recoded.graph.header.layout.stride < recoded.built.header.layout.stride)
        for row in 0..<recoded.graph.header.rowCount {
            #expect(recoded.graph.contains(row) == (row % 7 != 3))
            for level in 0..<3 {
                #expect(
                    recoded.graph.neighbours(of: row, level: level)
                        == recoded.built.neighbours(of: row, level: level))
            }
        }
    }

    @Test(arguments: Metric.allCases)
    func bitsFindWhatIsNearestWithRescoring(metric: Metric) throws {
        let recoded = try recoded(metric)
        let scratch = SearchScratch()
        var hits = 0
        for vector in clusteredVectors(40, dimension: 96, clusters: 12, seed: 62) {
            let query = PreparedQuery(vector, metric: metric)
            let truth = try recoded.owned.nearest(query, k: 40).map(\.row).filter { $0 % 7 != 3 }.prefix(10)
            let found = try recoded.owned.search(recoded.graph, query, ef: 200)
            let best = Rescoring.rescore(
                found, depth: 100, of: recoded.owned.table, query: query, scratch: scratch)
            hits += Set(best.prefix(10).map(\.row)).intersection(truth).count
        }
        #expect(hits >= 376, "\(hits) of 400")
    }
}
