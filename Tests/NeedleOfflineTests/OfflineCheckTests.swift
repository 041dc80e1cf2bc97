import NeedleCore
import NeedleEngine
import NeedleOffline
import NeedleStorage
import SimulationKit
import Testing

/// Every kind of planted damage is found, with its place; nothing is found where nothing is wrong, and nothing changes.
@Suite struct OfflineCheckTests {
    private let bench: OfflineBench
    private let disk: SimulatedFileSystem

    init() throws {
        bench = try OfflineBench.shared.get()
        disk = bench.disk.clone()
    }

    @Test func aWholeDirectoryIsClean() throws {
        let before = disk.usedBytes
        let report = try bench.check(disk)
        #expect(report.isClean && report.kind == "data directory", "\(report.findings.map(\.text))")
        #expect(report.contents.count == 2 && report.contents[0].contains("collection \"c\": 2 segments"))
        #expect(report.wholeSnapshots.map(\.name) == [bench.snapshot])
        #expect(disk.usedBytes == before)
        let database = try OfflineBench.open(disk)
        #expect(try OfflineBench.content(of: database.collection(named: "c")) == bench.content)
    }

    @Test func aServersDirectoryIsRefused() throws {
        let database = try OfflineBench.open(disk)
        let error = #expect(throws: DatabaseError.self) { try bench.check(disk) }
        #expect(error?.kind == .conflict && error?.message.contains("stop it") == true)
        #expect(throws: DatabaseError.self) { try OfflineRepair(disk, path: "db") }
        database.close()
        #expect(try bench.check(disk).isClean)
    }

    @Test(arguments: ["nothing", "db/snapshots", "db/LOCK"])
    func whatIsNothingOfOursIsSaidSo(path: String) throws {
        #expect(throws: DatabaseError.self) { try bench.check(disk, path) }
    }

    /// Every part of every file: the finding names the file, and the place as near as the checksum reaches.
    @Test func everyFlippedByteIsFoundInItsFile() throws {
        let log = try bench.files("log")
        let paths =
            try ["db/CATALOGUE"] + bench.files("MANIFEST") + bench.files(".segment")
            + bench.files(".deletions") + bench.files(".overlay") + [#require(log.last)]
        for path in paths {
            let count = try #require(disk.content(of: path)).count
            for offset in Set(stride(from: 0, to: count, by: max(1, count / 13)) + [count - 1]) {
                let damaged = bench.disk.clone()
                damaged.flip(path, at: offset, mask: 1)
                let report = try bench.check(damaged)
                let found = report.findings.filter { $0.file == path }
                // Of a log, the bytes that nobody was told are durable may be torn: those are noted.
                #expect(!found.isEmpty, "\(path) at \(offset): \(report.findings.map(\.text))")
                if !path.hasSuffix(".log") {
                    #expect(found.contains { $0.isDamage }, "\(path) at \(offset)")
                }
                if path.hasSuffix(".segment"), let place = found.first?.offset, offset >= 4_096 {
                    #expect(
                        place <= offset && offset - place < 8_192 || place >= count - 64,
                        "\(place) for \(offset)")
                }
            }
        }
    }

    @Test func filesThatAreMissingCutOrLongerAreFound() throws {
        let files =
            try bench.files("MANIFEST") + bench.files(".segment") + bench.files(".deletions")
            + bench.files(".overlay")
        for path in files {
            for change in 0..<3 {
                let damaged = bench.disk.clone()
                let bytes = try #require(damaged.content(of: path))
                try damaged.unlink(path)
                if change == 1 { damaged.put(Array(bytes.dropLast(7)), at: path) }
                if change == 2 { damaged.put(bytes + [0], at: path) }
                let report = try bench.check(damaged)
                #expect(report.findings.contains { $0.isDamage && $0.file == path }, "\(path) \(change)")
            }
        }
        // Nothing names the newest log file, so its loss cannot be told from one that was never begun.
        for path in try bench.files("log").dropLast().suffix(1) {
            let damaged = bench.disk.clone()
            try damaged.unlink(path)
            #expect(
                try bench.check(damaged).findings.contains { $0.isDamage && $0.file.contains("/log") },
                "\(path)")
        }
    }

    // MARK: Right checksums, wrong content

    /// Each change is made to the manifest as it was.
    private func change(_ change: (inout Manifest) -> Void) throws -> CheckReport {
        let disk = bench.disk.clone()
        let path = try #require(try bench.files("MANIFEST").first)
        var manifest = try Manifest.read(disk, directory: bench.collection)
        change(&manifest)
        try disk.unlink(path)
        disk.put(manifest.encoded(), at: path)
        return try bench.check(disk)
    }

    private func expect(_ what: String, _ report: CheckReport) {
        #expect(
            report.findings.contains { $0.isDamage && $0.what.contains(what) },
            "\(report.findings.map(\.text))")
    }

    @Test func aManifestThatContradictsTheFilesIsFound() throws {
        expect("where the manifest has", try change { $0.segments[0].bytes += 1 })
        expect("SHA-256", try change { $0.segments[0].sha256 = String(repeating: "a", count: 64) })
        expect("the file is missing", try change { $0.segments[0].overlays = ["000000000001-7.fields"] })
        expect("no deletions", try change { $0.segments[0].deletions = nil })
    }

    /// The rows of the older segment that the newer one replaced live again: their points are there twice.
    @Test func aPointThatLivesTwiceIsFound() throws {
        let report = try change { manifest in
            for index in manifest.segments.indices {
                manifest.segments[index].deletions = nil
                manifest.segments[index].live = manifest.segments[index].rows
            }
        }
        expect("lives here and in segment", report)
        #expect(report.findings.count { $0.what.contains("lives here") } == 20, "100 to 119")
    }

    @Test func leftoversAreNotedAndNoDamage() throws {
        disk.put([1], at: "\(bench.collection)/000000000099.segment.tmp")
        try disk.createDirectory("db/collections/00000000000000000000000000000000")
        try disk.createDirectory("db/snapshots/.new-x")
        let report = try bench.check(disk)
        #expect(report.isClean && report.findings.count == 3)
    }

    // MARK: Snapshots and archives

    @Test func aDamagedSnapshotIsFoundInTheDirectoryAndByItself() throws {
        let folder = "db/snapshots/\(bench.snapshot)"
        for name in try disk.list(folder) {
            let damaged = bench.disk.clone()
            let bytes = try #require(damaged.content(of: "\(folder)/\(name)"))
            try damaged.unlink("\(folder)/\(name)")
            var changed = bytes
            changed[bytes.count / 2] ^= 4
            damaged.put(changed, at: "\(folder)/\(name)")
            for path in ["db", folder] {
                let report = try bench.check(damaged, path)
                #expect(
                    report.findings.contains { $0.isDamage && $0.file == "\(folder)/\(name)" },
                    "\(name) in \(path)")
                #expect(report.wholeSnapshots.isEmpty)
            }
        }
        #expect(try bench.check(disk, folder).isClean)
    }

    @Test func anArchiveIsCheckedToItsLastByteWithoutUnpacking() throws {
        let directory = SnapshotDirectory(disk, path: "db/snapshots")
        let source = try directory.archive(of: bench.snapshot).source
        var bytes: [UInt8] = []
        var position: Int? = 0
        while let place = position {
            let piece = try source.read(at: place, limit: 1 << 20, context: OperationContext())
            bytes += piece.bytes
            position = piece.next
        }
        disk.put(bytes, at: "whole")
        let before = disk.usedBytes
        let report = try bench.check(disk, "whole")
        #expect(report.isClean && report.kind == "archive" && report.contents.count == 2)
        #expect(disk.usedBytes == before)
        for offset in stride(from: 0, to: bytes.count, by: bytes.count / 40) where offset >= 5 {
            var damaged = bytes
            damaged[offset] ^= 1
            disk.put(damaged, at: "flipped")
            let report = try bench.check(disk, "flipped")
            #expect(
                !report.isClean && report.findings.allSatisfy { $0.file == "flipped" && $0.offset != nil })
        }
        disk.put(Array(bytes.dropLast()), at: "cut")
        #expect(try !bench.check(disk, "cut").isClean)
    }

    // MARK: Single files, and dumps

    @Test func everyFileCanBeCheckedAndDumpedByItself() throws {
        let files =
            try ["db/CATALOGUE"] + bench.files("MANIFEST") + bench.files(".segment")
            + bench.files(".deletions") + bench.files(".overlay") + bench.files("log")
            + ["SNAPSHOT", "PROBES"].map { "db/snapshots/\(bench.snapshot)/\($0)" }
        for path in files {
            #expect(try bench.check(disk, path).isClean, "\(path)")
            let text = try OfflineDump(disk).text(of: path, rowLimit: 3)
            #expect(
                !text.contains("DAMAGED") && text.hasSuffix("\n") && text.utf8.count > 60, "\(path): \(text)")
            let count = try #require(disk.content(of: path)).count
            let damaged = bench.disk.clone()
            damaged.flip(path, at: count * 2 / 5, mask: 16)
            guard !path.hasSuffix(".log") else { continue }
            #expect(try !bench.check(damaged, path).isClean, "\(path)")
        }
    }
}
