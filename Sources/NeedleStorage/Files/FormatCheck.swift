import NeedleCore

/// The check that every binary format does first.
enum FormatCheck {
    /// Refuses what a newer or another program wrote, in words an operator can act on.
    static func version(
        _ version: UInt32, features: UInt32, of format: String, file: String, supported: UInt32, known: UInt32
    ) throws(DatabaseError) {
        guard version == supported else {
            throw DatabaseError(
                .storageFailed, "\(file): \(format) format \(version), this server reads \(supported)",
                at: file, expected: String(supported), got: String(version))
        }
        guard features & ~known == 0 else {
            let unknown = String(features & ~known, radix: 16)
            throw DatabaseError(
                .storageFailed,
                "\(file): needs \(format) format features 0x\(unknown), which this server does not have",
                at: file)
        }
    }

    /// Checks a header whose last four bytes are the checksum of those before.
    static func trailingChecksum(_ bytes: [UInt8], file: String) throws(DatabaseError) {
        let end = bytes.count - 4
        let all = bytes.span.bytes
        // SAFETY: a header has at least its checksum.
        let stored = UInt32(littleEndian: all.unsafeLoadUnaligned(fromByteOffset: end, as: UInt32.self))
        guard CRC32C.checksum(all.extracting(0..<end)) == stored else {
            throw .corruption(file: file, offset: end, what: "the header's checksum is wrong")
        }
    }
}
