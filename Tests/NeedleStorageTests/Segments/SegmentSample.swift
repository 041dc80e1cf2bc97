import NeedleCore
import NeedleStorage
import SimulationKit

/// A small segment with a bit of everything.
struct SegmentSample {
    static let incarnation = Incarnation(bytes: Array(100..<116))

    var ids: [PointID]
    var payloads: [[UInt8]]
    var vectors: [[Float]]
    let dimensions = 3

    static let golden = SegmentSample(
        ids: [PointID("zoë"), PointID(7), PointID("a"), PointID(UInt64.max), PointID(0)],
        payloads: ["{}", #"{"name":"gimp"}"#, #"{"n":1}"#, "{}", #"{"tags":["x","y"]}"#].map {
            Array($0.utf8)
        },
        vectors: (0..<5).map { row in (0..<3).map { Float(row) + Float($0) / 4 } })

    init(ids: [PointID], payloads: [[UInt8]], vectors: [[Float]]) {
        self.ids = ids
        self.payloads = payloads
        self.vectors = vectors
    }

    /// A random one: integer and string ids mixed, all distinct.
    init(rows: Int, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        ids = (0..<rows).map { row in
            row % 3 == 0
                ? PointID(
                    "p\(row)" + String(repeating: "x", count: Int.random(in: 0...20, using: &generator)))
                : PointID(generator.next() << 20 | UInt64(row))
        }
        payloads = (0..<rows).map { row in
            [UInt8](repeating: UInt8(row % 251), count: Int.random(in: 0...60, using: &generator))
        }
        vectors = (0..<rows).map { row in [Float(row), Float(row) / 2, -1] }
    }

    var header: SegmentHeader {
        SegmentHeader(
            incarnation: Self.incarnation, segmentID: 4, rowCount: ids.count, minLSN: LSN(1),
            maxLSN: LSN(UInt64(ids.count)), spaces: [SegmentSpace(dimensions: dimensions, metric: .cosine)])
    }

    @discardableResult
    func write(_ disk: any FileSystem, _ path: String) throws(DatabaseError) -> SegmentFile {
        var writer = try SegmentWriter(disk, path: path, header: header)
        try writer.writeIDs { ids[$0] }
        try writer.section(.versions, elements: ids.indices.map { UInt64($0 + 1) })
        try writer.section(.expiries, elements: ids.indices.map { Int64($0 % 2) * 1_700_000_000_000 })
        try writer.section(
            .payloadOffsets,
            elements: payloads.reduce(into: [UInt64(0)]) { offsets, payload in
                offsets.append(offsets[offsets.count - 1] + UInt64(payload.count))
            })
        try writer.begin(.payloadHeap, stride: 1)
        for payload in payloads { try writer.append(payload.span.bytes) }
        try writer.end()
        try writer.begin(
            .vectors, space: 0, stride: 4 * dimensions, expectedBytes: 4 * dimensions * ids.count)
        for vector in vectors { try writer.append(vector.span.bytes) }
        try writer.end()
        try writer.section(.inverseNorms, space: 0, elements: ids.indices.map { Float($0) })
        try writer.section(.presence, space: 0, elements: ids.indices.map { UInt8($0 % 2) })
        return try writer.finish()
    }

    static func open(_ disk: any FileSystem, _ path: String) throws(DatabaseError) -> SegmentReader {
        try SegmentReader(disk, path: path, incarnation: incarnation, segmentID: 4)
    }

    /// Everything that the file must give back, after checking all blocks.
    func matches(_ reader: SegmentReader) throws(DatabaseError) -> Bool {
        try reader.scrub(0..<reader.blockCount)
        guard reader.rowCount == ids.count, let found = reader.vectors(space: 0) else { return false }
        for row in ids.indices {
            guard try reader.id(at: row) == ids[row], try reader.lookup(ids[row]) == row,
                try reader.payload(at: row).elementsEqual(payloads[row]),
                reader.versions[row] == UInt64(row + 1),
                reader.expiries?[row] == Int64(row % 2) * 1_700_000_000_000,
                reader.inverseNorms(space: 0)?[row] == Float(row),
                reader.presence(space: 0)?[row] == UInt8(row % 2),
                (0..<dimensions).allSatisfy({ found[row * dimensions + $0] == vectors[row][$0] })
            else { return false }
        }
        return true
    }
}
