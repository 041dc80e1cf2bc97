// Vectors as base64 strings: decoded straight from the line into float32.
//
// The quick way needs no look for the end of the string: it takes sixteen characters at a time (three
// floats) until one is outside the alphabet, which in a good string is the closing quote or padding.
// Whatever is unusual there (escapes, bad characters, bad lengths) starts again the slow way, which first
// checks the string's syntax.

extension JSONReader {
    /// Reads a string that is the padded base64 of little-endian float32 values and appends them.
    ///
    /// Bad base64 or a length that is no multiple of four bytes is `invalidBase64`; NaN and infinity are
    /// `notAFloat`. Escapes in the string (such as `\/`) are resolved first. After an error some values may
    /// have been appended.
    package mutating func readBase64Floats(into output: inout [Float], limit: Int) throws(JSONError) {
        let kind = try peekKind()
        guard kind == .string else { throw wrongType("a base64 string", kind) }
        let start = offset
        let first = output.count
        if let end = decodeFloats(at: start + 1, into: &output, limit: limit) {
            offset = end
        } else if output.count - first <= limit {
            output.removeSubrange(first...)
            try decodeFloatsSlowly(into: &output)
        }
        guard output.count - first <= limit else {
            offset = start
            throw JSONError(.tooManyElements(limit: limit), at: start)
        }
        if let bad = FiniteCheck.firstNonFinite(in: output.span.extracting(first..<output.count)) {
            offset = start
            throw JSONError(.notAFloat(index: bad), at: start)
        }
    }

    /// Decodes the string whose first character is at `start`; the index behind its closing quote, or nil.
    private func decodeFloats(at start: Int, into output: inout [Float], limit: Int) -> Int? {
        let first = output.count
        var index = start
        repeat {
            let chunkStart = index
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Base64.chunk) { chunk in
                let filled = Base64.decodeGroups(bytes, &index, into: chunk)
                chunk.withMemoryRebound(to: Float.self) { floats in
                    output.append(contentsOf: UnsafeBufferPointer(rebasing: floats[..<filled]))
                }
            }
            guard index - chunkStart == Base64.chunk / 3 * 16 else { break }
        } while output.count - first <= limit
        return decodeTail(at: index, into: &output)
    }

    /// Decodes the last, at most sixteen, characters of a string and steps over its closing quote.
    private func decodeTail(at start: Int, into output: inout [Float]) -> Int? {
        var length = 0
        while bytes[start + length] != UInt8(ascii: "\"") {
            guard length < 16 else { return nil }
            length += 1
        }
        guard length > 0 else { return start + 1 }
        guard length % 4 == 0 else { return nil }
        var bits: UInt128 = 0
        var byteCount = 0
        for group in stride(from: start, to: start + length, by: 4) {
            let characters = (bytes[group], bytes[group + 1], bytes[group + 2], bytes[group + 3])
            guard let (decoded, count) = Base64.decodeLast(characters) else { return nil }
            // Padding belongs at the end only.
            guard count == 3 || group + 4 == start + length else { return nil }
            bits |= UInt128(decoded) << UInt128(8 * byteCount)
            byteCount += count
        }
        guard byteCount % 4 == 0 else { return nil }
        for _ in 0..<byteCount / 4 {
            output.append(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
            bits >>= 32
        }
        return start + length + 1
    }

    private mutating func decodeFloatsSlowly(into output: inout [Float]) throws(JSONError) {
        let start = offset
        let characters = try scanString().utf8
        guard let decoded = Base64.decode(characters.span), decoded.count % 4 == 0 else {
            offset = start
            throw JSONError(.invalidBase64, at: start)
        }
        output.reserveCapacity(output.count + decoded.count / 4)
        for first in stride(from: 0, to: decoded.count, by: 4) {
            let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(decoded[first + $1]) << UInt32(8 * $1) }
            output.append(Float(bitPattern: bits))
        }
    }
}

extension Base64 {
    /// Floats decoded per piece of the stack; a multiple of three.
    static let chunk = 768

    /// Decodes sixteen characters at a time while they are all of the alphabet and the chunk has room for
    /// three words.
    ///
    /// - Returns: the number of words written; `index` moves behind the characters taken.
    static func decodeGroups(
        _ bytes: JSONBytes, _ index: inout Int, into chunk: UnsafeMutableBufferPointer<UInt32>
    ) -> Int {
        let table = table
        let entries = table.span
        var filled = 0
        var at = index
        while filled &+ 3 <= chunk.count, at &+ 16 <= bytes.count {
            let a = decodeGroup(bytes.halfWord(at: at), entries)
            let b = decodeGroup(bytes.halfWord(at: at &+ 4), entries)
            let c = decodeGroup(bytes.halfWord(at: at &+ 8), entries)
            let d = decodeGroup(bytes.halfWord(at: at &+ 12), entries)
            guard a | b | c | d < invalid else { break }
            // SAFETY of the subscripts: three places were asked for above.
            chunk[filled] = a | b &<< 24
            chunk[filled &+ 1] = b &>> 8 | c &<< 16
            chunk[filled &+ 2] = c &>> 16 | d &<< 8
            filled &+= 3
            at &+= 16
        }
        index = at
        return filled
    }

    /// Three bytes, the first lowest, from four characters; `invalid` or more if one is outside the
    /// alphabet.
    @inline(__always)
    private static func decodeGroup(_ characters: UInt32, _ table: Span<UInt32>) -> UInt32 {
        table[unchecked: Int(characters & 0xFF)]
            | table[unchecked: 256 &+ Int((characters &>> 8) & 0xFF)]
            | table[unchecked: 512 &+ Int((characters &>> 16) & 0xFF)]
            | table[unchecked: 768 &+ Int(characters &>> 24)]
    }
}
