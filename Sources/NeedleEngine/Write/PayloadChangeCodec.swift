import NeedleCore

/// A change of payloads as the log holds it (docs/format/log.md).
enum PayloadChangeCodec {
    /// Raw values are on disk: never change them.
    private enum Kind: UInt8 {
        /// u32 length, then a payload.
        case set = 1
        case replace = 2
        /// u32 count, then keys: u32 length, bytes.
        case deleteKeys = 3
    }

    static func encode(_ change: PayloadChange) -> [UInt8] {
        var writer = ByteWriter()
        switch change {
        case .set(let payload):
            writer.append(Kind.set.rawValue)
            writer.append(counted: payload.json)
        case .replace(let payload):
            writer.append(Kind.replace.rawValue)
            writer.append(counted: payload.json)
        case .deleteKeys(let keys):
            writer.append(Kind.deleteKeys.rawValue)
            writer.append(UInt32(keys.count))
            for key in keys { writer.append(counted: Array(key.utf8)) }
        }
        return writer.bytes
    }

    /// - Throws: `corruption` when it is none, although the frame's checksum held.
    @_lifetime(reader: copy reader)
    static func decode(_ reader: inout ByteReader) throws(DatabaseError) -> PayloadChange {
        let kind = try reader.readUInt8()
        switch Kind(rawValue: kind) {
        case .set: return .set(try payload(&reader))
        case .replace: return .replace(try payload(&reader))
        case .deleteKeys:
            var keys: [String] = []
            for _ in 0..<(try reader.readUInt32()) {
                let bytes = try reader.readCounted(limit: reader.remaining)
                keys.append(String(decoding: bytes, as: UTF8.self))
            }
            return .deleteKeys(keys)
        case nil:
            throw reader.damage("unknown change of payloads \(kind)")
        }
    }

    @_lifetime(reader: copy reader)
    private static func payload(_ reader: inout ByteReader) throws(DatabaseError) -> Payload {
        let bytes = try reader.readCounted(limit: reader.remaining)
        var compact: [UInt8] = []
        do throws(JSONError) {
            var json = JSONReader(bytes.span)
            try json.compactObject(into: &compact)
            try json.finish()
        } catch {
            throw reader.damage("a logged payload is refused: \(error.message)")
        }
        guard compact == bytes else { throw reader.damage("a logged payload is not compact") }
        return Payload(compactJSON: bytes)
    }
}
