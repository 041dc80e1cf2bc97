import Foundation
import NeedleCore
import NeedleVectors
import Synchronization
import Testing

@Suite struct GraphBuildTests {
    /// All four sections and the header.
    private func bytes(_ graph: GraphView) -> [[UInt8]] {
        let sections = graph.sections
        return [sections.levels, sections.nodes, sections.upperOffsets, sections.upperLinks].map {
            [UInt8]($0)
        }
    }

    @Test func oneThreadGivesTheSameBytesForTheSameSeed() throws {
        let owned = try OwnedTable(
            clusteredVectors(400, dimension: 8, clusters: 7, seed: 50), metric: .cosine)
        let first = try owned.graph(seed: 1)
        let second = try owned.graph(seed: 1)
        let other = try owned.graph(seed: 2)
        #expect(first.view().header == second.view().header)
        #expect(bytes(first.view()) == bytes(second.view()))
        #expect(bytes(first.view()) != bytes(other.view()))
    }

    @Test func aGraphReadBackFromItsSectionsAnswersAlike() throws {
        let owned = try OwnedTable(uniformVectors(300, dimension: 8, seed: 51), metric: .euclid)
        let graph = try owned.graph().view()
        let copies = bytes(graph)
        let query = PreparedQuery(uniformVectors(1, dimension: 8, seed: 52)[0], metric: .euclid)
        let expected = try owned.search(graph, query, ef: 30)
        try withSections(copies) { sections in
            let view = try GraphView(header: graph.header, quantizer: nil, sections: sections, file: "test")
            #expect(view.audit() == nil)
            #expect(try owned.search(view, query, ef: 30) == expected)
            var header = graph.header
            header.rowCount += 1
            #expect(throws: DatabaseError.self) {
                try GraphView(header: header, quantizer: nil, sections: sections, file: "test")
            }
            header = graph.header
            header.entryRow = header.rowCount
            #expect(throws: DatabaseError.self) {
                try GraphView(header: header, quantizer: nil, sections: sections, file: "test")
            }
            header = graph.header
            header.m = 0
            #expect(throws: DatabaseError.self) {
                try GraphView(header: header, quantizer: nil, sections: sections, file: "test")
            }
        }
    }

    /// Random bytes where links should be may cost the answer, never the process.
    @Test func damagedLinksAreSurvived() throws {
        let owned = try OwnedTable(uniformVectors(200, dimension: 4, seed: 53), metric: .euclid)
        let graph = try owned.graph(m: 4).view()
        var generator = SeededGenerator(seed: 54)
        for _ in 0..<50 {
            var copies = bytes(graph)
            for section in copies.indices where !copies[section].isEmpty {
                for _ in 0..<20 {
                    copies[section][.random(in: 0..<copies[section].count, using: &generator)] =
                        .random(in: 0...255, using: &generator)
                }
            }
            try withSections(copies) { sections in
                let view = try GraphView(
                    header: graph.header, quantizer: nil, sections: sections, file: "test")
                _ = view.audit()
                let query = PreparedQuery(uniformVectors(1, dimension: 4, seed: 55)[0], metric: .euclid)
                let found = try owned.search(view, query, ef: 20)
                #expect(found.allSatisfy { $0.row < 200 })
            }
        }
    }

    private func withSections(_ copies: [[UInt8]], _ body: (GraphSections) throws -> Void) throws {
        let regions = try copies.map { bytes in
            let region = try ReservedMemory(byteCount: max(1, bytes.count))
            region.base.copyMemory(from: bytes, byteCount: bytes.count)
            return region
        }
        try withExtendedLifetime(regions) {
            let raw = zip(regions, copies).map { UnsafeRawBufferPointer(start: $0.base, count: $1.count) }
            try body(
                GraphSections(levels: raw[0], nodes: raw[1], upperOffsets: raw[2], upperLinks: raw[3]))
        }
    }

    @Test func twoThreadsBuildAsGoodAGraphWhileOthersSearch() throws {
        let rows = clusteredVectors(1200, dimension: 16, clusters: 20, seed: 60)
        let owned = try OwnedTable(rows, metric: .cosine)
        let queries = clusteredVectors(30, dimension: 16, clusters: 20, seed: 61)
            .map { PreparedQuery($0, metric: .cosine) }
        let builder = keepAlive(
            try GraphBuilder(
                rowCapacity: rows.count, parameters: .init(m: 8, efConstruction: 64, seed: 1)))
        // Threads of their own: tasks might run one after the other.
        let finished = Atomic<Int>(0)
        let queue = RowQueue(0..<UInt32(rows.count))
        let table = owned.table
        for _ in 0..<2 {
            Thread.detachNewThread {
                try? builder.build(from: queue, table: table, threads: 1, context: OperationContext())
                finished.add(1, ordering: .acquiringAndReleasing)
            }
        }
        var during = 0
        while finished.load(ordering: .acquiring) < 2 {
            for query in queries {
                let result = try owned.search(builder.view(), query, ef: 10)
                #expect(result.allSatisfy { $0.row < rows.count && $0.distance.isFinite })
                if result.count == 10, builder.insertedCount < rows.count { during += 1 }
            }
        }
        #expect(during > 0, "no search met the graph while it grew")
        #expect(builder.insertedCount == rows.count)
        #expect(builder.view().audit() == nil)
        let recall = try owned.recall(builder.view(), queries, ef: 40)
        #expect(recall >= 0.95, "\(recall)")
    }

    @Test func aCancelledInsertionLeavesTheRowOutAndMayBeRepeated() throws {
        let owned = try OwnedTable(uniformVectors(200, dimension: 4, seed: 62), metric: .euclid)
        let builder = keepAlive(
            try GraphBuilder(rowCapacity: 200, parameters: .init(m: 4, efConstruction: 100)))
        try builder.build(
            from: RowQueue(0..<199), table: owned.table, threads: 1, context: OperationContext())
        let context = OperationContext()
        context.cancel()
        let scratch = SearchScratch()
        #expect(throws: DatabaseError.self) {
            try builder.insert(199, table: owned.table, scratch: scratch, context: context)
        }
        #expect(!builder.view().contains(199) && builder.insertedCount == 199)
        try builder.insert(199, table: owned.table, scratch: scratch, context: OperationContext())
        #expect(builder.view().contains(199) && builder.view().audit() == nil)
    }

    @Test func rowsMayBeAbsentAndComeInAnyOrder() throws {
        let rows = uniformVectors(300, dimension: 6, seed: 63)
        let owned = try OwnedTable(rows, metric: .euclid)
        let builder = keepAlive(
            try GraphBuilder(rowCapacity: 300, parameters: .init(m: 6, efConstruction: 50)))
        let present = (0..<300).filter { $0 % 3 != 0 }.map { UInt32($0) }.reversed()
        try builder.build(
            from: RowQueue(Array(present)), table: owned.table, threads: 1, context: OperationContext())
        let graph = builder.view()
        #expect(graph.audit() == nil)
        let found = try owned.search(graph, PreparedQuery(rows[0], metric: .euclid), ef: 300)
        #expect(Set(found.map(\.row)) == Set(present))
    }

    @Test func aBuilderGoesOnFromACopyOfAGraph() throws {
        let rows = clusteredVectors(600, dimension: 8, clusters: 9, seed: 64)
        let owned = try OwnedTable(rows, metric: .euclid)
        let base = keepAlive(
            try GraphBuilder(rowCapacity: 400, parameters: .init(m: 6, efConstruction: 40, seed: 3)))
        try base.build(from: RowQueue(0..<400), table: owned.table, threads: 1, context: OperationContext())
        let copy = keepAlive(
            try GraphBuilder(
                copying: base.view(), rowCapacity: 600, parameters: .init(m: 6, efConstruction: 40, seed: 3)))
        #expect(bytes(copy.view()) == bytes(base.view()))
        #expect(copy.insertedCount == 400)
        try copy.build(from: RowQueue(400..<600), table: owned.table, threads: 1, context: OperationContext())
        #expect(copy.view().audit() == nil)
        let straight = keepAlive(
            try GraphBuilder(rowCapacity: 600, parameters: .init(m: 6, efConstruction: 40, seed: 3)))
        try straight.build(
            from: RowQueue(0..<600), table: owned.table, threads: 1, context: OperationContext())
        #expect(bytes(copy.view()) == bytes(straight.view()))
    }
}
