// The beam of a graph search: the nearest rows met so far, in one sorted array, each marked once it is
// expanded.

import Glibc

/// One sorted array instead of the paper's two heaps: inserting moves a few hundred bytes, and the next row
/// to expand is the first unmarked one.
///
/// An entry is one word: the distance as an order-preserving integer above, the row number below, so entries
/// compare as integers and equal distances are ordered by row. `salt` is xored onto the row: insertions use
/// it to break ties differently each time, or all links among equal vectors would go to the same few rows.
@unsafe struct Beam {
    // SAFETY: both arrays have room for `width` entries and belong to a scratch that outlives the beam.
    let keys: UnsafeMutablePointer<UInt64>
    let expanded: UnsafeMutablePointer<UInt8>
    let width: Int
    let salt: UInt32
    private(set) var count = 0
    /// No entry before this one is unmarked.
    private var cursor = 0
    /// Only keys below this one enter.
    private(set) var bound = UInt64.max

    @inline(__always)
    init(_ scratch: SearchScratch, width: Int, salt: UInt32) {
        keys = scratch.keys.base
        expanded = scratch.expanded.base
        self.width = width
        self.salt = salt
    }

    @inline(__always)
    var isFull: Bool { count == width }

    /// The key of a row: ordered by distance, then by salted row.
    @inline(__always)
    static func key(_ distance: Float, _ row: UInt32, salt: UInt32) -> UInt64 {
        let bits = distance.bitPattern
        let ordered = bits ^ (UInt32(bitPattern: Int32(bitPattern: bits) >> 31) | 0x8000_0000)
        return UInt64(ordered) << 32 | UInt64(row ^ salt)
    }

    @inline(__always)
    static func row(_ key: UInt64, salt: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: key) ^ salt
    }

    @inline(__always)
    static func distance(_ key: UInt64) -> Float {
        let ordered = UInt32(truncatingIfNeeded: key >> 32)
        return Float(bitPattern: ordered & 0x8000_0000 != 0 ? ordered ^ 0x8000_0000 : ~ordered)
    }

    /// Puts a key below `bound` into its place; the last one falls out of a full beam.
    @inline(__always)
    mutating func insert(_ key: UInt64) {
        // Halved without a branch: where a key belongs cannot be predicted.
        var low = 0
        var length = count
        while length > 0 {
            let half = (length &+ 1) &>> 1
            low = keys[low &+ half &- 1] < key ? low &+ half : low
            length &-= half
        }
        if count < width { count += 1 }
        let moved = count - 1 - low
        memmove(keys + low + 1, keys + low, moved * 8)
        memmove(expanded + low + 1, expanded + low, moved)
        keys[low] = key
        expanded[low] = 0
        if low < cursor { cursor = low }
        if count == width { bound = keys[width - 1] }
    }

    /// The row that `next` gives if nothing nearer comes in meanwhile.
    @inline(__always)
    func following() -> UInt32? {
        var i = cursor
        while i < count {
            if expanded[i] == 0 { return Self.row(keys[i], salt: salt) }
            i += 1
        }
        return nil
    }

    /// The nearest row not expanded yet, now marked; nil when all are.
    @inline(__always)
    mutating func next() -> UInt32? {
        while cursor < count {
            if expanded[cursor] == 0 {
                expanded[cursor] = 1
                cursor += 1
                return Self.row(keys[cursor - 1], salt: salt)
            }
            cursor += 1
        }
        return nil
    }
}
