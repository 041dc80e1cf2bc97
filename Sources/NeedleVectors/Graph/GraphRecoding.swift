// The same graph with other codes: graphs are built on int8 codes, and those to be searched on bits are recoded
// when they are written to their file.

import NeedleCore

/// The nodes of a graph that nobody changes any more, with codes of another quantizer in place of their own.
/// Lists and levels stay as they are. Any thread may use it.
package struct GraphRecoding {
    private let graph: GraphView
    private let quantizer: Quantizer
    private let table: VectorTable
    /// Describes the graph as it will be.
    package let header: GraphHeader

    /// - Parameter table: the vectors that the graph was built from.
    /// - Precondition: the quantizer is of the table's dimension and metric.
    package init(_ graph: GraphView, quantizer: Quantizer, table: VectorTable) {
        precondition(
            quantizer.layout.dimension == table.dimension && quantizer.transform.metric == table.metric)
        self.graph = graph
        self.quantizer = quantizer
        self.table = table
        var header = graph.header
        header.codeKind = quantizer.kind.rawValue
        header.dimension = UInt32(quantizer.layout.dimension)
        self.header = header
    }

    /// Writes the records of some rows one after the other, each `header.layout.stride` bytes. Rows that are
    /// not in the graph get zeros.
    ///
    /// - Precondition: rows of the graph; `out` has room for their records.
    /// - Complexity: O(d log d) a row; no allocation.
    package func write(
        _ rows: Range<UInt32>, to out: UnsafeMutableRawBufferPointer, scratch: SearchScratch
    ) {
        let layout = header.layout
        precondition(rows.upperBound <= graph.header.rowCount && out.count >= rows.count * layout.stride)
        scratch.prepareCodes(dimension: table.dimension)
        for row in rows {
            let bytes = UnsafeMutableRawBufferPointer(
                rebasing: out[(Int(row - rows.lowerBound) * layout.stride)...].prefix(layout.stride))
            for i in bytes.indices { bytes[i] = 0 }
            // SAFETY: a record has at least the words of a list.
            if graph.contains(row) { write(row, layout: layout, to: bytes.baseAddress.unsafelyUnwrapped) }
        }

        func write(_ row: UInt32, layout: NodeLayout, to record: UnsafeMutableRawPointer) {
            quantizer.encode(
                table.vector(row), scale: table.scale(of: row), to: record, scratch: scratch.rotated.base)
            let list = (record + layout.linksOffset).assumingMemoryBound(to: UInt32.self)
            var count: UInt32 = 0
            graph.forEachNeighbour(of: row, level: 0) { neighbour in
                count += 1
                list[Int(count)] = neighbour
            }
            list[0] = count
        }
    }
}
