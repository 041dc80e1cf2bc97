import NeedleCore
import NeedleStorage

/// The file RECALL: what was measured on a collection's sealed segments (docs/format/recall.md). Without it, that is
/// measured again.
struct RecallFile: MeasuredFile, Hashable {
    static let name = "RECALL"
    static let magic: [UInt8] = Array("NTRCL".utf8) + [0, 13, 10]
    static let version: UInt32 = 1
    /// Millions of segments would fit.
    static let maximumBytes = 64 << 20

    var incarnation: Incarnation
    var entries: [RecallKey: SpaceRecall]

    init(incarnation: Incarnation, entries: [RecallKey: SpaceRecall]) {
        self.incarnation = incarnation
        self.entries = entries
    }

    var entryCount: Int { entries.count }

    func writeEntries(to writer: inout ByteWriter) {
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
    }

    @_lifetime(reader: copy reader)
    init(incarnation: Incarnation, entries count: UInt32, reading reader: inout ByteReader)
        throws(DatabaseError)
    {
        self.incarnation = incarnation
        entries = [:]
        for _ in 0..<count {
            let (segment, space) = (try reader.readUInt64(), Int(try reader.readUInt32()))
            guard let source = RecallSource(rawValue: try reader.readUInt32()) else {
                throw reader.damage("an unknown source of queries")
            }
            let key = RecallKey(segment: segment, space: space, source: source)
            entries[key] = try SpaceRecall(reading: &reader)
        }
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
