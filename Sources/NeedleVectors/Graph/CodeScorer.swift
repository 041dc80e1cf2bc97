// Distances on codes, as they lie in the nodes' records of a graph: integer products by the kernels, made
// distances with the header in front of each row's codes.

import CNeedleKernels
import NeedleCore

/// What makes a distance of a record's header and an integer product.
protocol CodeTerms {
    func distance(to record: UnsafeRawPointer, product: Int32) -> Float
}

extension ScalarTerms: CodeTerms {}
extension ScalarRowTerms: CodeTerms {}

/// Distances from a prepared query, or from a row's codes, to rows of a graph with int8 codes.
@unsafe struct CodeScorer<Terms: CodeTerms>: RowScorer {
    // SAFETY: borrowed for the duration of one search or insertion: the records, the bytes (of a coded query
    // or of a record) and the buffer for products (of the scratch).
    private let nodes: UnsafeRawPointer
    private let stride: Int
    private let count: Int
    private let bytes: UnsafePointer<Int8>
    private let products: UnsafeMutablePointer<Int32>
    private let pair: nk_pair_u7s8
    private let batch: nk_batch_u7s8
    private let terms: Terms

    @inline(__always)
    fileprivate init(
        bytes: UnsafePointer<Int8>, terms: Terms, nodes: UnsafeRawPointer, layout: NodeLayout,
        scratch: SearchScratch, kernels: DistanceKernels
    ) {
        self.nodes = nodes
        stride = layout.stride
        count = layout.codes?.codeBytes ?? 0
        self.bytes = bytes
        products = scratch.products.base
        pair = kernels.table.pointee.dot_u7s8
        batch = kernels.table.pointee.dot_u7s8_batch
        self.terms = terms
    }

    private var codes: UnsafePointer<UInt8> {
        (nodes + ScalarHeader.bytes).assumingMemoryBound(to: UInt8.self)
    }

    @inline(__always)
    func distance(to row: UInt32) -> Float {
        let start = Int(row) &* stride
        // Adding +0 turns −0 into +0.
        return terms.distance(to: nodes + start, product: pair(codes + start, bytes, count)) + 0
    }

    @inline(__always)
    func score(_ rows: UnsafePointer<UInt32>, count rowCount: Int, into out: UnsafeMutablePointer<Float>) {
        batch(bytes, codes, stride, rows, rowCount, count, products)
        for i in 0..<rowCount {
            out[i] = terms.distance(to: nodes + Int(rows[i]) &* stride, product: products[i]) + 0
        }
    }
}

extension CodeScorer where Terms == ScalarTerms {
    /// The scorer of a query.
    init(
        query: CodedQuery, nodes: UnsafeRawPointer, layout: NodeLayout, scratch: SearchScratch,
        kernels: DistanceKernels
    ) {
        self.init(
            bytes: query.bytes, terms: query.scalarTerms, nodes: nodes, layout: layout, scratch: scratch,
            kernels: kernels)
    }
}

/// Building on int8 codes: the new row as a query, rows of the graph by their own codes.
@unsafe struct CodeScoring: RowScoring {
    let memory: GraphMemory
    let quantizer: Quantizer
    let table: VectorTable
    let scratch: SearchScratch
    let kernels: DistanceKernels

    var metric: Metric { table.metric }

    /// Writes a row's codes into its record. Before anybody can meet the row.
    func encode(_ row: UInt32) {
        scratch.prepareCodes(dimension: table.dimension)
        quantizer.encode(
            table.vector(row), scale: table.scale(of: row), to: memory.node(row),
            scratch: scratch.rotated.base)
    }

    func query(_ row: UInt32) -> CodeScorer<ScalarTerms> {
        quantizer.prepare(vector: table.vector(row), scale: table.scale(of: row), into: scratch.query)
        return CodeScorer(
            query: scratch.query, nodes: memory.nodes, layout: memory.layout, scratch: scratch,
            kernels: kernels)
    }

    @inline(__always)
    func scorer(of row: UInt32) -> CodeScorer<ScalarRowTerms> {
        let record = UnsafeRawPointer(memory.node(row))
        // SAFETY: a 7-bit code is the same number as a signed byte.
        let bytes = (record + ScalarHeader.bytes).assumingMemoryBound(to: Int8.self)
        return CodeScorer(
            bytes: bytes, terms: quantizer.rowTerms(record), nodes: memory.nodes, layout: memory.layout,
            scratch: scratch, kernels: kernels)
    }
}
