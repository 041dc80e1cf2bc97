// Base64 (RFC 4648, section 4): standard alphabet, padded, strict. Decoding accepts exactly what encoding
// produces: no white space, no missing or surplus padding, and zero bits behind the last byte.

/// Base64 of bytes and of little-endian float32 values.
package enum Base64 {
    /// Marks a byte outside the alphabet in a table entry; the 24 bits below are data.
    static let invalid: UInt32 = 0x8000_0000

    /// Four tables of 256 entries, one per position in a group of four characters: the character's six bits
    /// where they belong in the three bytes, the first byte lowest.
    static let table: [UInt32] = {
        var table = [UInt32](repeating: invalid, count: 1024)
        for (value, character) in alphabet.enumerated() {
            let bits = UInt32(value)
            let character = Int(character)
            table[character] = bits << 2
            table[256 + character] = (bits >> 4) | (bits & 0xF) << 12
            table[512 + character] = (bits >> 2) << 8 | (bits & 0x3) << 22
            table[768 + character] = bits << 16
        }
        return table
    }()

    static let alphabet: [UInt8] = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The bytes that `text` encodes, or nil if it is not canonical base64.
    package static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        guard text.count > 0 else { return [] }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.count / 4 * 3)
        for group in stride(from: 0, to: text.count - 4, by: 4) {
            let bits =
                table[Int(text[group])] | table[256 + Int(text[group + 1])]
                | table[512 + Int(text[group + 2])] | table[768 + Int(text[group + 3])]
            guard bits < invalid else { return nil }
            appendBytes(bits, 3, to: &decoded)
        }
        let last = text.count - 4
        guard let (bits, count) = decodeLast((text[last], text[last + 1], text[last + 2], text[last + 3]))
        else {
            return nil
        }
        appendBytes(bits, count, to: &decoded)
        return decoded
    }

    private static func appendBytes(_ bits: UInt32, _ count: Int, to output: inout [UInt8]) {
        for place in 0..<count { output.append(UInt8(truncatingIfNeeded: bits >> UInt32(8 * place))) }
    }

    /// The one to three bytes of the last group, which may be padded; nil if it is not canonical.
    static func decodeLast(_ group: (UInt8, UInt8, UInt8, UInt8)) -> (bits: UInt32, count: Int)? {
        let head = table[Int(group.0)] | table[256 + Int(group.1)]
        let pad = UInt8(ascii: "=")
        if group.3 != pad {
            let bits = head | table[512 + Int(group.2)] | table[768 + Int(group.3)]
            return bits < invalid ? (bits, 3) : nil
        }
        if group.2 != pad {
            let bits = head | table[512 + Int(group.2)]
            // What does not fit into two bytes must be zero.
            return bits < 0x1_0000 ? (bits, 2) : nil
        }
        return head < 0x100 ? (head, 1) : nil
    }

    /// Appends the padded base64 of `bytes`.
    package static func encode(_ bytes: RawSpan, into output: inout [UInt8]) {
        output.reserveCapacity(output.count + (bytes.byteCount + 2) / 3 * 4)
        var index = 0
        while index < bytes.byteCount {
            let length = min(encodeChunk, bytes.byteCount - index)
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: encodeChunk / 3 * 4) { characters in
                let count = encode(bytes.extracting(index..<index + length), into: characters)
                output.append(contentsOf: UnsafeBufferPointer(rebasing: characters[..<count]))
            }
            index += length
        }
    }

    /// Bytes encoded per piece of the stack; a multiple of three.
    private static let encodeChunk = 3072

    /// Encodes at most `encodeChunk` bytes; the number of characters.
    private static func encode(_ bytes: RawSpan, into characters: UnsafeMutableBufferPointer<UInt8>) -> Int {
        let characterTable = alphabet
        let alphabet = characterTable.span
        let wholeGroups = bytes.byteCount / 3
        var place = 0
        bytes.withUnsafeBytes { bytes in
            for group in 0..<wholeGroups {
                let at = group &* 3
                let bits = UInt32(bytes[at]) &<< 16 | UInt32(bytes[at &+ 1]) &<< 8 | UInt32(bytes[at &+ 2])
                characters[place] = alphabet[unchecked: Int(bits &>> 18)]
                characters[place &+ 1] = alphabet[unchecked: Int(bits &>> 12 & 63)]
                characters[place &+ 2] = alphabet[unchecked: Int(bits &>> 6 & 63)]
                characters[place &+ 3] = alphabet[unchecked: Int(bits & 63)]
                place &+= 4
            }
            let left = bytes.count - wholeGroups * 3
            guard left > 0 else { return }
            let second = left == 2 ? bytes[bytes.count - 1] : 0
            let bits = UInt32(bytes[wholeGroups * 3]) << 16 | UInt32(second) << 8
            characters[place] = alphabet[Int(bits >> 18)]
            characters[place + 1] = alphabet[Int(bits >> 12 & 63)]
            characters[place + 2] = left == 2 ? alphabet[Int(bits >> 6 & 63)] : UInt8(ascii: "=")
            characters[place + 3] = UInt8(ascii: "=")
            place += 4
        }
        return place
    }

    /// Appends the padded base64 of the little-endian bytes of `floats`.
    package static func encode(_ floats: Span<Float>, into output: inout [UInt8]) {
        // Every machine this runs on is little-endian; a big-endian one would have to swap here.
        precondition(UInt16(littleEndian: 1) == 1)
        encode(floats.bytes, into: &output)
    }
}
