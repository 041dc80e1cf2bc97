// One data set, its graph, its queries and their true neighbours.

import Glibc
import NeedleCore
import NeedleVectors
import VectorFiles

/// Holds the memory of one benchmark run until the process ends.
struct RecallRun {
    static let queryCount = 1_000
    static let k = 10

    let arguments: Arguments
    let kernels: DistanceKernels
    let title: String
    let buildSeconds: Double
    let table: VectorTable
    let queries: [[Float]]
    private let truth: [[UInt32]]
    let graph: GraphView
    private let builder: GraphBuilder
    private let memory: [ReservedMemory]
    private let context = OperationContext()

    init(file: VectorFile, arguments: Arguments) throws {
        self.arguments = arguments
        kernels = DistanceKernels(cap: arguments.cap)
        let metric = arguments.metric
        let d = file.dimension
        let rows = file.rows - Self.queryCount
        let vectors = try ReservedMemory(byteCount: rows * d * 4)
        let norms = try ReservedMemory(byteCount: rows * 4)
        let base = vectors.bound(to: Float.self)
        let inverse = norms.bound(to: Float.self)
        for i in 0..<rows * d { base[i] = file.values[Self.queryCount * d + i] }
        for row in 0..<rows {
            let vector = UnsafeBufferPointer(start: base + row * d, count: d)
            inverse[row] = VectorNorms.inverseNorm(norm: VectorNorms.norm(of: vector.span))
        }
        table = VectorTable(base: base, stride: d, dimension: d, metric: metric, inverseNorms: inverse)
        queries = (0..<Self.queryCount).map { i in
            Array(file.values[i * d..<(i + 1) * d])
        }
        var truth: [[UInt32]] = []
        let scanStart = seconds(CLOCK_THREAD_CPUTIME_ID)
        for vector in queries {
            let query = PreparedQuery(vector, metric: metric)
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
        let start = seconds(CLOCK_MONOTONIC)
        let built = try Self.build(rows: rows, table: table, arguments: arguments, kernels: kernels)
        builder = built.0
        buildSeconds = seconds(CLOCK_MONOTONIC) - start
        var graph = builder.view()
        if arguments.quantization == .binary {
            let recoded = try Self.recoded(graph, table: table)
            graph = recoded.graph
            memory = [vectors, norms, recoded.nodes]
        } else {
            graph.sketches = built.1
            memory = [vectors, norms]
        }
        self.graph = graph
        var links = 0
        for row in stride(from: 0, to: UInt32(rows), by: 97) {
            links += graph.neighbours(of: row, level: 0).count
        }
        let megabytes = Int(Double(rows * d * 4) / scanSeconds / 1e6)
        title = """
            \(rows) x \(d), \(metric.name), \(arguments.quantization.rawValue), M \(arguments.m), \
            efC \(arguments.efConstruction), \(arguments.threads) thread(s): built in \((buildSeconds * 10).rounded() / 10) s; \
            \(links / (rows / 97 + 1)) links a row; exact scan \(Int(scanSeconds * 1e6)) µs, \(megabytes) MB/s
            """
    }

    /// The graph as a collection would build it: linked row by row, then refined.
    private static func build(
        rows: Int, table: VectorTable, arguments: Arguments, kernels: DistanceKernels
    ) throws -> (GraphBuilder, SketchTable?) {
        let started = seconds(CLOCK_PROCESS_CPUTIME_ID)
        let all = 0..<UInt32(rows)
        let quantizer =
            arguments.quantization == .none
            ? nil
            : Quantizer(
                transform: SpaceTransform(training: table, rows: Array(all).span, seed: 1), kind: .int8)
        let parameters = GraphBuilder.Parameters(
            m: arguments.m, efConstruction: arguments.efConstruction,
            refinementWidth: arguments.refinementWidth, seed: 1)
        let builder = try GraphBuilder(
            rowCapacity: rows, parameters: parameters, quantizer: quantizer, kernels: kernels)
        if arguments.usesLargePages { builder.adviseLargePages() }
        let context = OperationContext()
        let threads = arguments.threads
        try builder.build(from: RowQueue(all), table: table, threads: threads, context: context)
        let linked = seconds(CLOCK_PROCESS_CPUTIME_ID)
        let sketches =
            arguments.sketches
            ? try SketchTraining.sketches(
                of: builder.view(), seed: 1, passingShare: arguments.passingShare, context: context) : nil
        let sketched = seconds(CLOCK_PROCESS_CPUTIME_ID)
        if arguments.refines {
            try builder.refine(
                from: RowQueue(all), table: table, sketches: sketches, threads: threads, context: context)
        }
        let refined = seconds(CLOCK_PROCESS_CPUTIME_ID)
        print(
            "processor seconds: linked \(rounded(linked - started, 10)), sketched \(rounded(sketched - linked, 10)),",
            "refined \(rounded(refined - sketched, 10)); margin \(sketches?.basis.margin ?? 0)")
        return (builder, sketches)
    }

    /// The graph with bits in place of its int8 codes, as sealing writes it.
    private static func recoded(
        _ graph: GraphView, table: VectorTable
    ) throws -> (graph: GraphView, nodes: ReservedMemory) {
        guard let built = graph.quantizer else { preconditionFailure("graphs are built on codes here") }
        let binary = Quantizer(transform: built.transform, kind: .binary)
        let recoding = GraphRecoding(graph, quantizer: binary, table: table)
        let header = recoding.header
        let nodes = try ReservedMemory(byteCount: header.nodesBytes)
        nodes.adviseLargePages()
        let bytes = UnsafeMutableRawBufferPointer(start: nodes.base, count: header.nodesBytes)
        recoding.write(0..<header.rowCount, to: bytes, scratch: SearchScratch())
        var sections = graph.sections
        sections.nodes = UnsafeRawBufferPointer(bytes)
        let view = try GraphView(header: header, quantizer: binary, sections: sections, file: "memory")
        return (view, nodes)
    }

    /// Recall@10 and the seconds of one search, the best of several passes over all queries on one thread.
    /// Processor time of the thread, so that other load on the machine disturbs less; preparing the query and
    /// rescoring are in it.
    func measure(ef: Int, passes: Int = 5) throws -> (recall: Double, seconds: Double) {
        let scratch = SearchScratch()
        var best = Double.infinity
        var results: [[Neighbour]] = []
        for _ in 0..<passes {
            results.removeAll(keepingCapacity: true)
            let start = seconds(CLOCK_THREAD_CPUTIME_ID)
            for vector in queries {
                results.append(try search(vector, ef: ef, scratch: scratch))
            }
            best = min(best, seconds(CLOCK_THREAD_CPUTIME_ID) - start)
        }
        var hits = 0
        for (result, truth) in zip(results, truth) {
            hits += result.prefix(Self.k).filter { truth.contains($0.row) }.count
        }
        let count = Double(queries.count)
        return (Double(hits) / count / Double(Self.k), best / count)
    }

    private func search(_ vector: [Float], ef: Int, scratch: SearchScratch) throws -> [Neighbour] {
        let query = PreparedQuery(vector, metric: table.metric)
        let found = try GraphSearcher.search(
            graph, table: table, query: query, ef: ef, scratch: scratch, context: context, kernels: kernels)
        if graph.quantizer == nil { return found }
        return Rescoring.rescore(
            found, depth: arguments.rescored, of: table, query: query, scratch: scratch, kernels: kernels)
    }
}
