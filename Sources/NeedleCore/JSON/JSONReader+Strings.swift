// Strings: finding the end while checking UTF-8, escapes and control characters; resolving escapes.

extension JSONReader {
    /// Reads a string without copying it.
    @_lifetime(copy self)
    package mutating func readText() throws(JSONError) -> JSONText {
        let kind = try peekKind()
        guard kind == .string else { throw wrongType("a string", kind) }
        return try scanString()
    }

    /// Reads a string. For ids, keys and payload text use `readBytes`: Swift compares strings by canonical
    /// equivalence.
    package mutating func readString() throws(JSONError) -> String {
        try readText().string
    }

    /// Reads a string as its UTF-8 bytes.
    package mutating func readBytes() throws(JSONError) -> [UInt8] {
        try readText().utf8
    }

    /// Scans the string whose opening quote is the next byte, up to and including the closing quote.
    @_lifetime(copy self)
    mutating func scanString() throws(JSONError) -> JSONText {
        let start = offset + 1
        var index = start
        var escapes = false
        while true {
            while index + 8 <= bytes.count {
                let special = JSONReader.specialBytes(bytes.word(at: index))
                if special != 0 {
                    index += special.trailingZeroBitCount >> 3
                    break
                }
                index += 8
            }
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                offset = index + 1
                return JSONText(bytes, start: start, end: index, hasEscapes: escapes)
            case UInt8(ascii: "\\"):
                escapes = true
                index = try scanEscape(at: index)
            case 0..<0x20:
                throw syntax(
                    index < bytes.count ? "control character in a string" : "expected '\"'", at: index)
            case 0x80...:
                index = try scanMultibyte(at: index)
            default:
                index += 1
            }
        }
    }

    /// Sets the high bit of the first byte that is a quote, a backslash, a control character or not ASCII,
    /// and perhaps of bytes after it.
    @inline(__always)
    static func specialBytes(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let below = (word &- (ones &* 0x20)) | (quote &- ones) | (backslash &- ones)
        // A borrow runs only into higher bytes, that is behind a byte which is marked already.
        return (below | word) & 0x8080_8080_8080_8080
    }

    /// The index after the escape sequence whose backslash is at `index`.
    private func scanEscape(at index: Int) throws(JSONError) -> Int {
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return index + 2
        case UInt8(ascii: "u"):
            let unit = try hexadecimal(at: index + 2)
            switch unit {
            case 0xDC00...0xDFFF: throw syntax("lone low surrogate", at: index)
            case 0xD800...0xDBFF:
                guard bytes[index + 6] == UInt8(ascii: "\\"), bytes[index + 7] == UInt8(ascii: "u") else {
                    throw syntax("lone high surrogate", at: index)
                }
                let low = try hexadecimal(at: index + 8)
                guard (0xDC00...0xDFFF).contains(low) else { throw syntax("lone high surrogate", at: index) }
                return index + 12
            default: return index + 6
            }
        default: throw syntax("unknown escape", at: index + 1)
        }
    }

    private func hexadecimal(at index: Int) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for place in index..<index + 4 {
            guard let digit = JSONBytes.hexadecimalValue(bytes[place]) else {
                throw syntax("expected four hexadecimal digits", at: place)
            }
            value = value << 4 | digit
        }
        return value
    }

    /// The index after the multibyte UTF-8 sequence at `index`; Unicode table 3-7, "Well-Formed UTF-8 Byte
    /// Sequences".
    private func scanMultibyte(at index: Int) throws(JSONError) -> Int {
        let length: Int
        let second: ClosedRange<UInt8>
        switch bytes[index] {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: throw syntax("malformed UTF-8", at: index)
        }
        guard second.contains(bytes[index + 1]) else { throw syntax("malformed UTF-8", at: index + 1) }
        for place in index + 2..<index + max(length, 2) where bytes[place] & 0xC0 != 0x80 {
            throw syntax("malformed UTF-8", at: place)
        }
        return index + length
    }
}

extension JSONBytes {
    static func hexadecimalValue(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    /// Appends the validated string body `[start, end)` with its escapes resolved.
    func appendUnescaped(_ start: Int, _ end: Int, to output: inout [UInt8]) {
        var runStart = start
        var index = start
        while index < end {
            guard self[index] == UInt8(ascii: "\\") else {
                index += 1
                continue
            }
            output.append(contentsOf: buffer(runStart, index))
            index = appendEscape(at: index, to: &output)
            runStart = index
        }
        output.append(contentsOf: buffer(runStart, end))
    }

    /// Resolves the escape at `index`; answers the index after it.
    private func appendEscape(at index: Int, to output: inout [UInt8]) -> Int {
        switch self[index + 1] {
        case UInt8(ascii: "b"): output.append(0x08)
        case UInt8(ascii: "f"): output.append(0x0C)
        case UInt8(ascii: "n"): output.append(0x0A)
        case UInt8(ascii: "r"): output.append(0x0D)
        case UInt8(ascii: "t"): output.append(0x09)
        case UInt8(ascii: "u"):
            let unit = codeUnit(at: index + 2)
            guard (0xD800...0xDBFF).contains(unit) else {
                JSONBytes.append(scalar: unit, to: &output)
                return index + 6
            }
            let low = codeUnit(at: index + 8)
            JSONBytes.append(scalar: 0x1_0000 + (unit - 0xD800) << 10 + (low - 0xDC00), to: &output)
            return index + 12
        case let byte: output.append(byte)
        }
        return index + 2
    }

    private func codeUnit(at index: Int) -> UInt32 {
        var value: UInt32 = 0
        for place in index..<index + 4 { value = value << 4 | (JSONBytes.hexadecimalValue(self[place]) ?? 0) }
        return value
    }

    private static func append(scalar: UInt32, to output: inout [UInt8]) {
        guard let scalar = Unicode.Scalar(scalar) else {
            preconditionFailure("escapes are resolved only after they have been validated")
        }
        output.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)
    }
}
