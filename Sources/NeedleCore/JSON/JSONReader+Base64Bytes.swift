// Bytes as base64 strings: pieces of files on the wire, decoded straight from the line.

extension JSONReader {
    /// Reads a string that is the padded base64 of any bytes.
    ///
    /// - Throws: `invalidBase64` for anything else in the string. Escapes in it (such as `\/`) are resolved first.
    package mutating func readBase64Bytes() throws(JSONError) -> [UInt8] {
        let kind = try peekKind()
        guard kind == .string else { throw wrongType("a base64 string", kind) }
        let start = offset
        if let (decoded, end) = decodeBytes(at: start + 1) {
            offset = end
            return decoded
        }
        let characters = try scanString().utf8
        guard let decoded = Base64.decode(characters.span) else {
            offset = start
            throw JSONError(.invalidBase64, at: start)
        }
        return decoded
    }

    /// Decodes the string whose first character is at `start`; also the index behind its closing quote. `nil` when
    /// there is anything unusual in it.
    private func decodeBytes(at start: Int) -> (decoded: [UInt8], end: Int)? {
        var decoded: [UInt8] = []
        var index = start
        var isFull = true
        while isFull {
            let chunkStart = index
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Base64.chunk) { chunk in
                let filled = Base64.decodeGroups(bytes, &index, into: chunk)
                // Every machine this runs on is little-endian: the words' bytes are in their order.
                decoded.append(contentsOf: UnsafeRawBufferPointer(chunk)[..<(4 * filled)])
            }
            isFull = index - chunkStart == Base64.chunk / 3 * 16
        }
        var tail: [UInt8] = []
        while bytes[index] != UInt8(ascii: "\"") {
            guard tail.count < 16 else { return nil }
            tail.append(bytes[index])
            index += 1
        }
        guard let last = Base64.decode(tail.span) else { return nil }
        decoded.append(contentsOf: last)
        return (decoded, index + 1)
    }
}
