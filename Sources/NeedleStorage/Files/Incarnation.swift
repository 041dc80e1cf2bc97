/// The identity of one life of a collection: dropping a name and creating it again gives another.
///
/// Sixteen random bytes, drawn by the caller; it names the collection's directory and stands in each of its
/// files, so that a file that strayed in from another collection is never taken for one of ours.
package struct Incarnation: Hashable, Sendable, CustomStringConvertible {
    /// Sixteen bytes.
    package let bytes: [UInt8]

    /// - Precondition: sixteen bytes.
    package init(bytes: [UInt8]) {
        precondition(bytes.count == 16, "an incarnation has 16 bytes")
        self.bytes = bytes
    }

    /// Draws a new one.
    package init(using generator: inout some RandomNumberGenerator) {
        var bytes: [UInt8] = []
        for _ in 0..<2 {
            let word: UInt64 = generator.next()
            withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
        }
        self.bytes = bytes
    }

    /// From 32 lower-case hexadecimal digits.
    package init?(hex: String) {
        let digits = Array(hex.utf8)
        guard digits.count == 32 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 32, by: 2) {
            guard let high = Self.value(digits[index]), let low = Self.value(digits[index + 1]) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        self.bytes = bytes
    }

    /// 32 lower-case hexadecimal digits.
    package var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    package var description: String { hex }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit - 48
        case 97...102: digit - 87
        default: nil
        }
    }
}
