import NeedleCore

/// The rows that hold one term, in blocks.
struct PostingList {
    let index: TextIndex
    /// Rows that hold the term.
    let count: Int
    let blockCount: Int
    private let firstBlock: Int
    // SAFETY: the entries of `blockCount` blocks; `index` keeps them.
    private let entries: UnsafeRawPointer
    /// The only posting of a rare term, which has no block.
    private let only: (row: UInt32, frequency: UInt32)?

    /// - Precondition: `term` is a number of the dictionary.
    init(_ index: TextIndex, term: Int) throws(DatabaseError) {
        self.index = index
        let place = term * TextIndexLayout.termEntrySize
        let start = index.layout.range(.termEntries).lowerBound + place
        func word(_ offset: Int) -> UInt32 {
            UInt32(littleEndian: index.bytes.loadUnaligned(fromByteOffset: start + offset, as: UInt32.self))
        }
        let base = index.bytes.baseAddress.unsafelyUnwrapped
        count = Int(word(0))
        guard count > 0, count <= index.rowCount else {
            throw index.damage(.termEntries, place, "a term in \(count) of \(index.rowCount) rows")
        }
        if count == 1 {
            let row = word(4)
            guard row < index.rowCount, word(8) > 0 else {
                throw index.damage(.termEntries, place, "a term in row \(row) of \(index.rowCount)")
            }
            only = (row, word(8))
            firstBlock = 0
            blockCount = 1
            entries = base
            return
        }
        only = nil
        firstBlock = Int(word(4))
        blockCount = (count + TextIndexLayout.blockSize - 1) / TextIndexLayout.blockSize
        guard firstBlock + blockCount <= index.layout.blockCount else {
            throw index.damage(.termEntries, place, "blocks of a term lie outside")
        }
        entries =
            base + index.layout.range(.blocks).lowerBound + firstBlock * TextIndexLayout.blockEntrySize
    }

    /// - Precondition: `number` is below `blockCount`.
    func block(_ number: Int) -> PostingBlock {
        if let only {
            let length = UInt32(index.length(of: Int(only.row)))
            return PostingBlock(
                lastRow: only.row, start: 0, count: 1, rowBits: 0, frequencyBits: 0,
                shortestOnce: only.frequency == 1 ? length : .max, highestFrequency: only.frequency,
                shortestMore: only.frequency > 1 ? length : .max)
        }
        let entry = entry(number)
        func word(_ offset: Int) -> UInt32 {
            UInt32(littleEndian: entry.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        let counts = word(8)
        return PostingBlock(
            lastRow: word(0), start: word(4), count: Int(counts & 0xFFFF), rowBits: Int(counts >> 16 & 0xFF),
            frequencyBits: Int(counts >> 24), shortestOnce: word(12), highestFrequency: word(16),
            shortestMore: word(20))
    }

    @inline(__always)
    func lastRow(_ number: Int) -> UInt32 {
        if let only { return only.row }
        return UInt32(littleEndian: entry(number).loadUnaligned(as: UInt32.self))
    }

    @inline(__always)
    private func entry(_ number: Int) -> UnsafeRawPointer {
        precondition(number >= 0 && number < blockCount, "a block of the list")
        return entries + number * TextIndexLayout.blockEntrySize
    }

    /// Unpacks a block.
    ///
    /// - Parameters:
    ///   - rows: room for 128, as has `frequencies`; the rows rise, and all are below the stripe's row count.
    /// - Returns: how many.
    func unpack(
        _ number: Int, rows: UnsafeMutablePointer<UInt32>, frequencies: UnsafeMutablePointer<UInt32>
    ) throws(DatabaseError) -> Int {
        if let only {
            rows[0] = only.row
            frequencies[0] = only.frequency
            return 1
        }
        let block = block(number)
        let packed = index.layout.range(.packed)
        let start = Int(block.start) * 4
        guard block.count > 0, block.count <= TextIndexLayout.blockSize, block.rowBits <= 32,
            block.frequencyBits <= 32,
            start + block.packedSize + TextIndexLayout.packedPadding <= packed.count
        else { throw damaged(number, "a block of postings leads out of the index") }
        // SAFETY: the numbers and the padding behind them lie inside, as was just checked.
        let source = index.bytes.baseAddress.unsafelyUnwrapped + packed.lowerBound + start
        PostingBlock.unpack(source, bits: block.rowBits, count: block.count, to: rows)
        let frequencySource = source + (block.count * block.rowBits + 7) / 8
        PostingBlock.unpack(frequencySource, bits: block.frequencyBits, count: block.count, to: frequencies)
        var next: UInt64 = number == 0 ? 0 : UInt64(lastRow(number - 1)) + 1
        for place in 0..<block.count {
            next &+= UInt64(rows[place])
            rows[place] = UInt32(truncatingIfNeeded: next)
            frequencies[place] &+= 1
            next &+= 1
        }
        // Distances only add up to the last row if every row was below it.
        guard next == UInt64(block.lastRow) + 1, Int(block.lastRow) < index.rowCount else {
            throw damaged(number, "rows of a block do not add up")
        }
        return block.count
    }

    /// Calls with every row, rising.
    func forEachRow(_ body: (UInt32) -> Void) throws(DatabaseError) {
        let capacity = TextIndexLayout.blockSize
        let buffer = UnsafeMutablePointer<UInt32>.allocate(capacity: 2 * capacity)
        defer { buffer.deallocate() }
        for number in 0..<blockCount {
            let count = try unpack(number, rows: buffer, frequencies: buffer + capacity)
            for place in 0..<count { body(buffer[place]) }
        }
    }

    private func damaged(_ number: Int, _ what: String) -> DatabaseError {
        index.damage(.blocks, (firstBlock + number) * TextIndexLayout.blockEntrySize, what)
    }
}
