// Distances on binary codes, as they lie in the nodes' records of a graph: see `BinaryCodes`.

import CNeedleKernels
import NeedleCore

/// Distances from a prepared query to rows of a graph with binary codes. For searching only: graphs are built
/// on finer codes.
@unsafe struct BitScorer: RowScorer {
    // SAFETY: borrowed for the duration of one search: the records, the query's planes and the buffer for
    // products (of the scratch).
    private let nodes: UnsafeRawPointer
    private let stride: Int
    private let words: Int
    private let planes: UnsafePointer<UInt64>
    private let planeCount: UInt32
    private let products: UnsafeMutablePointer<Int32>
    private let pair: nk_pair_b1
    private let batch: nk_batch_b1
    private let terms: BinaryTerms

    init(
        query: CodedQuery, nodes: UnsafeRawPointer, layout: NodeLayout, scratch: SearchScratch,
        kernels: DistanceKernels
    ) {
        self.nodes = nodes
        stride = layout.stride
        words = query.layout.words
        planes = query.planes
        planeCount = UInt32(query.planeCount)
        products = scratch.products.base
        pair = kernels.table.pointee.dot_b1
        batch = kernels.table.pointee.dot_b1_batch
        terms = query.binaryTerms
    }

    private var codes: UnsafePointer<UInt8> {
        (nodes + BinaryHeader.bytes).assumingMemoryBound(to: UInt8.self)
    }

    @inline(__always)
    func distance(to row: UInt32) -> Float {
        let start = Int(row) &* stride
        let product = pair(codes + start, planes, words, planeCount)
        return terms.distance(to: nodes + start, product: product) + 0
    }

    @inline(__always)
    func prefetch(_ row: UInt32) {
        nk_prefetch(nodes + Int(row) &* stride, 64)
    }

    @inline(__always)
    func score(_ rows: UnsafePointer<UInt32>, count: Int, into out: UnsafeMutablePointer<Float>) {
        batch(planes, codes, stride, rows, count, words, planeCount, products)
        for i in 0..<count {
            out[i] = terms.distance(to: nodes + Int(rows[i]) &* stride, product: products[i]) + 0
        }
    }
}
