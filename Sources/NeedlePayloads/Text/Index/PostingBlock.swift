/// Up to 128 rows that hold a term and how often each does: distances between rows and frequencies, each in as few bits
/// as the largest needs, in order of the rows.
///
/// The entry also says what is needed to know how high a row of the block can score without unpacking it.
struct PostingBlock {
    /// The greatest row.
    var lastRow: UInt32
    /// Where the packed numbers begin, in units of four bytes.
    var start: UInt32
    var count: Int
    /// Bits of a distance, less one, from row to row.
    var rowBits: Int
    /// Bits of a frequency less one.
    var frequencyBits: Int
    /// The length of the shortest row that holds the term once; `UInt32.max` when there is none.
    var shortestOnce: UInt32
    /// The highest frequency.
    var highestFrequency: UInt32
    /// The length of the shortest row that holds the term more than once; `UInt32.max` when there is none.
    var shortestMore: UInt32

    /// Bytes of the packed numbers: rows, then frequencies, each from a whole byte on.
    var packedSize: Int { (count * rowBits + 7) / 8 + (count * frequencyBits + 7) / 8 }

    // MARK: Packing

    /// Appends values of `bits` bits, lowest first.
    static func pack(_ values: some Sequence<UInt32>, bits: Int, to bytes: inout [UInt8]) {
        var word: UInt64 = 0
        var filled = 0
        for value in values {
            word |= UInt64(value) << UInt64(filled)
            filled += bits
            while filled >= 8 {
                bytes.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
                filled -= 8
            }
        }
        if filled > 0 { bytes.append(UInt8(truncatingIfNeeded: word)) }
    }

    /// Unpacks `count` values.
    ///
    /// SAFETY: the caller has checked that the packed bytes and eight more can be read, and that `target` has room.
    @inline(__always)
    static func unpack(
        _ source: UnsafeRawPointer, bits: Int, count: Int, to target: UnsafeMutablePointer<UInt32>
    ) {
        let mask: UInt64 = 1 << UInt64(bits) &- 1
        var position = 0
        for index in 0..<count {
            let word = UInt64(
                littleEndian: source.loadUnaligned(fromByteOffset: position >> 3, as: UInt64.self))
            target[index] = UInt32(truncatingIfNeeded: word &>> UInt64(position & 7) & mask)
            position &+= bits
        }
    }
}
