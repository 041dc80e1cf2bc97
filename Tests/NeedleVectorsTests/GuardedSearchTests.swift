import NeedleCore
import NeedleVectors
import Testing

/// Searching a graph whose rows are admitted one by one.
@Suite struct GuardedSearchTests {
    private final class Recorder: RowGuard {
        var admitted: Set<UInt32> = []
        var refused: Set<UInt32> = []

        func admit(_ row: UInt32) { admitted.insert(row) }
        var refusal: DatabaseError? {
            refused.isDisjoint(with: admitted) ? nil : .corruption(file: "graph", offset: 7, what: "refused")
        }
    }

    private let owned: OwnedTable
    private let query: PreparedQuery

    init() throws {
        owned = try OwnedTable(clusteredVectors(600, dimension: 32, clusters: 12, seed: 5), metric: .cosine)
        query = PreparedQuery(
            clusteredVectors(1, dimension: 32, clusters: 12, seed: 6)[0], metric: .cosine)
    }

    private func graph(isCoded: Bool) throws -> GraphView {
        let rows = 0..<UInt32(owned.rowCount)
        let quantizer =
            isCoded
            ? Quantizer(
                transform: SpaceTransform(training: owned.table, rows: Array(rows).span, seed: 3), kind: .int8
            )
            : nil
        let builder = keepAlive(
            try GraphBuilder(
                rowCapacity: owned.rowCount, parameters: .init(m: 8, efConstruction: 64, seed: 1),
                quantizer: quantizer))
        try builder.build(
            from: RowQueue(rows), table: owned.table, threads: 1, context: OperationContext())
        return builder.view()
    }

    private func search(_ graph: GraphView, guardedBy recorder: Recorder?) throws -> [Neighbour] {
        try GraphSearcher.search(
            graph, table: owned.table, query: query, ef: 20, guardedBy: recorder, scratch: SearchScratch(),
            context: OperationContext())
    }

    @Test(arguments: [true, false])
    func theAnswerDependsOnAdmittedRowsOnly(isCoded: Bool) throws {
        let graph = try graph(isCoded: isCoded)
        let recorder = Recorder()
        let found = try search(graph, guardedBy: recorder)
        #expect(found == (try search(graph, guardedBy: nil)))
        #expect(recorder.admitted.count >= 20 && recorder.admitted.count < owned.rowCount)
        // Whatever lies in the other records changes nothing.
        let sections = graph.sections
        let stride = sections.nodes.count / owned.rowCount
        let nodes = UnsafeMutableRawBufferPointer.allocate(byteCount: sections.nodes.count, alignment: 64)
        defer { nodes.deallocate() }
        nodes.copyMemory(from: sections.nodes)
        for row in 0..<owned.rowCount where !recorder.admitted.contains(UInt32(row)) {
            for place in (row * stride)..<((row + 1) * stride) { nodes[place] = 0xA5 }
        }
        let damaged = try GraphView(
            header: graph.header, quantizer: graph.quantizer,
            sections: GraphSections(
                levels: sections.levels, nodes: UnsafeRawBufferPointer(nodes),
                upperOffsets: sections.upperOffsets, upperLinks: sections.upperLinks), file: "copy")
        #expect(try search(damaged, guardedBy: nil) == found)
    }

    @Test func aRefusedRowEndsTheSearchWithItsReason() throws {
        let graph = try graph(isCoded: true)
        let recorder = Recorder()
        recorder.refused = [try search(graph, guardedBy: nil)[3].row]
        let error = #expect(throws: DatabaseError.self) { try search(graph, guardedBy: recorder) }
        #expect(error?.kind == .corruption)
        let other = Recorder()
        other.refused = [UInt32(owned.rowCount)]
        _ = try search(graph, guardedBy: other)
    }
}
