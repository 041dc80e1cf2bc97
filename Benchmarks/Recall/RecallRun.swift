// One data set, its graph, its queries and their true neighbours.

import Glibc
import NeedleCore
import NeedleVectors

/// Holds the memory of one benchmark run until the process ends.
struct RecallRun {
    static let queryCount = 1_000
    static let k = 10

    let kernels: DistanceKernels
    let title: String
    private let table: VectorTable
    private let queries: [PreparedQuery]
    private let truth: [[UInt32]]
    private let graph: GraphView
    private let builder: GraphBuilder
    private let memory: [ReservedMemory]
    private let context = OperationContext()

    init(
        file: VectorFile, metric: Metric, parameters: GraphBuilder.Parameters, threads: Int,
        kernels: DistanceKernels
    ) throws {
        self.kernels = kernels
        let d = file.dimension
        let rows = file.rows - Self.queryCount
        let vectors = try ReservedMemory(byteCount: rows * d * 4)
        let norms = try ReservedMemory(byteCount: rows * 4)
        memory = [vectors, norms]
        let base = vectors.bound(to: Float.self)
        let inverse = norms.bound(to: Float.self)
        for i in 0..<rows * d { base[i] = file.values[Self.queryCount * d + i] }
        for row in 0..<rows {
            let vector = UnsafeBufferPointer(start: base + row * d, count: d)
            inverse[row] = VectorNorms.inverseNorm(norm: VectorNorms.norm(of: vector.span))
        }
        table = VectorTable(base: base, stride: d, dimension: d, metric: metric, inverseNorms: inverse)
        queries = (0..<Self.queryCount).map { i in
            PreparedQuery(Array(file.values[i * d..<(i + 1) * d]), metric: metric)
        }
        var truth: [[UInt32]] = []
        let scanStart = seconds(CLOCK_THREAD_CPUTIME_ID)
        for query in queries {
            var nearest = TopK(capacity: Self.k)
            try ExactScan.scan(
                0..<UInt32(rows), of: table, query: query, context: context, kernels: kernels
            ) { first, distances in
                nearest.offer(distances, from: first, precedes: <)
            }
            truth.append(nearest.sorted(precedes: <).map(\.row))
        }
        self.truth = truth
        let scanSeconds = (seconds(CLOCK_THREAD_CPUTIME_ID) - scanStart) / Double(queries.count)
        builder = try GraphBuilder(rowCapacity: rows, parameters: parameters, kernels: kernels)
        let start = seconds(CLOCK_MONOTONIC)
        try builder.build(from: RowQueue(0..<UInt32(rows)), table: table, threads: threads, context: context)
        let buildSeconds = seconds(CLOCK_MONOTONIC) - start
        graph = builder.view()
        var links = 0
        for row in stride(from: 0, to: UInt32(rows), by: 97) {
            links += graph.neighbours(of: row, level: 0).count
        }
        let megabytes = Int(Double(rows * d * 4) / scanSeconds / 1e6)
        title = """
            \(rows) x \(d), \(metric.name), M \(parameters.m), efC \(parameters.efConstruction), \
            \(threads) thread(s): built in \((buildSeconds * 10).rounded() / 10) s; \
            \(links / (rows / 97 + 1)) links a row; exact scan \(Int(scanSeconds * 1e6)) µs, \(megabytes) MB/s
            """
    }

    /// Recall@10 and the seconds of one search, the best of several passes over all queries on one thread.
    /// Processor time of the thread, so that other load on the machine disturbs less.
    func measure(ef: Int, passes: Int = 5) throws -> (recall: Double, seconds: Double) {
        let scratch = SearchScratch()
        var best = Double.infinity
        var hits = 0
        for _ in 0..<passes {
            hits = 0
            let start = seconds(CLOCK_THREAD_CPUTIME_ID)
            var results: [[Neighbour]] = []
            for query in queries {
                results.append(
                    try GraphSearcher.search(
                        graph, table: table, query: query, ef: ef, scratch: scratch, context: context,
                        kernels: kernels))
            }
            best = min(best, seconds(CLOCK_THREAD_CPUTIME_ID) - start)
            for (result, truth) in zip(results, truth) {
                hits += result.prefix(Self.k).filter { truth.contains($0.row) }.count
            }
        }
        let count = Double(queries.count)
        return (Double(hits) / count / Double(Self.k), best / count)
    }
}
