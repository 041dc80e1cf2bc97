// Finding a byte, eight at a time (H. S. Warren, "Hacker's Delight", section 6-1, "Find first 0-byte").

enum ByteSearch {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// Index of the first `byte` at or after `start`.
    static func first(_ byte: UInt8, in bytes: borrowing RawSpan, from start: Int = 0) -> Int? {
        let pattern = ones &* UInt64(byte)
        var index = start
        while index &+ 8 <= bytes.byteCount {
            let difference = word(bytes, at: index) ^ pattern
            // The lowest mark is exact; borrows can only set marks above it.
            let marks = (difference &- ones) & ~difference & highs
            if marks != 0 { return index + marks.trailingZeroBitCount >> 3 }
            index &+= 8
        }
        while index < bytes.byteCount {
            if self.byte(bytes, at: index) == byte { return index }
            index += 1
        }
        return nil
    }

    /// Index of the last `byte`.
    static func last(_ byte: UInt8, in bytes: borrowing RawSpan) -> Int? {
        let pattern = ones &* UInt64(byte)
        var end = bytes.byteCount
        while end >= 8 {
            let difference = word(bytes, at: end - 8) ^ pattern
            if (difference &- ones) & ~difference & highs != 0 { break }
            end -= 8
        }
        while end > 0 {
            end -= 1
            if self.byte(bytes, at: end) == byte { return end }
        }
        return nil
    }

    @inline(__always)
    private static func word(_ bytes: borrowing RawSpan, at index: Int) -> UInt64 {
        // SAFETY: any eight bytes are a UInt64, and the load checks its bounds.
        UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
    }

    @inline(__always)
    private static func byte(_ bytes: borrowing RawSpan, at index: Int) -> UInt8 {
        // SAFETY: any byte is a UInt8, and the load checks its bounds.
        bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
    }
}
