// The envelope of MANIFEST and CATALOGUE: one line for the machine, then JSON that people can read.
//
//     needletail-<kind> <version> <crc32c of the body, 8 hex digits> <bytes of the body>\n
//     <body>

import NeedleCore

enum HeadedText {
    static let version = 1
    /// Beyond this no body is believed: a collection would have to have millions of segments.
    static let maximumBytes = 256 << 20

    static func encode(_ kind: String, compactJSON body: [UInt8]) -> [UInt8] {
        let readable = ReadableJSON.indented(body)
        let sum = String(CRC32C.checksum(readable), radix: 16)
        let digits = String(repeating: "0", count: 8 - sum.utf8.count) + sum
        return Array("needletail-\(kind) \(version) \(digits) \(readable.count)\n".utf8) + readable
    }

    /// Reads a whole text of this kind, checked before it is read.
    static func read<Value>(
        _ kind: String, _ bytes: [UInt8], file: String, _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(DatabaseError) -> Value {
        try StrictJSON.read(bytes, from: try check(kind, bytes, file: file), file: file, body)
    }

    /// - Returns: where the body begins.
    private static func check(_ kind: String, _ bytes: [UInt8], file: String) throws(DatabaseError) -> Int {
        guard let lineEnd = bytes.firstIndex(of: 10), lineEnd < 100 else {
            throw .corruption(file: file, offset: 0, what: "no header line")
        }
        let words = bytes[..<lineEnd].split(separator: 32, omittingEmptySubsequences: false)
        guard words.count == 4, words[0].elementsEqual("needletail-\(kind)".utf8) else {
            throw .corruption(file: file, offset: 0, what: "not a \(kind)")
        }
        guard let found = Int(String(decoding: words[1], as: UTF8.self)) else {
            throw .corruption(file: file, offset: 0, what: "no format version")
        }
        try FormatCheck.version(
            UInt32(clamping: found), features: 0, of: kind, file: file, supported: UInt32(version), known: 0)
        // Written again and compared: so there is one spelling of every header line.
        let body = Array(bytes[(lineEnd + 1)...])
        let sum = String(CRC32C.checksum(body), radix: 16)
        let digits = String(repeating: "0", count: 8 - sum.utf8.count) + sum
        let expected = "needletail-\(kind) \(version) \(digits) \(body.count)"
        guard bytes[..<lineEnd].elementsEqual(expected.utf8) else {
            throw .corruption(file: file, offset: lineEnd, what: "the body is not the one of the header line")
        }
        return lineEnd + 1
    }
}

/// Puts line breaks and indentation into compact JSON.
enum ReadableJSON {
    static func indented(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count * 2)
        var depth = 0
        var isInString = false
        var isEscaped = false
        for (index, byte) in text.enumerated() {
            if isInString {
                result.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            let isClosing = byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
            let isOpening = byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[")
            if isClosing {
                depth -= 1
                let isEmpty =
                    index > 0
                    && (text[index - 1] == UInt8(ascii: "{") || text[index - 1] == UInt8(ascii: "["))
                if !isEmpty { breakLine(depth, &result) }
            }
            result.append(byte)
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: ","): breakLine(depth, &result)
            case UInt8(ascii: ":"): result.append(32)
            case _ where isOpening:
                depth += 1
                let next = index + 1 < text.count ? text[index + 1] : 0
                if next != UInt8(ascii: "}") && next != UInt8(ascii: "]") { breakLine(depth, &result) }
            default: break
            }
        }
        result.append(10)
        return result
    }

    private static func breakLine(_ depth: Int, _ result: inout [UInt8]) {
        result.append(10)
        result.append(contentsOf: repeatElement(32, count: 2 * depth))
    }
}
