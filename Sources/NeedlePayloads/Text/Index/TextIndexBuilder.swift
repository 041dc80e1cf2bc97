package import NeedleCore

/// Builds the text index of one key over a stripe of rows.
///
/// Rows come in their order; the bytes depend on the rows' texts and the analysis only. O(words), and 12 bytes of
/// memory for each different word of each row.
package struct TextIndexBuilder {
    private struct Posting {
        let term: UInt32
        let row: UInt32
        let frequency: UInt32
    }

    private let analysis: TextAnalysis
    private let firstRow: Int
    private var table = TermTable()
    private var postings: [Posting] = []
    private var lengths: [UInt32] = []
    private var severalTexts: [UInt32] = []
    private var terms = TextTerms()
    private var numbers: [Int] = []

    /// - Parameter firstRow: the segment's row that is the stripe's first.
    package init(analysis: TextAnalysis, firstRow: Int = 0) {
        self.analysis = analysis
        self.firstRow = firstRow
    }

    package var rowCount: Int { lengths.count }

    /// The next row, with the strings at the key: none, one, or the members of an array.
    package mutating func append(_ texts: [String]) {
        terms.removeAll()
        for text in texts { analysis.append(text.utf8.span, to: &terms) }
        let row = UInt32(lengths.count)
        lengths.append(UInt32(terms.count))
        if texts.count > 1 { severalTexts.append(UInt32(firstRow) + row) }
        numbers.removeAll(keepingCapacity: true)
        for index in 0..<terms.count { numbers.append(table.number(of: terms.bytes[terms.range(index)])) }
        numbers.sort()
        var start = 0
        for end in numbers.indices where end + 1 == numbers.count || numbers[end + 1] != numbers[end] {
            postings.append(
                Posting(term: UInt32(numbers[end]), row: row, frequency: UInt32(end + 1 - start)))
            start = end + 1
        }
    }

    /// The serialised index.
    ///
    /// - Throws: `limit_exceeded` when the packed postings would not fit: more than 16 GiB.
    package consuming func finish() throws(DatabaseError) -> [UInt8] {
        let order = (0..<table.count).sorted { table.term($0).lexicographicallyPrecedes(table.term($1)) }
        var dictionary = TermDictionaryWriter()
        var lists = PostingListWriter(lengths: lengths)
        let sorted = postingsByTerm()
        for number in order {
            dictionary.append(table.term(number))
            try lists.append(
                sorted.postings[sorted.starts[number]..<sorted.starts[number + 1]].lazy.map {
                    (row: $0.row, frequency: $0.frequency)
                })
        }
        return assemble(dictionary, lists)
    }

    /// Stable, so that the rows of a term rise.
    private func postingsByTerm() -> (postings: [Posting], starts: [Int]) {
        var starts = [Int](repeating: 0, count: table.count + 1)
        for posting in postings { starts[Int(posting.term) + 1] += 1 }
        for term in 0..<table.count { starts[term + 1] += starts[term] }
        var places = starts
        var result = postings
        for posting in postings {
            result[places[Int(posting.term)]] = posting
            places[Int(posting.term)] += 1
        }
        return (result, starts)
    }

    private func assemble(_ dictionary: TermDictionaryWriter, _ lists: PostingListWriter) -> [UInt8] {
        var layout = TextIndexLayout()
        layout.firstRow = firstRow
        layout.rowCount = lengths.count
        layout.documents = lengths.count { $0 > 0 }
        layout.totalLength = lengths.reduce(0) { $0 + Int($1) }
        layout.termCount = table.count
        layout.blockCount = lists.blockCount
        let longest = lengths.max() ?? 0
        layout.lengthWidth = longest <= 0xFF ? 1 : longest <= 0xFFFF ? 2 : 4
        var body = ByteWriter()
        body.append(zeros: TextIndexLayout.headerSize)
        let several = PointSet(severalTexts)
        let parts: [(TextIndexLayout.Part, [UInt8])] = [
            (.lengths, packedLengths(width: layout.lengthWidth)),
            (.severalTexts, several.keepingAlive { Array(several.bytes) }),
            (.groups, dictionary.groups), (.termBytes, dictionary.bytes),
            (.termEntries, lists.entries), (.blocks, lists.blocks),
            (.packed, lists.packed + [UInt8](repeating: 0, count: TextIndexLayout.packedPadding)),
        ]
        for (part, bytes) in parts {
            body.align(to: TextIndexLayout.alignment)
            layout.parts[part.rawValue] = body.count..<(body.count + bytes.count)
            body.append(bytes: bytes)
        }
        var header = ByteWriter()
        layout.write(to: &header)
        var result = body.bytes
        result.replaceSubrange(0..<header.count, with: header.bytes)
        return result
    }

    private func packedLengths(width: Int) -> [UInt8] {
        var writer = ByteWriter(reserving: lengths.count * width)
        for length in lengths {
            switch width {
            case 1: writer.append(UInt8(length))
            case 2: writer.append(UInt16(length))
            default: writer.append(length)
            }
        }
        return writer.bytes
    }
}

/// Writes the lists of one term after the other, in the order of the dictionary.
struct PostingListWriter {
    /// Terms in each row.
    let lengths: [UInt32]
    private(set) var entries: [UInt8] = []
    private(set) var blocks: [UInt8] = []
    private(set) var packed: [UInt8] = []
    private(set) var blockCount = 0

    init(lengths: [UInt32]) {
        self.lengths = lengths
    }

    /// - Parameter list: at least one posting, by rising rows.
    mutating func append(_ list: some RandomAccessCollection<(row: UInt32, frequency: UInt32)>)
        throws(DatabaseError)
    {
        var entry = ByteWriter()
        entry.append(UInt32(list.count))
        if list.count == 1, let only = list.first {
            entry.append(only.row)
            entry.append(only.frequency)
        } else {
            entry.append(UInt32(blockCount))
            entry.append(UInt32(0))
        }
        entries.append(contentsOf: entry.bytes)
        guard list.count > 1 else { return }
        var rest = list[...]
        var next: UInt32 = 0
        while !rest.isEmpty {
            let block = rest.prefix(TextIndexLayout.blockSize)
            next = try append(block: Array(block), from: next)
            rest = rest.dropFirst(block.count)
        }
    }

    /// - Parameter next: the first row that the block may hold.
    /// - Returns: the first row that the following block may hold.
    private mutating func append(
        block: [(row: UInt32, frequency: UInt32)], from next: UInt32
    ) throws(DatabaseError) -> UInt32 {
        guard packed.count / 4 <= Int(UInt32.max) else {
            throw DatabaseError(.limitExceeded, "the text of a segment is too long for an index")
        }
        var distances: [UInt32] = []
        var expected = next
        for posting in block {
            distances.append(posting.row - expected)
            expected = posting.row + 1
        }
        let frequencies = block.map { $0.frequency - 1 }
        let rowBits = Self.bits(distances)
        let frequencyBits = Self.bits(frequencies)
        let once = shortest(block.filter { $0.frequency == 1 })
        let more = shortest(block.filter { $0.frequency > 1 })
        var entry = ByteWriter()
        entry.append(expected - 1)
        entry.append(UInt32(packed.count / 4))
        entry.append(UInt16(block.count))
        entry.append(UInt8(rowBits))
        entry.append(UInt8(frequencyBits))
        entry.append(once ?? .max)
        entry.append((frequencies.max() ?? 0) + 1)
        entry.append(more ?? .max)
        blocks.append(contentsOf: entry.bytes)
        blockCount += 1
        PostingBlock.pack(distances, bits: rowBits, to: &packed)
        PostingBlock.pack(frequencies, bits: frequencyBits, to: &packed)
        while packed.count % 4 != 0 { packed.append(0) }
        return expected
    }

    private func shortest(_ block: [(row: UInt32, frequency: UInt32)]) -> UInt32? {
        block.map { lengths[Int($0.row)] }.min()
    }

    private static func bits(_ values: [UInt32]) -> Int {
        32 - (values.max() ?? 0).leadingZeroBitCount
    }
}
