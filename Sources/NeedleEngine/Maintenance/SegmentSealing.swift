import NeedleCore
import NeedleStorage
import NeedleVectors

/// Writes a growing segment that takes no more writes to its file, rows in their order, graphs as they are;
/// spaces that have none go without.
///
/// Dead rows go along: their deletions stay beside the file. The file is durable and has its name when this
/// returns.
struct SegmentSealing {
    let segment: GrowingSegment
    let config: CollectionConfig
    let incarnation: Incarnation

    func write(to path: String, _ fileSystem: any FileSystem) throws(DatabaseError) {
        let rows = segment.rowCount
        precondition(rows > 0 && segment.isIndexed, "only a whole index is sealed")
        let columns = segment.columns
        let versions = UnsafeBufferPointer(start: columns.versions, count: rows)
        let header = SegmentHeader(
            incarnation: incarnation, segmentID: segment.id, rowCount: rows,
            minLSN: LSN(versions.min() ?? 0), maxLSN: LSN(versions.max() ?? 0),
            spaces: config.spaces.map { NeedleStorage.SegmentSpace(dimensions: $0.size, metric: $0.metric) })
        var ids: [PointID] = []
        ids.reserveCapacity(rows)
        for row in 0..<rows { ids.append(try columns.id(of: row)) }
        var writer = try SegmentWriter(fileSystem, path: path, header: header)
        do throws(DatabaseError) {
            try writer.writeIDs { ids[$0] }
            try writeRows(rows, to: &writer)
            for index in config.spaces.indices { try writeSpace(index, rows: rows, to: &writer) }
        } catch {
            writer.abandon()
            throw error
        }
        _ = try writer.finish()
    }

    private func writeRows(_ rows: Int, to writer: inout SegmentWriter) throws(DatabaseError) {
        let columns = segment.columns
        try write(.versions, stride: 8, columns.versions, count: rows, to: &writer)
        if segment.hasExpiringRows, let expiries = columns.expiries {
            try write(.expiries, stride: 8, expiries, count: rows, to: &writer)
        }
        try write(.payloadOffsets, stride: 8, columns.payloadOffsets, count: rows + 1, to: &writer)
        try write(.payloadHeap, stride: 1, columns.payloads, count: segment.payloadBytes, to: &writer)
    }

    private func writeSpace(_ index: Int, rows: Int, to writer: inout SegmentWriter) throws(DatabaseError) {
        let space = segment.spaces[index]
        let columns = space.columns
        try write(
            .vectors, space: index, stride: 4 * columns.dimension, columns.vectors,
            count: rows * columns.dimension,
            to: &writer)
        if let inverseNorms = columns.inverseNorms {
            try write(.inverseNorms, space: index, stride: 4, inverseNorms, count: rows, to: &writer)
        }
        if space.vectorCount < rows, let presence = columns.presence {
            try write(.presence, space: index, stride: 1, presence, count: rows, to: &writer)
        }
        try writer.section(
            .statistics, space: index, elements: [UInt64(space.vectorCount), UInt64(space.wideRowCount)])
        if let builder = space.builder {
            try GraphSectionCodec.write(
                builder.view(), recoding: recoding(space), space: index, rows: rows, to: &writer)
        }
    }

    /// So few bits tell hardly any vectors apart, and would save next to nothing beside the links: smaller spaces
    /// keep their int8 codes.
    static let leastBinaryDimension = 64

    /// Bits in place of int8 codes, with the same centre and rotation, where the space is searched on them.
    private func recoding(_ space: GrowingSpace) -> (quantizer: Quantizer, table: VectorTable)? {
        guard space.config.quantization == .binary, space.config.size >= Self.leastBinaryDimension,
            let built = space.builder?.quantizer
        else { return nil }
        return (Quantizer(transform: built.transform, kind: .binary), space.searchable.table)
    }

    /// SAFETY: the segment's memory holds at least `count` elements, written before its rows were published.
    private func write<Element: BitwiseCopyable>(
        _ kind: SectionKind, space: Int? = nil, stride: Int, _ elements: UnsafePointer<Element>, count: Int,
        to writer: inout SegmentWriter
    ) throws(DatabaseError) {
        let bytes = UnsafeRawBufferPointer(start: elements, count: count * MemoryLayout<Element>.stride)
        try writer.begin(kind, space: space, stride: stride, expectedBytes: bytes.count)
        try writer.append(bytes)
        try writer.end()
    }
}
