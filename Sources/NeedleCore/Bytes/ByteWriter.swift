/// Builds little-endian records in memory.
///
/// The counterpart of `ByteReader`; both are the only code that knows the byte order of our files. Not
/// thread safe.
package struct ByteWriter: Sendable {
    /// What was written so far.
    package var bytes: [UInt8] = []

    @inlinable
    package init(reserving capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    @inlinable
    package var count: Int { bytes.count }

    /// Appends an integer, lowest byte first.
    @inlinable
    package mutating func append<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    @inlinable
    package mutating func append(_ value: Float) {
        append(value.bitPattern)
    }

    @inlinable
    package mutating func append(bytes more: [UInt8]) {
        bytes.append(contentsOf: more)
    }

    @inlinable
    package mutating func append(bytes more: RawSpan) {
        more.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// Appends floats, four bytes each.
    @inlinable
    package mutating func append(floats: Span<Float>) {
        #if _endian(little)
            append(bytes: floats.bytes)
        #else
            for index in floats.indices { append(floats[index]) }
        #endif
    }

    /// Appends a length as `UInt32` and then the bytes.
    @inlinable
    package mutating func append(counted more: [UInt8]) {
        append(UInt32(more.count))
        append(bytes: more)
    }

    /// Appends zero bytes.
    @inlinable
    package mutating func append(zeros count: Int) {
        bytes.append(contentsOf: repeatElement(0, count: count))
    }

    /// Appends zero bytes until the length is a multiple of `alignment`.
    @inlinable
    package mutating func align(to alignment: Int) {
        let over = bytes.count % alignment
        if over != 0 { append(zeros: alignment - over) }
    }

    /// Overwrites an integer that was appended before, such as a length or a checksum known only later.
    ///
    /// - Precondition: it lies wholly inside what was written.
    @inlinable
    package mutating func patch<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= bytes.count, "a patch lies inside")
        withUnsafeBytes(of: value.littleEndian) { source in
            for (index, byte) in source.enumerated() { bytes[offset + index] = byte }
        }
    }
}
