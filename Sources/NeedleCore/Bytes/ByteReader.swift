/// Takes little-endian records apart, checking every length.
///
/// Reads over borrowed bytes and can therefore not outlive them. Whatever the bytes are, the outcome is a
/// value or `corruption` naming the file and the offset, never a trap. Not thread safe (make one per
/// reader).
package struct ByteReader: ~Escapable {
    @usableFromInline let bytes: RawSpan
    /// What the bytes come from, for messages.
    package let file: String
    /// Where in `file` the first byte lies.
    package let origin: Int
    /// The next byte to read, counted from the first.
    package private(set) var offset: Int

    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan, file: String, origin: Int = 0) {
        self.bytes = bytes
        self.file = file
        self.origin = origin
        offset = 0
    }

    package var remaining: Int { bytes.byteCount - offset }
    package var isAtEnd: Bool { remaining == 0 }

    /// The error for what is wrong at the current place.
    package func damage(_ what: String) -> DatabaseError {
        .corruption(file: file, offset: origin + offset, what: what)
    }

    @_lifetime(self: copy self)
    package mutating func readUInt8() throws(DatabaseError) -> UInt8 {
        try readInteger(UInt8.self)
    }

    @_lifetime(self: copy self)
    package mutating func readUInt16() throws(DatabaseError) -> UInt16 {
        try readInteger(UInt16.self)
    }

    @_lifetime(self: copy self)
    package mutating func readUInt32() throws(DatabaseError) -> UInt32 {
        try readInteger(UInt32.self)
    }

    @_lifetime(self: copy self)
    package mutating func readUInt64() throws(DatabaseError) -> UInt64 {
        try readInteger(UInt64.self)
    }

    @_lifetime(self: copy self)
    package mutating func readInt64() throws(DatabaseError) -> Int64 {
        try readInteger(Int64.self)
    }

    @_lifetime(self: copy self)
    package mutating func readFloat() throws(DatabaseError) -> Float {
        Float(bitPattern: try readInteger(UInt32.self))
    }

    /// A 64-bit number that must be usable as a size or an offset.
    @_lifetime(self: copy self)
    package mutating func readSize() throws(DatabaseError) -> Int {
        let value = try readUInt64()
        guard let size = Int(exactly: value) else {
            offset -= 8
            throw damage("\(value) is no size")
        }
        return size
    }

    /// The next `count` bytes, borrowed.
    @_lifetime(copy self)
    package mutating func readSpan(_ count: Int) throws(DatabaseError) -> RawSpan {
        try need(count)
        let part = bytes.extracting(offset..<(offset + count))
        offset += count
        return part
    }

    /// The next `count` bytes, copied.
    @_lifetime(self: copy self)
    package mutating func readBytes(_ count: Int) throws(DatabaseError) -> [UInt8] {
        let part = try readSpan(count)
        return part.withUnsafeBytes { Array($0) }
    }

    /// Bytes behind their length as `UInt32`.
    @_lifetime(self: copy self)
    package mutating func readCounted(limit: Int) throws(DatabaseError) -> [UInt8] {
        let count = Int(try readUInt32())
        guard count <= limit else {
            offset -= 4
            throw damage("a length of \(count), at most \(limit)")
        }
        return try readBytes(count)
    }

    /// `count` floats, four bytes each.
    @_lifetime(self: copy self)
    package mutating func readFloats(_ count: Int) throws(DatabaseError) -> [Float] {
        guard count <= remaining / 4 else { throw damage("\(count) floats in \(remaining) bytes") }
        let part = try readSpan(count * 4)
        return [Float](unsafeUninitializedCapacity: count) { target, initialized in
            part.withUnsafeBytes { source in
                for index in 0..<count {
                    let word = source.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)
                    target.initializeElement(at: index, to: Float(bitPattern: UInt32(littleEndian: word)))
                }
            }
            initialized = count
        }
    }

    @_lifetime(self: copy self)
    package mutating func skip(_ count: Int) throws(DatabaseError) {
        try need(count)
        offset += count
    }

    /// Says that nothing may be left.
    package func expectEnd() throws(DatabaseError) {
        guard isAtEnd else { throw damage("\(remaining) bytes too many") }
    }

    private func need(_ count: Int) throws(DatabaseError) {
        guard count >= 0, count <= remaining else { throw damage("\(count) bytes wanted, \(remaining) left") }
    }

    @_lifetime(self: copy self)
    private mutating func readInteger<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type
    ) throws(DatabaseError) -> Value {
        let size = MemoryLayout<Value>.size
        try need(size)
        // SAFETY: `need` proved that `size` bytes are left at `offset`.
        let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
        offset += size
        return Value(littleEndian: value)
    }
}
