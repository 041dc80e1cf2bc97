import NeedleCore
import NeedleStorage

/// The file RECALL beside a collection's manifest: what was measured on its sealed segments
/// (docs/format/recall.md). Derived: it may be removed at any time.
struct RecallFile: Hashable {
    static let name = "RECALL"
    private static let magic: [UInt8] = Array("NTRCL".utf8) + [0, 13, 10]
    private static let version: UInt32 = 1
    /// Millions of segments would fit; nothing larger is believed.
    private static let maximumBytes = 64 << 20

    var incarnation: Incarnation
    var entries: [RecallKey: SpaceRecall]

    static func read(_ fileSystem: any FileSystem, path: String) throws(DatabaseError) -> RecallFile {
        let file = try fileSystem.openForReading(path)
        defer { file.close() }
        let size = try file.size()
        guard size <= maximumBytes else {
            throw .corruption(file: path, offset: maximumBytes, what: "longer than it can be")
        }
        return try RecallFile(decoding: try file.readExactly(size, at: 0), file: path)
    }

    init(incarnation: Incarnation, entries: [RecallKey: SpaceRecall]) {
        self.incarnation = incarnation
        self.entries = entries
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 1024)
        writer.append(bytes: Self.magic)
        writer.append(Self.version)
        writer.append(UInt32(entries.count))
        writer.append(bytes: incarnation.bytes)
        let ordered = entries.sorted { left, right in
            (left.key.segment, left.key.space, left.key.source.rawValue)
                < (right.key.segment, right.key.space, right.key.source.rawValue)
        }
        for (key, recall) in ordered {
            writer.append(key.segment)
            writer.append(UInt32(key.space))
            writer.append(key.source.rawValue)
            writer.append(recall.filterClass.rawValue)
            writer.append(UInt32(recall.isRefined ? 1 : 0))
            writer.append(recall.graph.codeKind)
            writer.append(recall.graph.links)
            writer.append(UInt64(recall.rows))
            writer.append(UInt64(recall.live))
            writer.append(UInt64(bitPattern: recall.measuredMS))
            let points = recall.curves.flatMap(\.points)
            writer.append(UInt64(points.count))
            for point in points {
                writer.append(UInt32(point.k))
                writer.append(UInt32(point.ef))
                writer.append(UInt64(point.queries))
                writer.append(point.sum.bitPattern)
                writer.append(point.sumOfSquares.bitPattern)
            }
        }
        writer.append(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    /// - Throws: `corruption`, also for another version: what it says is measured again.
    init(decoding bytes: [UInt8], file: String) throws(DatabaseError) {
        guard bytes.count >= 36 else {
            throw .corruption(file: file, offset: bytes.count, what: "the file ends inside its header")
        }
        var reader = ByteReader(bytes.span.bytes, file: file)
        guard try reader.readBytes(8) == Self.magic, try reader.readUInt32() == Self.version else {
            throw .corruption(file: file, offset: 0, what: "not a recall file of this version")
        }
        let body = Array(bytes.dropLast(4))
        let stored = bytes.suffix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard CRC32C.checksum(body) == stored else {
            throw .corruption(file: file, offset: body.count, what: "the checksum is another")
        }
        let count = try reader.readUInt32()
        incarnation = Incarnation(bytes: try reader.readBytes(16))
        entries = [:]
        for _ in 0..<count {
            let (segment, space) = (try reader.readUInt64(), Int(try reader.readUInt32()))
            guard let source = RecallSource(rawValue: try reader.readUInt32()) else {
                throw reader.damage("an unknown source of queries")
            }
            let key = RecallKey(segment: segment, space: space, source: source)
            entries[key] = try SpaceRecall(reading: &reader)
        }
        try reader.skip(4)
        try reader.expectEnd()
    }
}

extension SpaceRecall {
    @_lifetime(reader: copy reader)
    fileprivate init(reading reader: inout ByteReader) throws(DatabaseError) {
        guard let filterClass = FilterClass(rawValue: try reader.readUInt32()) else {
            throw reader.damage("an unknown class of filters")
        }
        let isRefined = try reader.readUInt32() != 0
        let graph = GraphStamp(codeKind: try reader.readUInt32(), links: try reader.readUInt64())
        let rows = try reader.readSize()
        let live = try reader.readSize()
        let measuredMS = try reader.readInt64()
        var points: [RecallPoint] = []
        for _ in 0..<(try reader.readSize()) {
            let (k, ef) = (Int(try reader.readUInt32()), Int(try reader.readUInt32()))
            let queries = try reader.readSize()
            let sums = (
                Double(bitPattern: try reader.readUInt64()), Double(bitPattern: try reader.readUInt64())
            )
            guard k > 0, ef >= k, sums.0.isFinite, sums.1.isFinite else {
                throw reader.damage("no point of a curve")
            }
            points.append(RecallPoint(ef: ef, k: k, queries: queries, sum: sums.0, sumOfSquares: sums.1))
        }
        let curves = EffortLadder.depths.map { k in RecallCurve(k: k, points: points.filter { $0.k == k }) }
        self.init(
            graph: graph, filterClass: filterClass, rows: rows, live: min(live, rows),
            sampled: 0,
            measuredMS: measuredMS, isRefined: isRefined, curves: curves.filter { !$0.points.isEmpty })
    }
}
