// A point's id in our files: two bytes of length and the bytes of a string; or length 0 and an integer in eight
// bytes, since no string id is empty.

extension ByteWriter {
    package mutating func append(id: PointID) {
        switch id {
        case .integer(let value):
            append(UInt16(0))
            append(value)
        case .string(let bytes):
            append(UInt16(bytes.count))
            append(bytes: bytes)
        }
    }
}

extension ByteReader {
    @_lifetime(self: copy self)
    package mutating func readPointID() throws(DatabaseError) -> PointID {
        let length = Int(try readUInt16())
        return length == 0 ? .integer(try readUInt64()) : .string(try readBytes(length))
    }
}
