// The numbers of the archive format, version 1. The page with its grammar is docs/format/archive.md; whatever is
// changed here is another version there.

/// What an archive is made of: a head that says everything in advance, the content in frames, an end.
///
/// ```
/// archive := head directory frame* end
/// ```
enum ArchiveFormat {
    static let magic: [UInt8] = Array("NTARC".utf8) + [0, 13, 10]
    static let endMagic: [UInt8] = Array("NTEND".utf8) + [0, 13, 10]
    static let version: UInt32 = 1
    static let features: UInt32 = 0

    /// magic, version, features, entries (u32), bytes of the directory (u32), bytes of all content (u64), CRC-32C.
    static let headBytes = 8 + 4 + 4 + 4 + 4 + 8 + 4
    /// Bytes of a directory entry beside its name: length of the name (u8), of the content (u64), SHA-256.
    static let entryBytes = 1 + 8 + hashBytes
    static let hashBytes = 32
    /// Entries that an archive may have: a collection has a handful of files for each segment.
    static let maximumEntries = 65_536
    static let maximumNameBytes = 200

    /// Bytes of content in a frame at most: what a reader holds at once.
    static let frameBytes = 64 << 10
    /// Bytes of content (u32), bytes stored (u32), CRC-32C of those eight and of what is stored.
    static let frameHeadBytes = 12
    static let largestFrameBytes = frameHeadBytes + frameBytes
    /// magic, SHA-256 of head and directory.
    static let endBytes = 8 + hashBytes
}
