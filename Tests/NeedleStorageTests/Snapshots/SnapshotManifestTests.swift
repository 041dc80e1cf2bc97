import NeedleCore
import NeedleStorage
import Testing

@Suite struct SnapshotManifestTests {
    static let sample = SnapshotManifest(
        collection: "docs", incarnation: SegmentSample.incarnation, lsn: LSN(900),
        timeMS: 1_700_000_000_123, createdMS: 1_700_000_000_456, points: 90,
        files: [
            file("000000000003.segment", 9000), file("000000000003-900.deletions", 100),
            file("00000000000000000850.log", 4096), file("MANIFEST", 700), file("PROBES", 2000),
        ])

    private static func file(_ name: String, _ bytes: Int) -> SnapshotFile {
        SnapshotFile(name: name, bytes: bytes, sha256: ContentHash.hex(of: Array(name.utf8)))
    }

    @Test func itComesBackAndPeopleCanReadIt() throws {
        let bytes = Self.sample.encoded()
        #expect(try SnapshotManifest(decoding: bytes, file: "SNAPSHOT") == Self.sample)
        #expect(Self.sample.bytes == 15_896)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasPrefix("needletail-snapshot 1 "))
        #expect(text.contains("\n  \"collection\": \"docs\",\n"))
    }

    @Test(arguments: [UInt8(1), 0x20, 0xFF]) func everyFlippedByteIsFound(mask: UInt8) {
        let bytes = Self.sample.encoded()
        for offset in bytes.indices {
            var damaged = bytes
            damaged[offset] ^= mask
            #expect(throws: DatabaseError.self, "byte \(offset)") {
                try SnapshotManifest(decoding: damaged, file: "SNAPSHOT")
            }
        }
    }

    @Test func everyTruncationIsFound() {
        let bytes = Self.sample.encoded()
        for length in bytes.indices {
            #expect(throws: DatabaseError.self) {
                try SnapshotManifest(decoding: Array(bytes[..<length]), file: "SNAPSHOT")
            }
        }
        #expect(throws: DatabaseError.self) { try SnapshotManifest(decoding: bytes + [10], file: "SNAPSHOT") }
    }

    /// A manifest that somebody made to do harm, under a header line that fits.
    @Test(arguments: [
        ("\"PROBES\"", "\"../PROBES\""), ("\"PROBES\"", "\"/etc/passwd\""), ("\"PROBES\"", "\"..\""),
        ("\"PROBES\"", "\"\""), ("\"PROBES\"", "\"a/b\""), ("\"PROBES\"", "\".hidden\""),
        ("\"PROBES\"", "\"SNAPSHOT\""), ("\"PROBES\"", "\"MANIFEST\""), ("\"PROBES\"", "\"a\\u0000b\""),
        ("\"MANIFEST\"", "\"MANIFEST2\""), ("\"bytes\": 700", "\"bytes\": -1"),
        ("\"bytes\": 700", "\"bytes\": 9223372036854775807"), ("\"bytes\": 700", "\"bytes\": 1e3"),
        ("\"points\": 90", "\"points\": -90"), ("\"lsn\": 900", "\"lsn\": 900, \"more\": 1"),
        ("\"lsn\": 900,", ""), ("\"sha256\": \"", "\"sha256\": \"x"),
    ])
    func hostileManifestsAreRefused(old: String, new: String) throws {
        let error = #expect(throws: DatabaseError.self) {
            try SnapshotManifest(decoding: try Self.forged(old, new), file: "SNAPSHOT")
        }
        #expect(error?.kind == .corruption)
    }

    @Test func aNewerOneIsRefusedInWords() throws {
        let version = Array(
            String(decoding: Self.sample.encoded(), as: UTF8.self)
                .replacing("needletail-snapshot 1 ", with: "needletail-snapshot 2 ").utf8)
        var error = #expect(throws: DatabaseError.self) {
            try SnapshotManifest(decoding: version, file: "SNAPSHOT")
        }
        #expect(error?.kind == .storageFailed && error?.message.contains("snapshot format 2") == true)
        error = #expect(throws: DatabaseError.self) {
            try SnapshotManifest(
                decoding: try Self.forged("\"features\": []", "\"features\": [\"packed\"]"), file: "SNAPSHOT")
        }
        #expect(error?.kind == .storageFailed && error?.message.contains("packed") == true)
    }

    static func forged(_ old: String, _ new: String) throws -> [UInt8] {
        let text = String(decoding: sample.encoded(), as: UTF8.self)
        #expect(text.contains(old))
        let line = try #require(text.firstIndex(of: "\n"))
        let body = Array(text[text.index(after: line)...].replacing(old, with: new).utf8)
        let sum = String(CRC32C.checksum(body), radix: 16)
        let digits = String(repeating: "0", count: 8 - sum.count) + sum
        return Array("needletail-snapshot 1 \(digits) \(body.count)\n".utf8) + body
    }
}
