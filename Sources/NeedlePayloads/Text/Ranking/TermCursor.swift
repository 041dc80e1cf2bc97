import NeedleCore

/// Walks through the rows of one term of a stripe, block by block, skipping what cannot matter.
///
/// Rows are those of the segment. Not thread safe.
final class TermCursor {
    /// The term's number among those of the query.
    let slot: Int
    private let list: PostingList
    /// The segment's row that is the stripe's first.
    private let firstRow: Int
    /// The first block that may reach what is asked for next.
    private var block = 0
    private var unpacked = -1
    private var unpackedCount = 0
    /// The next row in the unpacked block.
    private var place = 0
    // SAFETY: 128 numbers each, allocated for the cursor's life.
    private let rows: UnsafeMutablePointer<UInt32>
    private let frequencies: UnsafeMutablePointer<UInt32>

    init(_ list: PostingList, slot: Int) {
        self.list = list
        self.slot = slot
        firstRow = list.index.rows.lowerBound
        rows = .allocate(capacity: 2 * TextIndexLayout.blockSize)
        frequencies = rows + TextIndexLayout.blockSize
    }

    deinit { rows.deallocate() }

    /// Rows that hold the term.
    var count: Int { list.count }

    /// Rows that the stripe covers.
    var coverage: Range<Int> { list.index.rows }

    func length(of row: Int) -> Int { list.index.length(of: row - firstRow) }

    /// What the term can add at most to a row of a window; 0 when no block reaches into it. Windows rise.
    func bound(in window: Range<Int>, _ scores: BM25) -> Double {
        skipBlocks(before: window.lowerBound)
        var bound = 0.0
        var number = block
        while number < list.blockCount {
            let start = number == 0 ? firstRow : firstRow + Int(list.lastRow(number - 1)) + 1
            guard start < window.upperBound else { break }
            bound = max(bound, scores.bound(slot: slot, block: list.block(number)))
            number += 1
        }
        return bound
    }

    /// Calls with every row of a window, its frequency and its length. Rows rise from call to call.
    @inline(__always)
    func forEach(
        in window: Range<Int>, _ body: (_ row: Int, _ frequency: UInt32, _ length: Int) -> Void
    ) throws(DatabaseError) {
        skipBlocks(before: window.lowerBound)
        let lengths = list.index.lengths
        let start = max(0, window.lowerBound - firstRow)
        let end = window.upperBound - firstRow
        while block < list.blockCount {
            try unpack()
            let (rows, frequencies, count) = (rows, frequencies, unpackedCount)
            var place = place
            while place < count, Int(rows[place]) < start { place += 1 }
            while place < count, Int(rows[place]) < end {
                let row = Int(rows[place])
                body(firstRow + row, frequencies[place], lengths[row])
                place += 1
            }
            self.place = place
            guard place == count else { return }
            block += 1
        }
    }

    /// How often the row holds the term. Rows rise from call to call.
    func frequency(of row: Int) throws(DatabaseError) -> UInt32 {
        guard row >= firstRow else { return 0 }
        skipBlocks(before: row)
        guard block < list.blockCount else { return 0 }
        let wanted = UInt32(row - firstRow)
        // Most rows that are asked for lie between two blocks' ends, few in them: look before unpacking.
        if block > 0, wanted <= list.lastRow(block - 1) { return 0 }
        try unpack()
        while place < unpackedCount, rows[place] < wanted { place += 1 }
        return place < unpackedCount && rows[place] == wanted ? frequencies[place] : 0
    }

    private func skipBlocks(before row: Int) {
        guard row > firstRow else { return }
        let wanted = row - firstRow
        while block < list.blockCount, Int(list.lastRow(block)) < wanted { block += 1 }
    }

    private func unpack() throws(DatabaseError) {
        guard unpacked != block else { return }
        unpackedCount = try list.unpack(block, rows: rows, frequencies: frequencies)
        unpacked = block
        place = 0
    }
}
