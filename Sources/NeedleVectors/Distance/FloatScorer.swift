// From kernels to distances: one query against rows of one table, with the metric's sign and scale applied.

import CNeedleKernels
import NeedleCore

/// Distances from one vector to rows, by number. Lives on the stack of one operation.
protocol RowScorer {
    func distance(to row: UInt32) -> Float
    /// Distances to `count` rows. Never gives −0, so equal distances have equal bits.
    func score(_ rows: UnsafePointer<UInt32>, count: Int, into out: UnsafeMutablePointer<Float>)
    /// To be called before the list of a row is read that was not scored.
    func admit(_ row: UInt32)
    /// Begins to read what scoring a row takes, where that is one cache line: more is left to `score`.
    func prefetch(_ row: UInt32)
}

extension RowScorer {
    @inline(__always)
    func admit(_ row: UInt32) {}

    @inline(__always)
    func prefetch(_ row: UInt32) {}
}

/// How distances are taken while a graph is built: on floats or on codes.
protocol RowScoring {
    associatedtype Query: RowScorer
    associatedtype Row: RowScorer
    var metric: Metric { get }
    /// The scorer of a row that is being inserted or refined: as exact as it can be had.
    func query(_ row: UInt32) -> Query
    /// The scorer of a row in the graph, cheap to make.
    func scorer(of row: UInt32) -> Row
}

/// Distances from one vector to rows of a table. Lives on the stack of one operation.
///
/// The vector is either a prepared query (`scale` 1) or another row of the table (`scale` its inverse norm);
/// the cosine of two rows is computed so that it has the same bits in both directions, which keeps ties
/// exact.
@unsafe struct FloatScorer: RowScorer {
    // SAFETY: borrowed for the duration of one search or insertion, which borrows the table and the query
    // too.
    let query: UnsafePointer<Float>
    let table: VectorTable
    let scale: Float
    private let batch: nk_batch_f32
    private let pair: nk_pair_f32

    @inline(__always)
    init(query: UnsafePointer<Float>, scale: Float, table: VectorTable, kernels: DistanceKernels) {
        self.query = query
        self.scale = scale
        self.table = table
        let euclid = table.metric == .euclid
        batch = euclid ? kernels.table.pointee.l2sq_f32_batch : kernels.table.pointee.dot_f32_batch
        pair = euclid ? kernels.table.pointee.l2sq_f32 : kernels.table.pointee.dot_f32
    }

    /// The scorer of a stored row.
    @inline(__always)
    init(row: UInt32, table: VectorTable, kernels: DistanceKernels) {
        self.init(
            query: table.vector(row), scale: table.inverseNorms.map { $0[Int(row)] } ?? 1, table: table,
            kernels: kernels)
    }

    @inline(__always)
    func distance(to row: UInt32) -> Float {
        let value = pair(query, table.vector(row), table.dimension)
        if let inverseNorms = table.inverseNorms { return 0 - value * (scale * inverseNorms[Int(row)]) }
        return table.metric == .dot ? 0 - value : value
    }

    /// Distances to `count` rows by number. Never gives −0, so equal distances have equal bits.
    @inline(__always)
    func score(_ rows: UnsafePointer<UInt32>, count: Int, into out: UnsafeMutablePointer<Float>) {
        batch(query, table.base, table.stride, rows, count, table.dimension, out)
        if let inverseNorms = table.inverseNorms {
            for i in 0..<count { out[i] = 0 - out[i] * (scale * inverseNorms[Int(rows[i])]) }
        } else if table.metric == .dot {
            for i in 0..<count { out[i] = 0 - out[i] }
        }
    }

    /// Distances to the `count` rows from `first` on.
    @inline(__always)
    func score(from first: UInt32, count: Int, into out: UnsafeMutablePointer<Float>) {
        batch(query, table.vector(first), table.stride, nil, count, table.dimension, out)
        if let inverseNorms = table.inverseNorms {
            let inverse = inverseNorms + Int(first)
            for i in 0..<count { out[i] = 0 - out[i] * (scale * inverse[i]) }
        } else if table.metric == .dot {
            for i in 0..<count { out[i] = 0 - out[i] }
        }
    }
}

/// Building on the float vectors.
@unsafe struct FloatScoring: RowScoring {
    let table: VectorTable
    let kernels: DistanceKernels

    var metric: Metric { table.metric }

    func query(_ row: UInt32) -> FloatScorer { scorer(of: row) }

    @inline(__always)
    func scorer(of row: UInt32) -> FloatScorer { FloatScorer(row: row, table: table, kernels: kernels) }
}
