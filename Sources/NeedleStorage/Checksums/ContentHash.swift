import Crypto
package import NeedleCore

/// SHA-256 (FIPS 180-4) of a file's content: what snapshots and archives are proven with.
///
/// CRC-32C finds accidents inside a file; this tells one file from every other, also from one that somebody made
/// to look like it. Not thread safe.
package struct ContentHash {
    private var state = SHA256()

    /// Hex digits of a hash.
    package static let digits = 64
    /// A file is read so many bytes at a time.
    package static let pieceBytes = 1 << 20

    package init() {}

    package mutating func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { state.update(bufferPointer: $0) }
    }

    /// 64 lower-case hexadecimal digits.
    package func hex() -> String { Hexadecimal.text(state.finalize()) }

    package static func hex(of bytes: [UInt8]) -> String {
        var hash = ContentHash()
        hash.update(bytes.span.bytes)
        return hash.hex()
    }

    /// Reads a file from beginning to end.
    ///
    /// - Parameter progress: called with the bytes of each piece after it was read; what it throws is passed on.
    package static func hex(
        ofFile path: String, _ fileSystem: any FileSystem,
        progress: (Int) throws(DatabaseError) -> Void = { (_) throws(DatabaseError) in }
    ) throws(DatabaseError) -> String {
        let file = try fileSystem.openForReading(path)
        defer { file.close() }
        var hash = ContentHash()
        var offset = 0
        let size = try file.size()
        while offset < size {
            let piece = try file.readExactly(min(pieceBytes, size - offset), at: offset)
            hash.update(piece.span.bytes)
            offset += piece.count
            try progress(piece.count)
        }
        return hash.hex()
    }

    /// Whether a text can be a hash.
    package static func isHash(_ text: String) -> Bool {
        text.utf8.count == digits
            && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
