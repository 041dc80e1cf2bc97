import NeedleCore
import NeedleVectors
import Testing

/// Searches among the rows of a mask, by graph and by scan of the codes.
@Suite struct FilteredSearchTests {
    private static let rows = 3_000
    private let owned: OwnedTable
    private let queries: [PreparedQuery]

    init() throws {
        owned = try OwnedTable(
            clusteredVectors(Self.rows, dimension: 32, clusters: 30, seed: 11), metric: .cosine)
        queries = clusteredVectors(40, dimension: 32, clusters: 30, seed: 12)
            .map { PreparedQuery($0, metric: .cosine) }
    }

    private func graph(_ kind: CodeKind?, sketched: Bool = false) throws -> GraphView {
        let rows = 0..<UInt32(owned.rowCount)
        let context = OperationContext()
        // Graphs are built on int8 codes and recoded to bits.
        let quantizer = kind.map { _ in
            Quantizer(
                transform: SpaceTransform(training: owned.table, rows: Array(rows).span, seed: 3), kind: .int8
            )
        }
        let builder = keepAlive(
            try GraphBuilder(
                rowCapacity: owned.rowCount, parameters: .init(m: 8, efConstruction: 64, seed: 1),
                quantizer: quantizer))
        try builder.build(from: RowQueue(rows), table: owned.table, threads: 1, context: context)
        var view = builder.view()
        if kind == .binary, let quantizer { return try recoded(view, built: quantizer) }
        if sketched { view.sketches = try SketchTraining.sketches(of: view, seed: 1, context: context) }
        return view
    }

    private func recoded(_ graph: GraphView, built: Quantizer) throws -> GraphView {
        let binary = Quantizer(transform: built.transform, kind: .binary)
        let recoding = GraphRecoding(graph, quantizer: binary, table: owned.table)
        let nodes = keepAlive(try ReservedMemory(byteCount: recoding.header.nodesBytes))
        let bytes = UnsafeMutableRawBufferPointer(start: nodes.base, count: recoding.header.nodesBytes)
        recoding.write(0..<recoding.header.rowCount, to: bytes, scratch: SearchScratch())
        var sections = graph.sections
        sections.nodes = UnsafeRawBufferPointer(bytes)
        return try GraphView(header: recoding.header, quantizer: binary, sections: sections, file: "memory")
    }

    private func mask(_ admits: (UInt32) -> Bool) -> RowMask {
        var mask = RowMask(rowCount: owned.rowCount)
        for row in 0..<UInt32(owned.rowCount) where admits(row) { mask.insert(row) }
        return mask
    }

    private func search(
        _ graph: GraphView, _ query: PreparedQuery, ef: Int = 64, among mask: RowMask, scans: Bool,
        guardedBy rowGuard: (any RowGuard)? = nil
    ) throws -> [Neighbour] {
        try GraphSearcher.search(
            graph, table: owned.table, query: query, ef: ef, among: mask, scans: scans, guardedBy: rowGuard,
            scratch: SearchScratch(), context: OperationContext())
    }

    private func truth(_ query: PreparedQuery, among mask: RowMask, k: Int = 10) throws -> Set<UInt32> {
        Set(
            try owned.nearest(query, k: owned.rowCount).map(\.row).filter { mask.contains($0) }.prefix(k))
    }

    private func recall(
        _ graph: GraphView, ef: Int = 64, scans: Bool, mask: (PreparedQuery) throws -> RowMask
    ) throws -> Double {
        var hits = 0
        var wanted = 0
        for query in queries {
            let mask = try mask(query)
            let found = try search(graph, query, ef: ef, among: mask, scans: scans)
            #expect(found.allSatisfy { mask.contains($0.row) }, "a row that is not admitted")
            #expect(Set(found.map(\.row)).count == found.count, "a row twice")
            #expect(found.map(\.distance) == found.map(\.distance).sorted())
            let best = Rescoring.rescore(
                found, wanted: 10, atLeast: 30, of: owned.table, query: query, scratch: SearchScratch()
            ).best
            let truth = try truth(query, among: mask)
            hits += best.prefix(10).count { truth.contains($0.row) }
            wanted += truth.count
        }
        return Double(hits) / Double(wanted)
    }

    // MARK: Finding

    @Test(arguments: [CodeKind?.none, .int8, .binary], [0.5, 0.1, 0.02])
    func findsTheNearestAtEverySelectivity(kind: CodeKind?, share: Double) throws {
        let graph = try graph(kind)
        let limit = UInt64(share * Double(UInt64.max))
        let random = mask { SeededGenerator.mix(UInt64($0)) < limit }
        let floor = kind == .binary ? 0.7 : 0.95
        #expect(try recall(graph, scans: true) { _ in random } >= floor)
        // The fewer rows are admitted, the less the walk finds of them: then a scan is cheaper anyway.
        let lost = share < 0.05 ? 0.2 : 0.03
        #expect(try recall(graph, scans: false) { _ in random } >= floor - lost)
    }

    /// Only what lies farthest from the query is admitted: the graph's entry leads away from it. A walk finds what
    /// there is, if not all of the nearest; who knows that the rows nearby are not admitted scans.
    @Test(arguments: [0.3, 0.05])
    func findsWhatLiesAwayFromTheQuery(share: Double) throws {
        let graph = try graph(.int8, sketched: true)
        let far = { (query: PreparedQuery) -> RowMask in
            let ordered = try owned.nearest(query, k: owned.rowCount).map(\.row)
            let rows = Set(ordered.suffix(Int(share * Double(Self.rows))))
            return mask { rows.contains($0) }
        }
        #expect(try recall(graph, ef: 1_000, scans: true, mask: far) >= 0.9)
        #expect(try recall(graph, scans: false, mask: far) >= 0.5)
        for query in queries {
            #expect(try shareNearby(graph, query, far(query)) < share / 4)
        }
    }

    private func shareNearby(_ graph: GraphView, _ query: PreparedQuery, _ mask: RowMask) throws -> Double {
        try GraphSearcher.shareNearby(
            graph, table: owned.table, query: query, among: mask, scratch: SearchScratch(),
            context: OperationContext())
    }

    @Test func theShareNearbyIsThatOfTheRowsAroundTheQuery() throws {
        let graph = try graph(.int8)
        let half = mask { SeededGenerator.mix(UInt64($0)) % 2 == 0 }
        var nearby = 0.0
        for query in queries {
            #expect(abs(try shareNearby(graph, query, half) - 0.5) < 0.25)
            let near = Set(try owned.nearest(query, k: 300).map(\.row))
            nearby += try shareNearby(graph, query, mask { near.contains($0) }) / Double(queries.count)
        }
        #expect(nearby > 0.3, "a tenth of all rows, those around the query: \(nearby)")
    }

    @Test func sketchesLoseLittleOfAScan() throws {
        let plain = try graph(.int8)
        let sketched = try graph(.int8, sketched: true)
        let half = mask { $0 % 2 == 0 }
        let without = try recall(plain, scans: true) { _ in half }
        #expect(try recall(sketched, scans: true) { _ in half } >= without - 0.02)
    }

    // MARK: Rescoring

    /// Rows that lie about equally far cannot be told apart by codes: then more of them are looked at again.
    @Test func rescoringGoesAsDeepAsTheCodesAreWrong() throws {
        let graph = try graph(.int8)
        let all = mask { _ in true }
        var settled = 0
        for query in queries {
            let found = try search(graph, query, ef: owned.rowCount, among: all, scans: true)
            let outcome = Rescoring.rescore(
                found, wanted: 10, atLeast: 16, of: owned.table, query: query, scratch: SearchScratch())
            #expect(outcome.best.prefix(10).map(\.row) == (try owned.nearest(query, k: 10).map(\.row)))
            settled += outcome.isSettled ? 1 : 0
            // With no more than what is wanted, nobody can know.
            let few = Rescoring.rescore(
                Array(found.prefix(10)), wanted: 10, atLeast: 10, of: owned.table, query: query,
                scratch: SearchScratch())
            #expect(few.best.count == 10)
        }
        #expect(settled == queries.count)
    }

    // MARK: Edges

    @Test(arguments: [true, false])
    func fewRowsAreAllFound(scans: Bool) throws {
        let graph = try graph(.int8)
        #expect(try search(graph, queries[0], among: mask { _ in false }, scans: scans).isEmpty)
        let last = UInt32(owned.rowCount - 1)
        let one = try search(graph, queries[0], among: mask { $0 == last }, scans: scans)
        #expect(one.map(\.row) == [last])
        let few: Set<UInt32> = [0, 63, 64, 1_000, last]
        let found = try search(graph, queries[0], among: mask { few.contains($0) }, scans: scans)
        #expect(Set(found.map(\.row)) == few)
    }

    @Test(arguments: [true, false])
    func allRowsAreAsIfThereWereNoFilter(scans: Bool) throws {
        let graph = try graph(.int8)
        #expect(try recall(graph, scans: scans) { _ in mask { _ in true } } >= 0.95)
    }

    @Test func aMaskOfAnEmptyGraphIsEmpty() throws {
        let builder = keepAlive(
            try GraphBuilder(rowCapacity: 10, parameters: .init(m: 8, efConstruction: 64, seed: 1)))
        let found = try GraphSearcher.search(
            builder.view(), table: owned.table, query: queries[0], ef: 10, among: RowMask(rowCount: 0),
            scans: false,
            scratch: SearchScratch(), context: OperationContext())
        #expect(found.isEmpty)
    }

    @Test func aScratchServesFilteredAndOtherSearchesInTurn() throws {
        let graph = try graph(.int8, sketched: true)
        let scratch = SearchScratch()
        let thirds = mask { $0 % 3 == 0 }
        for query in queries.prefix(5) {
            func all() throws -> [Neighbour] {
                try GraphSearcher.search(
                    graph, table: owned.table, query: query, ef: 32, scratch: scratch,
                    context: OperationContext())
            }
            let before = try all()
            for scans in [true, false] {
                let found = try GraphSearcher.search(
                    graph, table: owned.table, query: query, ef: 32, among: thirds, scans: scans,
                    scratch: scratch,
                    context: OperationContext())
                #expect(found == (try search(graph, query, ef: 32, among: thirds, scans: scans)))
            }
            #expect(try all() == before)
        }
    }

    // MARK: Masks

    @Test func aMaskKnowsItsRows() {
        var mask = RowMask(rowCount: 130)
        for row: UInt32 in [129, 0, 63, 64, 63] { mask.insert(row) }
        #expect(mask.count == 4)
        #expect(mask.rows == [0, 63, 64, 129])
        #expect(mask.contains(129) && !mask.contains(1) && !mask.contains(130) && !mask.contains(.max))
    }

    // MARK: Checks

    private final class Recorder: RowGuard {
        var admitted: Set<UInt32> = []
        var refusal: DatabaseError? { nil }
        func admit(_ row: UInt32) { admitted.insert(row) }
    }

    /// Also the rows that are only crossed: their lists lie in blocks that may be damaged.
    @Test(arguments: [true, false])
    func everyRowIsAdmittedBeforeItsRecordIsRead(scans: Bool) throws {
        let graph = try graph(.int8)
        let tenth = mask { $0 % 10 == 0 }
        let recorder = Recorder()
        let found = try search(graph, queries[0], ef: 20, among: tenth, scans: scans, guardedBy: recorder)
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
        #expect(recorder.admitted.count < owned.rowCount)
        #expect(try search(damaged, queries[0], ef: 20, among: tenth, scans: scans) == found)
    }

    @Test func aMaskOfWordsIsThatOfTheirRows() {
        let rows: [UInt32] = [0, 1, 63, 64, 100, 129]
        var words = [UInt64](repeating: 0, count: 3)
        for row in rows { words[Int(row / 64)] |= 1 << UInt64(row % 64) }
        var mask = RowMask(words: words, rowCount: 130)
        #expect(mask.count == rows.count && mask.rows == rows)
        mask.remove(64)
        mask.remove(64)
        mask.remove(65)
        #expect(mask.count == 5 && !mask.contains(64) && mask.rows == [0, 1, 63, 100, 129])
    }
}
