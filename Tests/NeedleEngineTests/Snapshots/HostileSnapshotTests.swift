import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

/// Snapshots that are truncated, altered, of another kind, or made to do harm: refused in clear words, and nothing of
/// them is left.
@Suite struct HostileSnapshotTests {
    private func prepared() throws -> (TestDatabase, ForgedSnapshot) {
        let database = try TestDatabase(options: TestDatabase.snapshotOptions)
        try database.fill(try database.create(size: 3))
        let snapshot = try database.database.snapshot()
        return (database, ForgedSnapshot(disk: database.disk, name: snapshot.name))
    }

    /// Verify and restore refuse it alike.
    private func expectRefused(
        _ database: TestDatabase, _ forged: ForgedSnapshot, _ kinds: Set<ErrorKind> = [.corruption],
        _ comment: Comment? = nil
    ) throws {
        for isRestore in [false, true] {
            let error = #expect(throws: DatabaseError.self, comment) {
                if isRestore {
                    try database.database.restore(forged.name, as: "d")
                } else {
                    try database.database.verify(forged.name)
                }
            }
            #expect(kinds.contains(error?.kind ?? .internal), "\(error?.description ?? ""): \(comment ?? "")")
            #expect(error?.message.contains("db/") == false, "\(error?.description ?? "")")
        }
        try database.expectNoLeftovers(1, 1, comment)
        #expect(database.database.summaries().map(\.name) == ["c"])
    }

    @Test func everyFlippedByteIsFound() throws {
        let (database, forged) = try prepared()
        let files = try forged.manifest.files.map(\.name) + ["SNAPSHOT"]
        for file in files {
            let bytes = try forged.bytes(file)
            let step = max(1, bytes.count / 4)
            for offset in stride(from: 0, to: bytes.count, by: step) + [bytes.count - 1] {
                var damaged = bytes
                damaged[offset] ^= 0x10
                try forged.replace(file, with: damaged)
                try expectRefused(database, forged, [.corruption, .storageFailed], "\(file) at \(offset)")
            }
            for length in [0, 1, bytes.count / 2, bytes.count - 1] {
                try forged.replace(file, with: Array(bytes[..<length]))
                try expectRefused(database, forged, [.corruption], "\(file) cut to \(length)")
            }
            try forged.replace(file, with: bytes + [0])
            try expectRefused(database, forged, [.corruption], "\(file) with a byte more")
            try database.disk.unlink("db/snapshots/\(forged.name)/\(file)")
            try expectRefused(database, forged, [.corruption], "\(file) is missing")
            try forged.replace(file, with: bytes)
        }
        try database.database.verify(forged.name)
    }

    /// Files that are cut or changed by somebody who also mends the hashes: the formats' own checks are there still.
    @Test func aSignedForgeryIsRefusedByWhatTheFilesSay() throws {
        let (database, forged) = try prepared()
        let whole = try forged.manifest
        for file in whole.files.map(\.name) {
            let bytes = try forged.bytes(file)
            for offset in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 4)) {
                var damaged = bytes
                damaged[offset] ^= 0x01
                try forged.replace(file, with: damaged)
                try forged.sign()
                // Bytes that nothing uses may change; whatever else does is found, and nothing traps.
                do {
                    try database.database.verify(forged.name)
                } catch {
                    try expectRefused(
                        database, forged, [.corruption, .storageFailed], "\(file) at \(offset)")
                }
            }
            for length in [0, bytes.count / 2, bytes.count - 1] {
                try forged.replace(file, with: Array(bytes[..<length]))
                try forged.sign()
                // The last byte of a log may be part of the marker behind it, which nobody needs.
                if file.hasSuffix(".log"), length == bytes.count - 1 { continue }
                try expectRefused(database, forged, [.corruption], "\(file) cut to \(length)")
            }
            try forged.replace(file, with: bytes)
            try forged.sign()
        }
        try database.database.verify(forged.name)
    }

    @Test func anotherDimensionIsRefused() throws {
        let (database, forged) = try prepared()
        for size in ["4", "65536"] {
            try forged.change { manifest in
                manifest.config = Array(
                    String(decoding: manifest.config, as: UTF8.self)
                        .replacing(#""size":3"#, with: #""size":\#(size)"#).utf8)
            }
            try expectRefused(database, forged, [.corruption], "size \(size)")
            try forged.change { manifest in
                manifest.config = Array(
                    String(decoding: manifest.config, as: UTF8.self)
                        .replacing(#""size":\#(size)"#, with: #""size":3"#).utf8)
            }
        }
        try forged.change { manifest in
            manifest.config = Array(
                String(decoding: manifest.config, as: UTF8.self)
                    .replacing(#""size":3"#, with: #""size":9000000000000000000"#).utf8)
        }
        try expectRefused(database, forged, [.limitExceeded])
    }

    @Test func numbersAndNamesMadeToDoHarmAreRefused() throws {
        let changes: [(inout Manifest) -> Void] = [
            { $0.nextSegmentID = .max }, { $0.checkpointLSN = .infinity },
            { $0.incarnation = Incarnation(bytes: [UInt8](repeating: 9, count: 16)) },
            { $0.segments[0].file = "MANIFEST" }, { $0.segments[0].overlays = ["missing"] },
            { $0.segments[0].id += 1 }, { $0.segments[0].deletions?.file = "PROBES" },
            { $0.segments[0].origin = Incarnation(bytes: [UInt8](repeating: 9, count: 16)) },
            { $0.segments = [] }, { $0.segments[0].deletions = nil }, { $0.config = Array("{}".utf8) },
        ]
        for (number, change) in changes.enumerated() {
            let (database, forged) = try prepared()
            try forged.change(change)
            try expectRefused(database, forged, [.corruption, .notFound], "change \(number)")
        }
    }

    @Test func aManifestThatLiesIsRefused() throws {
        let changes: [(inout SnapshotManifest) -> Void] = [
            { $0.points += 1 }, { $0.lsn = $0.lsn.next }, { $0.lsn = LSN($0.lsn.value - 1) },
            { $0.lsn = .infinity },
            {
                $0.timeMS = 0; $0.points += 5
            },
            { $0.incarnation = Incarnation(bytes: [UInt8](repeating: 9, count: 16)) },
        ]
        for (number, change) in changes.enumerated() {
            let (database, forged) = try prepared()
            try forged.sign(change)
            try expectRefused(database, forged, [.corruption], "change \(number)")
        }
        let (database, forged) = try prepared()
        try forged.sign { $0.files.removeAll { $0.name == "PROBES" } }
        try database.disk.unlink("db/snapshots/\(forged.name)/PROBES")
        try expectRefused(database, forged)
    }

    /// The same bytes with other meaning: only the probes can tell.
    @Test func probesFindWhatHashesCannot() throws {
        let (database, forged) = try prepared()
        var file = try ProbeFile(decoding: try forged.bytes("PROBES"), file: "PROBES")
        #expect(file.probes.count == 100)
        let whole = file
        file.probes[17].hits[2].score += 0.01
        try forged.replace("PROBES", with: file.encoded())
        try forged.sign()
        try expectRefused(database, forged)
        file = whole
        file.probes[99].hits.swapAt(0, 9)
        try forged.replace("PROBES", with: file.encoded())
        try forged.sign()
        try expectRefused(database, forged)
        file = whole
        file.probes[0].vector = [0, 0, 0]
        try forged.replace("PROBES", with: file.encoded())
        try forged.sign()
        try expectRefused(database, forged)
        file = whole
        file.probes[0].space = 1
        try forged.replace("PROBES", with: file.encoded())
        try forged.sign()
        try expectRefused(database, forged)
        try forged.replace("PROBES", with: whole.encoded())
        try forged.sign()
        try database.database.verify(forged.name)
    }

    @Test func aDamagedManifestIsToldByHealth() throws {
        let (database, forged) = try prepared()
        try forged.replace("SNAPSHOT", with: [1, 2, 3])
        #expect(try database.database.listSnapshots(of: nil) == [])
        #expect(database.database.health().damagedSnapshots.map(\.name) == [forged.name])
        try database.database.deleteSnapshot(forged.name)
        #expect(database.database.health().isWell)
    }
}
