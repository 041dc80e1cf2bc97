// Seeded data and the memory it lives in, for all tests of this room.

import NeedleCore
import NeedleVectors

/// Views borrow: what they point into is never freed here, so that no test can outlive its memory.
@discardableResult
func keepAlive<Object: AnyObject>(_ object: Object) -> Object {
    Unmanaged.passRetained(object).takeUnretainedValue()
}

/// Uniform floats in −1..<1.
func uniformVectors(_ count: Int, dimension: Int, seed: UInt64) -> [[Float]] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in (0..<dimension).map { _ in Float.random(in: -1..<1, using: &generator) } }
}

/// Points around `clusters` centres, with norms that differ.
func clusteredVectors(_ count: Int, dimension: Int, clusters: Int, seed: UInt64) -> [[Float]] {
    let centres = uniformVectors(clusters, dimension: dimension, seed: 77)
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
        let centre = centres[Int.random(in: 0..<clusters, using: &generator)]
        let scale = Float.random(in: 0.5..<2, using: &generator)
        return centre.map { ($0 + Float.random(in: -0.4..<0.4, using: &generator)) * scale }
    }
}

/// Vectors in memory of their own, as the engine would hold them.
final class OwnedTable: Sendable {
    let table: VectorTable
    let rowCount: Int
    private let vectors: ReservedMemory
    private let norms: ReservedMemory

    init(_ rows: [[Float]], metric: Metric, padding: Int = 3) throws {
        let dimension = rows.first?.count ?? 1
        let stride = dimension + padding
        vectors = try ReservedMemory(byteCount: max(1, rows.count * stride * 4))
        norms = try ReservedMemory(byteCount: max(1, rows.count * 4))
        let base = vectors.bound(to: Float.self)
        let inverse = norms.bound(to: Float.self)
        for (r, row) in rows.enumerated() {
            for (i, value) in row.enumerated() { base[r * stride + i] = value }
            inverse[r] = VectorNorms.inverseNorm(norm: VectorNorms.norm(of: row.span))
        }
        rowCount = rows.count
        table = VectorTable(
            base: base, stride: stride, dimension: dimension, metric: metric, inverseNorms: inverse)
        keepAlive(self)
    }

    /// A graph over all rows, built by one thread.
    func graph(
        m: Int = 8, efConstruction: Int = 64, seed: UInt64 = 5, threads: Int = 1
    ) throws -> GraphBuilder {
        let builder = keepAlive(
            try GraphBuilder(
                rowCapacity: rowCount, parameters: .init(m: m, efConstruction: efConstruction, seed: seed)))
        try builder.build(
            from: RowQueue(0..<UInt32(rowCount)), table: table, threads: threads, context: OperationContext())
        return builder
    }

    /// The true k nearest, by the exact scan.
    func nearest(_ query: PreparedQuery, k: Int) throws -> [Neighbour] {
        var top = TopK(capacity: k)
        try ExactScan.scan(
            0..<UInt32(rowCount), of: table, query: query, context: OperationContext()
        ) { first, distances in
            top.offer(distances, from: first, precedes: <)
        }
        return top.sorted(precedes: <)
    }

    func search(_ graph: GraphView, _ query: PreparedQuery, ef: Int) throws -> [Neighbour] {
        try GraphSearcher.search(
            graph, table: table, query: query, ef: ef, scratch: SearchScratch(), context: OperationContext())
    }

    /// The part of the true 10 nearest that a search with `ef` finds, over all queries.
    func recall(_ graph: GraphView, _ queries: [PreparedQuery], ef: Int) throws -> Double {
        var hits = 0
        for query in queries {
            let truth = Set(try nearest(query, k: 10).map(\.row))
            hits += try search(graph, query, ef: ef).prefix(10).filter { truth.contains($0.row) }.count
        }
        return Double(hits) / Double(10 * queries.count)
    }
}

/// The distance by its definition, in plain double arithmetic.
func naiveDistance(_ a: [Float], _ b: [Float], _ metric: Metric) -> Double {
    let pairs = zip(a.map(Double.init), b.map(Double.init))
    switch metric {
    case .euclid: return pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    case .dot: return -pairs.reduce(0) { $0 + $1.0 * $1.1 }
    case .cosine:
        func norm(_ v: [Float]) -> Double { v.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }
        return -pairs.reduce(0) { $0 + $1.0 * $1.1 } / (norm(a) * norm(b))
    }
}
