import NeedleCore

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
        guard let bytes = Hexadecimal.bytes(hex), bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// 32 lower-case hexadecimal digits.
    package var hex: String { Hexadecimal.text(bytes) }

    package var description: String { hex }
}
