import NeedleCore
import NeedleVectors
import Testing

/// Merges: a graph goes on without some of its rows and under new numbers.
@Suite struct GraphAdoptionTests {
    private let parameters = GraphBuilder.Parameters(m: 8, efConstruction: 64, seed: 5)

    private func quantizer(_ owned: OwnedTable) -> Quantizer {
        let rows = Array(0..<UInt32(owned.rowCount))
        return Quantizer(
            transform: SpaceTransform(training: owned.table, rows: rows.span, seed: 3), kind: .int8)
    }

    private func build(_ owned: OwnedTable, isCoded: Bool) throws -> GraphBuilder {
        let builder = keepAlive(
            try GraphBuilder(
                rowCapacity: owned.rowCount, parameters: parameters,
                quantizer: isCoded ? quantizer(owned) : nil))
        try builder.build(
            from: RowQueue(0..<UInt32(owned.rowCount)), table: owned.table, threads: 1,
            context: OperationContext())
        return builder
    }

    /// The rows that stay, numbered from behind, and the map to those numbers.
    private func survivors(of rows: [[Float]], dropping isDropped: (Int) -> Bool) -> ([[Float]], RowMap) {
        let kept = rows.indices.filter { !isDropped($0) }
        var map = [UInt32](repeating: RowMap.dropped, count: rows.count)
        for (place, old) in kept.reversed().enumerated() { map[old] = UInt32(place) }
        return (kept.reversed().map { rows[$0] }, RowMap(newRows: map))
    }

    private func adopt(
        _ graph: GraphView, _ map: RowMap, into owned: OwnedTable, capacity: Int, isCoded: Bool
    ) throws -> GraphBuilder {
        let builder = keepAlive(
            try GraphBuilder(
                rowCapacity: capacity, parameters: parameters, quantizer: isCoded ? quantizer(owned) : nil,
                upperRecords: Int(graph.header.upperRecordCount)))
        let scratch = SearchScratch()
        builder.beginAdopting(graph, rows: map)
        for row in map.newRows where row != RowMap.dropped {
            builder.encode(row, table: owned.table, scratch: scratch)
        }
        for old in 0..<graph.header.rowCount {
            builder.adopt(old, of: graph, rows: map, table: owned.table, scratch: scratch)
        }
        return builder
    }

    private func queries(_ metric: Metric) -> [PreparedQuery] {
        clusteredVectors(60, dimension: 24, clusters: 10, seed: 61).map { PreparedQuery($0, metric: metric) }
    }

    @Test(arguments: [false, true])
    func withoutLossTheListsAreTheSameUnderNewNumbers(isCoded: Bool) throws {
        let rows = clusteredVectors(500, dimension: 24, clusters: 10, seed: 60)
        let graph = try build(try OwnedTable(rows, metric: .cosine), isCoded: isCoded).view()
        let (kept, map) = survivors(of: rows) { _ in false }
        let owned = try OwnedTable(kept, metric: .cosine)
        let adopted = try adopt(graph, map, into: owned, capacity: 500, isCoded: isCoded).view()
        #expect(adopted.audit() == nil)
        for old in 0..<UInt32(500) {
            for level in 0..<3 {
                #expect(
                    adopted.neighbours(of: map.newRows[Int(old)], level: level)
                        == graph.neighbours(of: old, level: level).map { map.newRows[Int($0)] })
            }
        }
    }

    @Test(arguments: [false, true])
    func aThirdOfTheRowsGoAndRecallStays(isCoded: Bool) throws {
        let rows = clusteredVectors(1_200, dimension: 24, clusters: 10, seed: 60)
        let graph = try build(try OwnedTable(rows, metric: .euclid), isCoded: isCoded).view()
        let (kept, map) = survivors(of: rows) { $0 % 3 == 1 }
        let owned = try OwnedTable(kept, metric: .euclid)
        let adopted = try adopt(graph, map, into: owned, capacity: kept.count, isCoded: isCoded)
        #expect(adopted.insertedCount == kept.count)
        #expect(adopted.view().audit() == nil)
        let fresh = try build(owned, isCoded: isCoded).view()
        let queries = queries(.euclid)
        let recall = try owned.recall(adopted.view(), queries, ef: 40)
        let freshRecall = try owned.recall(fresh, queries, ef: 40)
        #expect(recall >= freshRecall - 0.03, "\(recall), built anew \(freshRecall)")
    }

    @Test func aWholeClusterMayGoTheEntryToo() throws {
        let rows = clusteredVectors(600, dimension: 24, clusters: 6, seed: 9)
        let graph = try build(try OwnedTable(rows, metric: .cosine), isCoded: true).view()
        let entry = Int(graph.header.entryRow)
        let (kept, map) = survivors(of: rows) { $0 == entry || $0 % 2 == 0 }
        let owned = try OwnedTable(kept, metric: .cosine)
        let adopted = try adopt(graph, map, into: owned, capacity: kept.count, isCoded: true).view()
        #expect(adopted.audit() == nil)
        #expect(try owned.recall(adopted, queries(.cosine), ef: 64) >= 0.9)
    }

    @Test func nothingLeftIsAnEmptyGraph() throws {
        let rows = clusteredVectors(50, dimension: 24, clusters: 2, seed: 9)
        let owned = try OwnedTable(rows, metric: .cosine)
        let graph = try build(owned, isCoded: true).view()
        let map = RowMap(newRows: [UInt32](repeating: RowMap.dropped, count: 50))
        let adopted = try adopt(graph, map, into: owned, capacity: 1, isCoded: true).view()
        #expect(adopted.isEmpty)
    }

    @Test func newRowsAreInsertedBehindAdoptedOnes() throws {
        let rows = clusteredVectors(800, dimension: 24, clusters: 10, seed: 60)
        let half = try OwnedTable(Array(rows[..<400]), metric: .cosine)
        let graph = try build(half, isCoded: true).view()
        let (survivors, map) = survivors(of: Array(rows[..<400])) { $0 % 4 == 0 }
        let kept = survivors + rows[400...]
        let owned = try OwnedTable(kept, metric: .cosine)
        let builder = try adopt(graph, map, into: owned, capacity: kept.count, isCoded: true)
        let rest = RowQueue(300..<UInt32(kept.count))
        try builder.build(from: rest, table: owned.table, threads: 2, context: OperationContext())
        #expect(builder.insertedCount == kept.count)
        #expect(builder.view().audit() == nil)
        #expect(try owned.recall(builder.view(), queries(.cosine), ef: 64) >= 0.93)
    }
}
