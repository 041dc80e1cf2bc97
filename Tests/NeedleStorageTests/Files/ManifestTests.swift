import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

@Suite struct ManifestTests {
    static let sample = Manifest(
        incarnation: SegmentSample.incarnation,
        config: Array(#"{"vectors":{"size":384},"note":"a\"{b"}"#.utf8),
        checkpointLSN: LSN(900), lastTimeMS: 1_700_000_000_123, lsnCeiling: LSN(.max - 1), nextSegmentID: 12,
        segments: [
            ManifestSegment(
                id: 3, file: ManifestSegment.fileName(id: 3), rows: 100, bytes: 9000, live: 90,
                minLSN: LSN(1),
                maxLSN: LSN(600), sha256: String(repeating: "0f", count: 32),
                deletions: ManifestDeletions(
                    file: ManifestSegment.deletionsFileName(id: 3, lsn: LSN(900)), lsn: LSN(900), count: 10),
                overlays: ["000000000003-900.payloads"]),
            ManifestSegment(
                id: 11, file: ManifestSegment.fileName(id: 11), rows: 0, bytes: 4200, live: 0, minLSN: .zero,
                maxLSN: .zero),
        ],
        opKeys: [
            ManifestOpKey(
                key: Array("clé\n1".utf8), lsn: LSN(5), timeMS: -1,
                result: Array(#"{"lsn":5,"upserted":[1]}"#.utf8))
        ])

    @Test func itComesBackAndPeopleCanReadIt() throws {
        let bytes = Self.sample.encoded()
        #expect(try Manifest(decoding: bytes, file: "MANIFEST") == Self.sample)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasPrefix("needletail-manifest 1 "))
        #expect(text.contains("\n  \"checkpoint_lsn\": 900,\n"))
        #expect(text.hasSuffix("}\n"))
        #expect(ManifestSegment.fileName(id: 3) == "000000000003.segment")
        #expect(ManifestSegment.deletionsFileName(id: 3, lsn: LSN(900)) == "000000000003-900.deletions")
    }

    /// A restored collection shares segment files of the one it came from; a server that does not know of that
    /// must not open it.
    @Test func aForeignSegmentNeedsItsFeature() throws {
        var foreign = Self.sample
        foreign.segments[0].origin = Incarnation(bytes: [UInt8](repeating: 7, count: 16))
        let bytes = foreign.encoded()
        #expect(try Manifest(decoding: bytes, file: "MANIFEST") == foreign)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("\"features\": [\n    \"foreign_segments\"\n  ]"))
        let silent = try forged(
            "\"overlays\": [\n        \"000000000003-900.payloads\"",
            "\"origin\": \"\(String(repeating: "07", count: 16))\", \"overlays\": [\n        \"000000000003-900.payloads\""
        )
        let error = #expect(throws: DatabaseError.self) {
            try Manifest(decoding: silent, file: "MANIFEST")
        }
        #expect(error?.kind == .corruption)
    }

    @Test(arguments: [UInt8(1), 0x20, 0x80, 0xFF]) func everyFlippedByteIsFound(mask: UInt8) {
        let bytes = Self.sample.encoded()
        for offset in bytes.indices {
            var damaged = bytes
            damaged[offset] ^= mask
            let error = #expect(throws: DatabaseError.self, "byte \(offset)") {
                try Manifest(decoding: damaged, file: "MANIFEST")
            }
            #expect(error?.kind == .corruption || error?.message.contains("format") == true)
        }
    }

    @Test func everyTruncationIsFound() {
        let bytes = Self.sample.encoded()
        for length in bytes.indices {
            #expect(throws: DatabaseError.self) {
                try Manifest(decoding: Array(bytes[..<length]), file: "MANIFEST")
            }
        }
        #expect(throws: DatabaseError.self) { try Manifest(decoding: bytes + [10], file: "MANIFEST") }
    }

    /// A body that somebody edited, under a header line that fits.
    private func forged(_ old: String, _ new: String) throws -> [UInt8] {
        let text = String(decoding: Self.sample.encoded(), as: UTF8.self)
        #expect(text.contains(old))
        let line = try #require(text.firstIndex(of: "\n"))
        let body = Array(text[text.index(after: line)...].replacing(old, with: new).utf8)
        let sum = String(CRC32C.checksum(body), radix: 16)
        let digits = String(repeating: "0", count: 8 - sum.count) + sum
        return Array("needletail-manifest 1 \(digits) \(body.count)\n".utf8) + body
    }

    @Test(arguments: [
        ("\"checkpoint_lsn\": 900", "\"checkpoint_lsn\": 599"),
        ("\"checkpoint_lsn\": 900", "\"checkpoint_lsn\": -1"),
        ("\"checkpoint_lsn\": 900,", ""),
        ("\"checkpoint_lsn\": 900", "\"checkpoint_lsn\": 900, \"surprise\": 1"),
        ("\"next_segment_id\": 12", "\"next_segment_id\": 11"),
        ("\"id\": 11", "\"id\": 3"),
        ("\"live\": 90", "\"live\": 91"),
        ("\"rows\": 100", "\"rows\": 9e9"),
        ("000000000011.segment", "../../etc/passwd"),
        ("000000000003-900.deletions", ""),
        ("6465666768696a6b6c6d6e6f70717273", "6465666768696a6b6c6d6e6f7071727"),
        ("\"min_lsn\": 1,", "\"min_lsn\": 601,"),
    ])
    func contradictionsAreRefused(old: String, new: String) throws {
        let bytes = try forged(old, new)
        let error = #expect(throws: DatabaseError.self) { try Manifest(decoding: bytes, file: "MANIFEST") }
        #expect(error?.kind == .corruption)
    }

    @Test func whatANewerServerWroteIsRefusedClearly() throws {
        let feature = try forged("\"features\": []", "\"features\": [\"overlays-2\"]")
        let error = #expect(throws: DatabaseError.self) { try Manifest(decoding: feature, file: "MANIFEST") }
        #expect(
            error?.message
                == "MANIFEST: needs manifest format features overlays-2, which this server does not have")
        let text = String(decoding: Self.sample.encoded(), as: UTF8.self)
        let newer = Array(text.replacing("needletail-manifest 1", with: "needletail-manifest 2").utf8)
        let version = #expect(throws: DatabaseError.self) { try Manifest(decoding: newer, file: "MANIFEST") }
        #expect(version?.message == "MANIFEST: manifest format 2, this server reads 1")
    }

    @Test func aCatalogueComesBackAndIsStrict() throws {
        let catalogue = Catalogue(
            collections: [
                .init(name: "docs", incarnation: SegmentSample.incarnation),
                .init(name: "d\"é\u{301}", incarnation: Incarnation(bytes: Array(0..<16))),
            ],
            aliases: [.init(alias: "current", collection: "docs")], generation: 7)
        let bytes = catalogue.encoded()
        #expect(try Catalogue(decoding: bytes, file: "CATALOGUE") == catalogue)
        for offset in bytes.indices {
            var damaged = bytes
            damaged[offset] ^= 4
            #expect(throws: DatabaseError.self) { try Catalogue(decoding: damaged, file: "CATALOGUE") }
        }
        var wrong = catalogue
        wrong.aliases = [.init(alias: "docs", collection: "docs")]
        #expect(throws: DatabaseError.self) { try Catalogue(decoding: wrong.encoded(), file: "CATALOGUE") }
        wrong.aliases = [.init(alias: "x", collection: "gone")]
        #expect(throws: DatabaseError.self) { try Catalogue(decoding: wrong.encoded(), file: "CATALOGUE") }
        #expect(try Catalogue(decoding: Catalogue().encoded(), file: "CATALOGUE") == Catalogue())
        #expect(throws: DatabaseError.self) {
            try Catalogue(decoding: Self.sample.encoded(), file: "CATALOGUE")
        }
    }
}
