package import NeedleCore

/// The inverted index of one key over a stripe of rows, used where its bytes lie: which rows hold a term how often,
/// and how many terms each row has.
///
/// Inside, rows are counted from the stripe's first; outside, they are the segment's. Opening costs O(1); whatever a
/// damaged file holds, every access stays inside the bytes and rows inside `rows`, or `corruption` is thrown.
/// Immutable; safe to share.
package final class TextIndex: @unchecked Sendable {
    // SAFETY: read only; `owner` keeps them, and nobody changes them.
    let bytes: UnsafeRawBufferPointer
    private let owner: AnyObject
    package let file: String
    let layout: TextIndexLayout
    let dictionary: TermDictionary
    let lengths: LengthColumn
    /// Rows with more than one text, in which terms may come from different ones.
    let severalTexts: PointSet

    /// - Parameters:
    ///   - bytes: begin at a multiple of 8 bytes.
    ///   - owner: keeps the bytes, which stay as they are.
    /// - Throws: `corruption` when this is no text index, also when it comes from another `TextAnalysis.version`.
    package init(opening bytes: UnsafeRawBufferPointer, owner: AnyObject, file: String) throws(DatabaseError)
    {
        self.bytes = bytes
        self.owner = owner
        self.file = file
        layout = try TextIndexLayout(reading: bytes, file: file)
        dictionary = TermDictionary(
            groups: UnsafeRawBufferPointer(rebasing: bytes[layout.range(.groups)]),
            bytes: UnsafeRawBufferPointer(rebasing: bytes[layout.range(.termBytes)]),
            termCount: layout.termCount, file: file, origin: layout.range(.termBytes).lowerBound)
        lengths = LengthColumn(
            start: bytes.baseAddress.unsafelyUnwrapped + layout.range(.lengths).lowerBound,
            width: layout.lengthWidth)
        severalTexts = try PointSet(
            opening: bytes, at: layout.range(.severalTexts).lowerBound, owner: owner, file: file)
    }

    /// An index in memory.
    package convenience init(_ serialised: [UInt8]) throws(DatabaseError) {
        let memory = TextIndexMemory(serialised)
        try self.init(opening: memory.bytes, owner: memory, file: "memory")
    }

    /// The segment's rows that it covers.
    package var rows: Range<Int> { layout.firstRow..<(layout.firstRow + layout.rowCount) }
    package var rowCount: Int { layout.rowCount }
    /// Rows with at least one term.
    package var documents: Int { layout.documents }
    /// Terms of all rows.
    package var totalLength: Int { layout.totalLength }
    package var termCount: Int { layout.termCount }

    /// Terms in a row.
    @inline(__always)
    func length(of row: Int) -> Int {
        precondition(row >= 0 && row < rowCount, "a row of the stripe")
        return lengths[row]
    }

    /// The rows of a term. O(log terms).
    func postings(of term: [UInt8]) throws(DatabaseError) -> PostingList? {
        guard let number = try dictionary.find(term) else { return nil }
        return try PostingList(self, term: number)
    }

    func damage(_ part: TextIndexLayout.Part, _ offset: Int, _ what: String) -> DatabaseError {
        .corruption(file: file, offset: layout.range(part).lowerBound + offset, what: what)
    }
}

/// How many terms each row of a stripe has.
///
/// SAFETY: rows below the stripe's count only, while the index lives.
struct LengthColumn: @unchecked Sendable {
    let start: UnsafeRawPointer
    /// Bytes of a number: 1, 2 or 4.
    let width: Int

    @inline(__always)
    subscript(row: Int) -> Int {
        switch width {
        case 1: Int(start.load(fromByteOffset: row, as: UInt8.self))
        case 2: Int(UInt16(littleEndian: start.loadUnaligned(fromByteOffset: 2 * row, as: UInt16.self)))
        default: Int(UInt32(littleEndian: start.loadUnaligned(fromByteOffset: 4 * row, as: UInt32.self)))
        }
    }
}

/// Memory of an index that was built here.
private final class TextIndexMemory {
    let bytes: UnsafeRawBufferPointer

    init(_ source: [UInt8]) {
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 64)
        target.copyBytes(from: source)
        bytes = UnsafeRawBufferPointer(target)
    }

    deinit { bytes.deallocate() }
}
