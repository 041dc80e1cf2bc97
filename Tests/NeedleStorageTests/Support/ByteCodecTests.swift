import NeedleCore
import Testing

@Suite struct ByteCodecTests {
    @Test func everythingComesBackInLittleEndian() throws {
        var writer = ByteWriter()
        writer.append(UInt8(1))
        writer.append(UInt16(0x0302))
        writer.align(to: 4)
        writer.append(UInt32(0x0706_0504))
        writer.append(Int64(-2))
        writer.append(UInt64(77))
        writer.append(Float(1.5))
        writer.append(counted: [9, 8])
        writer.append(floats: [0.25, -3].span)
        writer.patch(UInt16(0x0403), at: 1)
        #expect(Array(writer.bytes[..<8]) == [1, 3, 4, 0, 4, 5, 6, 7])
        var reader = ByteReader(writer.bytes.span.bytes, file: "f")
        #expect(try reader.readUInt8() == 1)
        #expect(try reader.readUInt16() == 0x0403)
        try reader.skip(1)
        #expect(try reader.readUInt32() == 0x0706_0504)
        #expect(try reader.readInt64() == -2)
        #expect(try reader.readSize() == 77)
        #expect(try reader.readFloat() == 1.5)
        #expect(try reader.readCounted(limit: 2) == [9, 8])
        #expect(try reader.readFloats(2) == [0.25, -3])
        try reader.expectEnd()
    }

    private func error(_ bytes: [UInt8], _ body: (inout ByteReader) throws(DatabaseError) -> Void)
        -> DatabaseError?
    {
        var reader = ByteReader(bytes.span.bytes, file: "f", origin: 100)
        do { try body(&reader) } catch { return error }
        return nil
    }

    @Test func whatIsTooShortOrTooLongIsDamage() {
        #expect(error([1, 2, 3]) { (r) throws(DatabaseError) in _ = try r.readUInt32() }?.at == "f:100")
        #expect(
            error([1, 2, 3]) { (r) throws(DatabaseError) in
                try r.skip(2)
                _ = try r.readBytes(2)
            }?.at == "f:102")
        #expect(
            error([3, 0, 0, 0, 1]) { (r) throws(DatabaseError) in _ = try r.readCounted(limit: 9) } != nil)
        #expect(
            error([3, 0, 0, 0, 1, 1, 1]) { (r) throws(DatabaseError) in _ = try r.readCounted(limit: 2) }
                != nil)
        #expect(
            error([UInt8](repeating: 255, count: 8)) { (r) throws(DatabaseError) in _ = try r.readSize() }
                != nil)
        #expect(error([1]) { (r) throws(DatabaseError) in _ = try r.readFloats(.max) } != nil)
        #expect(error([1]) { (r) throws(DatabaseError) in try r.skip(-1) } != nil)
        #expect(error([1]) { (r) throws(DatabaseError) in try r.expectEnd() } != nil)
    }
}
