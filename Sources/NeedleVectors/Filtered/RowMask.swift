/// A set of a segment's rows, one bit each: what a filter, deletions and expiry leave of them.
///
/// Dense on purpose: a search asks it about rows in no order, tens of thousands of times. A value type; safe to
/// share between threads.
package struct RowMask: Sendable {
    /// Bit `row % 64` of word `row / 64`.
    package private(set) var words: [UInt64]
    /// Rows that can be asked for.
    package let rowCount: Int
    /// Rows that are in it.
    package private(set) var count = 0

    /// The empty set.
    package init(rowCount: Int) {
        self.rowCount = rowCount
        words = [UInt64](repeating: 0, count: (rowCount + 63) / 64)
    }

    /// The set of these bits.
    ///
    /// - Parameter count: of the bits, if it is known: counting a million rows' words takes tens of microseconds.
    /// - Precondition: a word for every 64 rows, and no bit beyond the last row.
    package init(words: [UInt64], rowCount: Int, count: Int? = nil) {
        precondition(words.count == (rowCount + 63) / 64)
        precondition(rowCount % 64 == 0 || words[words.count - 1] >> UInt64(rowCount % 64) == 0)
        self.words = words
        self.rowCount = rowCount
        self.count = count ?? words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// - Precondition: `row < rowCount`. O(1).
    package mutating func remove(_ row: UInt32) {
        precondition(Int(row) < rowCount)
        let bit: UInt64 = 1 << UInt64(row % 64)
        count -= words[Int(row / 64)] & bit == 0 ? 0 : 1
        words[Int(row / 64)] &= ~bit
    }

    /// - Precondition: `row < rowCount`. O(1).
    package mutating func insert(_ row: UInt32) {
        precondition(Int(row) < rowCount)
        let bit: UInt64 = 1 << UInt64(row % 64)
        count += words[Int(row / 64)] & bit == 0 ? 1 : 0
        words[Int(row / 64)] |= bit
    }

    package func contains(_ row: UInt32) -> Bool {
        Int(row) < rowCount && words[Int(row / 64)] >> UInt64(row % 64) & 1 == 1
    }

    /// Its rows, ascending.
    package var rows: [UInt32] {
        var result: [UInt32] = []
        result.reserveCapacity(count)
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                result.append(UInt32(index * 64 + rest.trailingZeroBitCount))
                rest &= rest &- 1
            }
        }
        return result
    }

    /// The set for the hot loops.
    func withAdmitted<Result, Failure: Error>(
        _ body: (AdmittedRows) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try words.withUnsafeBufferPointer { (words) throws(Failure) in
            try body(AdmittedRows(words: words, rowCount: UInt32(rowCount)))
        }
    }
}

/// A `RowMask` borrowed for one search.
@unsafe struct AdmittedRows {
    // SAFETY: the words belong to a mask that outlives the search; rows asked for are below `rowCount`.
    private let words: UnsafeBufferPointer<UInt64>
    let rowCount: UInt32

    fileprivate init(words: UnsafeBufferPointer<UInt64>, rowCount: UInt32) {
        self.words = words
        self.rowCount = rowCount
    }

    @inline(__always)
    func contains(_ row: UInt32) -> Bool {
        words.baseAddress.unsafelyUnwrapped[Int(row &>> 6)] &>> UInt64(row & 63) & 1 == 1
    }

    /// Up to `most` of the rows, spread over all of them, the same ones each time.
    func sample(_ most: Int, into rows: UnsafeMutablePointer<UInt32>) -> Int {
        var count = 0
        var word = 0
        for part in 0..<most {
            word = max(word, part * words.count / most)
            while word < words.count, words[word] == 0 { word += 1 }
            guard word < words.count else { break }
            rows[count] = UInt32(word * 64 + words[word].trailingZeroBitCount)
            count += 1
            word += 1
        }
        return count
    }

    /// Goes through the rows in ascending order, `most` at a time.
    struct Blocks {
        private let words: UnsafeBufferPointer<UInt64>
        private var word = 0
        private var rest: UInt64

        fileprivate init(_ words: UnsafeBufferPointer<UInt64>) {
            self.words = words
            rest = words.first ?? 0
        }

        /// - Returns: how many rows were put into `rows`; 0 at the end.
        @inline(__always)
        mutating func next(_ most: Int, into rows: UnsafeMutablePointer<UInt32>) -> Int {
            var count = 0
            while count < most {
                while rest == 0 {
                    word &+= 1
                    guard word < words.count else { return count }
                    rest = words[word]
                }
                rows[count] = UInt32(word &* 64 &+ rest.trailingZeroBitCount)
                rest &= rest &- 1
                count &+= 1
            }
            return count
        }
    }

    var blocks: Blocks { Blocks(words) }
}
