// The first look at the neighbours of a node: which of them are worth reading their codes.

import CNeedleKernels

/// A query's sketch brought together with the sketches of a graph, for one search or refinement.
@unsafe struct SketchFilter {
    // SAFETY: borrowed for one operation: the table, and the query of the scratch.
    private let base: UnsafePointer<UInt8>
    private let rowCount: UInt32
    private let query: UnsafePointer<Int8>
    private let scale: Float
    private let offset: Float
    private let margin: Float
    private let filter: nk_sketch_filter

    /// - Parameters:
    ///   - margins: how many of the table's margins a sketch may be wrong by.
    ///   - scratch: its `query` is prepared already.
    init(_ table: SketchTable, margins: Float = 1, scratch: SearchScratch, kernels: DistanceKernels) {
        let query = scratch.sketchQuery
        query.prepare(scratch.query, basis: table.basis, kernels: kernels)
        base = table.base
        rowCount = UInt32(table.rowCount)
        self.query = UnsafePointer(query.bytes)
        scale = query.scale
        offset = query.offset
        margin = margins * table.basis.margin
        filter = kernels.table.pointee.sketch_filter
    }

    /// Whether there are sketches for all rows of a graph of this size.
    func covers(_ rows: UInt32) -> Bool { rows <= rowCount }

    @inline(__always)
    func prefetch(_ row: UInt32) {
        nk_prefetch(base + Int(row) &* SketchTable.stride, SketchTable.stride)
    }

    /// Keeps those of the rows whose sketches promise a distance within the bound, in their order.
    ///
    /// - Returns: how many stay.
    @inline(__always)
    func keep(_ rows: UnsafeMutablePointer<UInt32>, count: Int, within bound: Float) -> Int {
        filter(query, base, rows, count, scale, offset, bound + margin, rows)
    }
}
