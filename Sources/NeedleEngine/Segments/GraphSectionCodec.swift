import NeedleCore
import NeedleStorage
import NeedleVectors

/// A graph as sections of a segment file: seven u32 scalars, levels, nodes (codes and links of level 0), the
/// upper levels, and what made the codes (docs/format/segment.md).
enum GraphSectionCodec {
    /// The graph of a space where it lies in the file; `nil` when the segment has none.
    ///
    /// - Throws: `corruption` when the sections do not fit together or to the space.
    static func graph(
        of reader: SegmentReader, space: Int, config: SpaceConfig
    ) throws(DatabaseError) -> GraphView? {
        guard let place = reader.section(.graphScalars, space: space) else { return nil }
        try reader.verify(place)
        guard let scalars = reader.view(.graphScalars, space: space, as: UInt32.self), scalars.count >= 7,
            let levels = reader.section(.graphLevels, space: space),
            let nodes = reader.section(.graphNodes, space: space),
            let offsets = reader.section(.graphUpperOffsets, space: space),
            let upper = reader.section(.graphUpperLinks, space: space)
        else {
            throw .corruption(file: reader.path, offset: 0, what: "the graph of space \(space) is incomplete")
        }
        let header = GraphHeader(
            m: scalars[0], rowCount: scalars[1], upperRecordCount: scalars[2], entryRow: scalars[3],
            entryLevels: scalars[4], codeKind: scalars[5], dimension: scalars[6])
        guard Int(header.rowCount) <= reader.rowCount else {
            throw .corruption(
                file: reader.path, offset: 0, what: "the graph of space \(space) has too many rows")
        }
        let sections = GraphSections(
            levels: reader.bytes(of: levels), nodes: reader.bytes(of: nodes),
            upperOffsets: reader.bytes(of: offsets), upperLinks: reader.bytes(of: upper))
        return try GraphView(
            header: header, quantizer: try quantizer(of: reader, space: space, config: config),
            sections: sections, file: reader.path)
    }

    private static func quantizer(
        of reader: SegmentReader, space: Int, config: SpaceConfig
    ) throws(DatabaseError) -> Quantizer? {
        guard let section = reader.section(.quantizer, space: space) else { return nil }
        try reader.verify(section)
        let quantizer = try Quantizer(serialized: reader.bytes(of: section), file: reader.path)
        guard quantizer.layout.dimension == config.size, quantizer.transform.metric == config.metric else {
            throw .corruption(
                file: reader.path, offset: section.offset,
                what: "the quantizer of space \(space) is one for another space")
        }
        return quantizer
    }

    /// Writes the sections of a graph that nobody changes any more, filled up with empty records to `rows`.
    ///
    /// - Parameter recoding: codes that take the place of the graph's own.
    static func write(
        _ graph: GraphView, recoding: (quantizer: Quantizer, table: VectorTable)? = nil, space: Int,
        rows: Int,
        to writer: inout SegmentWriter
    ) throws(DatabaseError) {
        let recoded = recoding.map { GraphRecoding(graph, quantizer: $0.quantizer, table: $0.table) }
        let header = recoded?.header ?? graph.header
        let sections = graph.sections
        try writer.section(
            .graphScalars, space: space,
            elements: [
                header.m, header.rowCount, header.upperRecordCount, header.entryRow, header.entryLevels,
                header.codeKind, header.dimension,
            ])
        let missing = rows - Int(header.rowCount)
        try write(.graphLevels, space: space, stride: 1, sections.levels, zeros: missing, to: &writer)
        let stride = header.layout.stride
        if let recoded {
            try write(recoded, space: space, zeros: missing * stride, to: &writer)
        } else {
            try write(
                .graphNodes, space: space, stride: stride, sections.nodes, zeros: missing * stride,
                to: &writer)
        }
        try write(
            .graphUpperOffsets, space: space, stride: 4, sections.upperOffsets, zeros: missing * 4,
            to: &writer)
        try write(.graphUpperLinks, space: space, stride: 4, sections.upperLinks, zeros: 0, to: &writer)
        if let quantizer = recoding?.quantizer ?? graph.quantizer {
            try writer.section(.quantizer, space: space, elements: quantizer.serialized)
        }
    }

    private static func write(
        _ kind: SectionKind, space: Int, stride: Int, _ bytes: UnsafeRawBufferPointer, zeros: Int,
        to writer: inout SegmentWriter
    ) throws(DatabaseError) {
        try writer.begin(kind, space: space, stride: stride, expectedBytes: bytes.count + zeros)
        try writer.append(bytes)
        try append(zeros: zeros, to: &writer)
        try writer.end()
    }

    /// Rows that are recoded at once.
    private static let recodedRows = 256

    private static func write(
        _ recoding: GraphRecoding, space: Int, zeros: Int, to writer: inout SegmentWriter
    ) throws(DatabaseError) {
        let stride = recoding.header.layout.stride
        let rows = recoding.header.rowCount
        try writer.begin(
            .graphNodes, space: space, stride: stride, expectedBytes: Int(rows) * stride + zeros)
        let scratch = SearchScratch()
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: recodedRows * stride, alignment: 64)
        defer { block.deallocate() }
        var first: UInt32 = 0
        while first < rows {
            let end = min(rows, first + UInt32(recodedRows))
            recoding.write(first..<end, to: block, scratch: scratch)
            try writer.append(UnsafeRawBufferPointer(rebasing: block[..<(Int(end - first) * stride)]))
            first = end
        }
        try append(zeros: zeros, to: &writer)
        try writer.end()
    }

    private static func append(zeros: Int, to writer: inout SegmentWriter) throws(DatabaseError) {
        var left = zeros
        let block = [UInt8](repeating: 0, count: min(zeros, 1 << 16))
        while left > 0 {
            let count = min(left, block.count)
            try writer.append(block.span.extracting(first: count).bytes)
            left -= count
        }
    }
}
