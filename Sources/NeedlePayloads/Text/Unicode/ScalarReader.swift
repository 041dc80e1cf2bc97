/// Takes UTF-8 apart. What is not UTF-8 (only in damaged data) becomes U+FFFD byte by byte; nothing traps.
struct ScalarReader: ~Escapable {
    private let bytes: Span<UInt8>
    private(set) var offset: Int
    private let end: Int

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, in range: Range<Int>) {
        self.bytes = bytes
        offset = range.lowerBound
        end = range.upperBound
    }

    @_lifetime(self: copy self)
    mutating func next() -> UInt32? {
        guard offset < end else { return nil }
        let first = bytes[offset]
        offset += 1
        guard first >= 0x80 else { return UInt32(first) }
        let following: Int
        var scalar: UInt32
        switch first {
        case 0xC2...0xDF: (following, scalar) = (1, UInt32(first & 0x1F))
        case 0xE0...0xEF: (following, scalar) = (2, UInt32(first & 0x0F))
        case 0xF0...0xF4: (following, scalar) = (3, UInt32(first & 0x07))
        default: return 0xFFFD
        }
        guard offset + following <= end else { return 0xFFFD }
        for index in 0..<following {
            let byte = bytes[offset + index]
            guard byte & 0xC0 == 0x80 else { return 0xFFFD }
            scalar = scalar << 6 | UInt32(byte & 0x3F)
        }
        guard let valid = Unicode.Scalar(scalar) else { return 0xFFFD }
        offset += following
        return valid.value
    }
}
