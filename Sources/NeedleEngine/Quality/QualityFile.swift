import NeedleCore
import NeedleStorage

/// The file QUALITY: what was measured of vectors and answers over time (docs/format/quality.md). Without it, time begins
/// anew.
struct QualityFile: MeasuredFile, Hashable {
    static let name = "QUALITY"
    static let magic: [UInt8] = Array("NTQLY".utf8) + [0, 13, 10]
    static let version: UInt32 = 1
    /// Thousands of spaces would fit.
    static let maximumBytes = 256 << 20

    var incarnation: Incarnation
    /// In the order of the collection's spaces.
    var spaces: [QualityRecord]

    init(incarnation: Incarnation, spaces: [QualityRecord]) {
        self.incarnation = incarnation
        self.spaces = spaces
    }

    var entryCount: Int { spaces.count }

    func writeEntries(to writer: inout ByteWriter) {
        for record in spaces {
            writer.append(record.baseline)
            writer.append(record.newest)
            writer.append(UInt32(record.history.count))
            for figures in record.history { writer.append(figures) }
        }
    }

    @_lifetime(reader: copy reader)
    init(incarnation: Incarnation, entries: UInt32, reading reader: inout ByteReader) throws(DatabaseError) {
        self.incarnation = incarnation
        spaces = []
        for _ in 0..<entries { spaces.append(try QualityRecord(reading: &reader)) }
    }
}

// Figures that are not there are written as no number.

extension ByteWriter {
    fileprivate mutating func append(_ value: Double?) { append((value ?? .nan).bitPattern) }

    fileprivate mutating func append(_ figures: QualityMeasurement) {
        append(UInt64(bitPattern: figures.atMS))
        for count in [figures.points, figures.sampled, figures.queries] { append(UInt64(count)) }
        for value in [
            figures.norm, figures.normDeviation, figures.centroidShift, figures.nearDuplicates,
            figures.coherence, figures.hubness, figures.lowConfidence, figures.scoreGap,
        ] { append(value) }
        let latency = figures.latency
        for value in [latency?.p50, latency?.p95, latency?.p99] { append(UInt64(value ?? 0)) }
        append(UInt32(latency == nil ? 0 : 1))
    }

    fileprivate mutating func append(_ reference: QualityRecord.Reference?) {
        append(UInt32(reference?.centroid.count ?? 0))
        guard let reference else { return }
        append(reference.figures)
        append(reference.spread)
        append(reference.lowScore)
        append(floats: reference.centroid.span)
    }
}

extension QualityRecord {
    @_lifetime(reader: copy reader)
    fileprivate init(reading reader: inout ByteReader) throws(DatabaseError) {
        self.init()
        baseline = try Reference(reading: &reader)
        newest = try Reference(reading: &reader)
        var history: [QualityMeasurement] = []
        for _ in 0..<(try reader.readUInt32()) { history.append(try QualityMeasurement(reading: &reader)) }
        guard history.count < Self.most else { throw reader.damage("more measurements than are kept") }
        self.init(baseline: baseline, newest: newest, history: history)
    }
}

extension QualityRecord.Reference {
    @_lifetime(reader: copy reader)
    fileprivate init?(reading reader: inout ByteReader) throws(DatabaseError) {
        let dimension = try reader.readUInt32()
        guard dimension > 0 else { return nil }
        figures = try QualityMeasurement(reading: &reader)
        spread = try reader.readFigure()
        lowScore = try reader.readOptionalFigure()
        centroid = try reader.readFloats(Int(dimension))
    }
}

extension QualityMeasurement {
    @_lifetime(reader: copy reader)
    fileprivate init(reading reader: inout ByteReader) throws(DatabaseError) {
        let atMS = try reader.readInt64()
        let counts = (try reader.readSize(), try reader.readSize(), try reader.readSize())
        let norms = (try reader.readFigure(), try reader.readFigure())
        let shape = (
            try reader.readFigure(), try reader.readFigure(), try reader.readFigure(),
            try reader.readFigure()
        )
        let answers = (try reader.readOptionalFigure(), try reader.readOptionalFigure())
        let latency = Latency(
            p50: try reader.readSize(), p95: try reader.readSize(), p99: try reader.readSize())
        self.init(
            atMS: atMS, points: counts.0, sampled: counts.1, norm: norms.0, normDeviation: norms.1,
            centroidShift: shape.0, nearDuplicates: shape.1, coherence: shape.2, hubness: shape.3,
            queries: counts.2, lowConfidence: answers.0, scoreGap: answers.1,
            latency: try reader.readUInt32() == 0 ? nil : latency)
    }
}

extension ByteReader {
    @_lifetime(self: copy self)
    fileprivate mutating func readOptionalFigure() throws(DatabaseError) -> Double? {
        let value = Double(bitPattern: try readUInt64())
        return value.isNaN ? nil : value
    }

    @_lifetime(self: copy self)
    fileprivate mutating func readFigure() throws(DatabaseError) -> Double {
        let value = Double(bitPattern: try readUInt64())
        guard value.isFinite else { throw damage("no number") }
        return value
    }
}
