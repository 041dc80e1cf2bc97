import NeedleCore

/// Where the parts of a text index lie: docs/format/text-index.md is the page for the bytes.
///
/// All numbers little-endian; parts begin at multiples of 64 bytes from the header.
struct TextIndexLayout {
    static let magic: UInt32 = 0x5854_444E  // "NDTX"
    static let version: UInt32 = 1
    static let headerSize = 192
    static let alignment = 64
    /// Terms between two that are stored whole.
    static let groupSize = 16
    /// Postings of a full block.
    static let blockSize = 128
    static let termEntrySize = 12
    static let blockEntrySize = 24
    /// Zero bytes behind the packed postings, so that they can be read in words.
    static let packedPadding = 8

    /// In the order in which they lie.
    enum Part: Int, CaseIterable {
        /// Terms in each row, `lengthWidth` bytes a row.
        case lengths
        /// Rows with more than one text: a `PointSet` of the segment's rows.
        case severalTexts
        /// Where each group of terms begins in `termBytes`.
        case groups
        case termBytes
        case termEntries
        case blocks
        case packed
    }

    /// The segment's row that is the stripe's first.
    var firstRow = 0
    /// Rows of the stripe.
    var rowCount = 0
    /// Rows with at least one term.
    var documents = 0
    /// Terms of all rows.
    var totalLength = 0
    var termCount = 0
    var blockCount = 0
    var lengthWidth = 1
    /// By `Part.rawValue`.
    var parts = [Range<Int>](repeating: 0..<0, count: Part.allCases.count)

    func range(_ part: Part) -> Range<Int> { parts[part.rawValue] }

    // MARK: Bytes

    func write(to writer: inout ByteWriter) {
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(TextAnalysis.version)
        writer.append(UInt32(lengthWidth))
        for number in [firstRow, rowCount, documents, totalLength, termCount, blockCount] {
            writer.append(UInt64(number))
        }
        for part in parts {
            writer.append(UInt32(part.lowerBound / Self.alignment))
            writer.append(UInt64(part.count))
        }
        precondition(writer.count <= Self.headerSize)
    }

    /// - Throws: `corruption` unless all parts lie inside and have the size that the counts ask for. O(1).
    init(reading bytes: UnsafeRawBufferPointer, file: String) throws(DatabaseError) {
        var reader = ByteReader(bytes.bytes, file: file)
        guard try reader.readUInt32() == Self.magic, try reader.readUInt32() == Self.version else {
            throw reader.damage("no text index of version \(Self.version)")
        }
        guard try reader.readUInt32() == TextAnalysis.version else {
            throw reader.damage("the terms come from another version of text analysis")
        }
        lengthWidth = Int(try reader.readUInt32())
        firstRow = try reader.readSize()
        rowCount = try reader.readSize()
        documents = try reader.readSize()
        totalLength = try reader.readSize()
        termCount = try reader.readSize()
        blockCount = try reader.readSize()
        for index in parts.indices {
            let start = Int(try reader.readUInt32()) * Self.alignment
            let count = try reader.readSize()
            guard start <= bytes.count, count <= bytes.count - start else {
                throw reader.damage("a part of a text index lies outside")
            }
            parts[index] = start..<(start + count)
        }
        guard [1, 2, 4].contains(lengthWidth), firstRow <= PointSet.rowLimit,
            rowCount <= PointSet.rowLimit - firstRow, documents <= rowCount,
            termCount <= 1 << 32, blockCount <= 1 << 32,
            range(.lengths).count == rowCount * lengthWidth,
            range(.groups).count == (termCount + Self.groupSize - 1) / Self.groupSize * 4,
            range(.termEntries).count == termCount * Self.termEntrySize,
            range(.blocks).count == blockCount * Self.blockEntrySize,
            range(.packed).count >= Self.packedPadding
        else { throw reader.damage("parts and counts of a text index do not agree") }
    }

    init() {}
}
