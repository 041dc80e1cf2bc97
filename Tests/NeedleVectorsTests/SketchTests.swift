import CNeedleKernels
import NeedleCore
import NeedleVectors
import Testing

/// The first look at rows: kernels, training, and what searches make of it.
@Suite struct SketchTests {
    // MARK: Kernel

    @Test func everyTierPassesTheSameRows() throws {
        var generator = SeededGenerator(seed: 4)
        let rowCount = 300
        let memory = try ReservedMemory(byteCount: rowCount * 64)
        let base = memory.bound(to: UInt8.self)
        for i in 0..<rowCount * 64 { base[i] = UInt8.random(in: 0...255, using: &generator) }
        for row in 0..<rowCount {
            let bias = Float.random(in: -50...50, using: &generator)
            (memory.base + row * 64 + 60).storeBytes(of: bias, as: Float.self)
        }
        var query = (0..<128).map { _ in Int8.random(in: -127...127, using: &generator) }
        for i in [60, 61, 62, 63, 124, 125, 126, 127] { query[i] = 0 }
        for count in [0, 1, 3, 4, 5, 8, 31, 64] {
            let rows = (0..<count).map { _ in UInt32.random(in: 0..<UInt32(rowCount), using: &generator) }
            for limit: Float in [-1_000, 0, 40, .infinity] {
                let expected = naive(rows, base, query, scale: 0.01, offset: 3, limit: limit)
                for kernels in DistanceKernels.available {
                    var passed = rows
                    let kept = query.withUnsafeBufferPointer { query in
                        passed.withUnsafeMutableBufferPointer { passed in
                            guard let first = passed.baseAddress, let bytes = query.baseAddress else {
                                return 0
                            }
                            return nk_select(kernels.tier.rawValue).pointee.sketch_filter(
                                bytes, base, first, count, 0.01, 3, limit, first)
                        }
                    }
                    #expect(Array(passed.prefix(kept)) == expected, "\(kernels.tierName), \(count) rows")
                }
            }
        }
    }

    private func naive(
        _ rows: [UInt32], _ base: UnsafePointer<UInt8>, _ query: [Int8], scale: Float, offset: Float,
        limit: Float
    ) -> [UInt32] {
        rows.filter { row in
            let sketch = base + Int(row) * 64
            var product: Int32 = 0
            for b in 0..<60 {
                product += Int32(sketch[b] & 15) * Int32(query[b])
                product += Int32(sketch[b] >> 4) * Int32(query[64 + b])
            }
            let bias = (UnsafeRawPointer(sketch) + 60).loadUnaligned(as: Float.self)
            let part = scale * Float(product)
            return offset + (bias + part) <= limit
        }
    }

    // MARK: Searching

    /// Vectors that vary in few directions, as embeddings do.
    private func vectors(_ count: Int, dimension: Int, directions: Int, seed: UInt64) -> [[Float]] {
        var generator = SeededGenerator(seed: 99)
        let map = (0..<directions * dimension).map { _ in Float.random(in: -1...1, using: &generator) }
        return clusteredVectors(count, dimension: directions, clusters: 200, seed: seed).map { latent in
            (0..<dimension).map { i in
                (0..<directions).reduce(0) { $0 + latent[$1] * map[$1 * dimension + i] }
            }
        }
    }

    private func graph(_ owned: OwnedTable) throws -> GraphView {
        let rows = Array(0..<UInt32(owned.rowCount))
        let transform = SpaceTransform(training: owned.table, rows: rows.span, seed: 3)
        let builder = keepAlive(
            try GraphBuilder(
                rowCapacity: owned.rowCount, parameters: .init(m: 6, efConstruction: 16, seed: 5),
                quantizer: Quantizer(transform: transform, kind: .int8)))
        try builder.build(
            from: RowQueue(rows), table: owned.table, threads: 2, context: OperationContext())
        return builder.view()
    }

    @Test(arguments: [Metric.cosine, .euclid])
    func sketchesCostHardlyAnyRecall(metric: Metric) throws {
        let all = vectors(740, dimension: 96, directions: 12, seed: 6)
        let owned = try OwnedTable(Array(all.dropFirst(40)), metric: metric)
        var graph = try graph(owned)
        let queries = all.prefix(40).map { PreparedQuery($0, metric: metric) }
        let without = try owned.recall(graph, queries, ef: 40)
        graph.sketches = try SketchTraining.sketches(
            of: graph, seed: 1, leastRows: 500, context: OperationContext())
        #expect(graph.sketches != nil)
        let with = try owned.recall(graph, queries, ef: 40)
        #expect(with >= without - 0.03, "\(without) became \(with)")
        #expect(without > 0.5, "a graph that finds something")
        try trainingIsDeterministic(graph)
    }

    private func trainingIsDeterministic(_ graph: GraphView) throws {
        var plain = graph
        plain.sketches = nil
        let again = try SketchTraining.sketches(
            of: plain, seed: 1, leastRows: 500, context: OperationContext())
        #expect(again?.basis.margin == graph.sketches?.basis.margin)
        let bytes = try #require(graph.sketches?.bytes)
        #expect(again?.bytes.elementsEqual(bytes) == true)
    }

    @Test func smallGraphsAndFloatGraphsGetNone() throws {
        let owned = try OwnedTable(
            clusteredVectors(300, dimension: 100, clusters: 8, seed: 1), metric: .cosine)
        let context = OperationContext()
        #expect(try SketchTraining.sketches(of: graph(owned), seed: 1, context: context) == nil)
        #expect(try SketchTraining.sketches(of: try owned.graph().view(), seed: 1, context: context) == nil)
    }
}
