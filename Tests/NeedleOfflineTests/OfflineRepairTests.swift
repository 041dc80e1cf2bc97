import NeedleCore
import NeedleEngine
import NeedleOffline
import NeedleStorage
import SimulationKit
import Testing

/// Repair says first what it will do, takes nothing away without keeping it, brings a directory back to where the
/// server opens it, and loses nothing of files that are whole.
@Suite struct OfflineRepairTests {
    private let bench: OfflineBench
    private let disk: SimulatedFileSystem

    init() throws {
        bench = try OfflineBench.shared.get()
        disk = bench.disk.clone()
    }

    /// - Returns: what the server then has; `nil` when the collection is quarantined.
    @discardableResult
    private func repair(_ name: String = "c") throws -> [PointID: String]? {
        let repair = try OfflineRepair(disk, path: "db")
        #expect(!repair.report.isClean)
        let (quarantine, after) = try repair.carryOut(salt: 7)
        repair.end()
        #expect(after.isClean, "\(after.findings.map(\.text))")
        let reason = String(decoding: try disk.readAll("\(quarantine)/REASON", limit: 1 << 20), as: UTF8.self)
        #expect(reason.contains("found:") && reason.contains("done:"))
        let database = try OfflineBench.open(disk)
        #expect(database.summaries().allSatisfy { $0.state == .ready }, "\(database.summaries())")
        let content = try OfflineBench.content(of: database.collection(named: name))
        // And it takes writes, with versions above all before.
        let newest = database.summaries()[0].points
        try OfflineBench.write(database.collection(named: name), 900..<901)
        #expect(database.summaries()[0].points == newest + 1)
        database.close()
        #expect(try bench.check(disk).isClean)
        return content
    }

    /// Everything that is served is as it was.
    private func expectNothingWrong(_ content: [PointID: String]?, missing: Int) throws {
        let content = try #require(content)
        #expect(content.allSatisfy { bench.content[$0.key] == $0.value }, "no other version, nothing back")
        #expect(
            bench.content.count - content.count == missing, "\(bench.content.count - content.count) missing")
        #expect(OfflineBench.deleted.allSatisfy { content[$0] == nil })
    }

    @Test func nothingIsDoneToAWholeDirectoryNorWithoutBeingTold() throws {
        let whole = try OfflineRepair(disk, path: "db")
        #expect(whole.plan.isEmpty && whole.plan.lines.isEmpty)
        whole.end()
        disk.flip(try #require(try bench.files(".segment").first), at: 5_000)
        let used = disk.usedBytes
        let damaged = try OfflineRepair(disk, path: "db")
        #expect(!damaged.plan.isEmpty && damaged.plan.lines.contains { $0.contains("move aside segment 1") })
        #expect(damaged.plan.advice.contains { $0.contains("snapshot restore \(bench.snapshot)") } == false)
        damaged.end()
        #expect(disk.usedBytes == used)
        #expect(try !disk.exists("db/quarantine"))
    }

    @Test func adviceNamesASnapshotThatIsWhole() throws {
        // A file of its own, not the one that the snapshot shares.
        let path = try #require(try bench.files("MANIFEST").first)
        disk.flip(path, at: 200)
        let repair = try OfflineRepair(disk, path: "db")
        defer { repair.end() }
        #expect(repair.plan.isEmpty, "a manifest cannot be made up")
        #expect(repair.plan.advice.contains { $0.contains("snapshot restore \(bench.snapshot) --as") })
    }

    @Test(arguments: [0, 1], [5_000, 200, -1])
    func aDamagedSegmentIsMovedAside(_ index: Int, at offset: Int) throws {
        let path = try bench.files(".segment")[index]
        let bytes = try #require(disk.content(of: path))
        let manifest = try Manifest.read(disk, directory: bench.collection)
        let entry = try #require(manifest.segments.first { path.hasSuffix($0.file) })
        disk.flip(path, at: offset >= 0 ? offset : bytes.count + offset)
        if offset == -1 { disk.flip(path, at: 6_000) }
        let content = try repair()
        // Of its living points, those that the log writes again are not lost.
        let replaced = index == 1 ? 10 : 0
        try expectNothingWrong(content, missing: entry.live - replaced)
        // The snapshot shared the file: it goes aside too, and the file is there still.
        let kept = "db/quarantine/1/\(path.dropFirst(3))"
        #expect(try disk.readAll(kept, limit: 1 << 30).count == bytes.count)
        #expect(try disk.exists("db/quarantine/1/snapshots/\(bench.snapshot)"))
        #expect(try !disk.exists(path))
    }

    @Test func damagedDeletionsTakeTheirSegmentAlong() throws {
        let path = try #require(try bench.files(".deletions").first)
        disk.flip(path, at: 90)
        let content = try repair()
        let content2 = try #require(content)
        #expect(
            content2.allSatisfy { bench.content[$0.key] == $0.value } && content2.count < bench.content.count)
        #expect(OfflineBench.deleted.allSatisfy { content2[$0] == nil }, "nothing deleted is back")
    }

    /// Byte by byte through the log: all writes but the one that was hit are there, also those behind it.
    @Test func aDamagedLogIsWrittenAnewFromWhatIsWhole() throws {
        let log = try #require(
            try bench.files("log").max {
                (bench.disk.content(of: $0)?.count ?? 0) < (bench.disk.content(of: $1)?.count ?? 0)
            })
        let count = try #require(disk.content(of: log)).count
        var repaired = 0
        for offset in stride(from: 130, to: count, by: count / 24) {
            let copy = bench.disk.clone()
            copy.flip(log, at: offset, mask: 2)
            let test = OfflineRepairTests(bench: bench, disk: copy)
            guard try !bench.check(copy).isClean else { continue }
            repaired += 1
            let content = try #require(try test.repair())
            let missing = bench.content.filter { content[$0.key] != $0.value }
            #expect(
                missing.count <= 1 && missing.keys.allSatisfy(bench.logged.contains), "\(offset): \(missing)")
            #expect(OfflineBench.deleted.allSatisfy { content[$0] == nil })
            #expect(try copy.exists("db/quarantine/1/\(log.dropFirst(3))"))
        }
        #expect(repaired > 10)
    }

    private init(bench: OfflineBench, disk: SimulatedFileSystem) {
        self.bench = bench
        self.disk = disk
    }

    @Test func aLogWhoseHeaderOrFileIsGoneIsBegunAnew() throws {
        var repaired = 0
        for isGone in [false, true] {
            for path in try bench.files("log") {
                let copy = bench.disk.clone()
                if isGone { try copy.unlink(path) } else { copy.flip(path, at: 40) }
                // One that is not needed any more, or the newest, which nothing names.
                guard try !bench.check(copy).isClean else { continue }
                repaired += 1
                let content = try #require(try OfflineRepairTests(bench: bench, disk: copy).repair())
                #expect(
                    content.allSatisfy { bench.content[$0.key] == $0.value || bench.logged.contains($0.key) })
                #expect(bench.content.keys.allSatisfy { content[$0] != nil || bench.logged.contains($0) })
            }
        }
        #expect(repaired >= 3)
    }

    @Test func aLostCatalogueIsMadeOfWhatIsThere() throws {
        for isGone in [false, true] {
            let copy = bench.disk.clone()
            if isGone { try copy.unlink("db/CATALOGUE") } else { copy.flip("db/CATALOGUE", at: 70) }
            #expect(throws: DatabaseError.self) { try OfflineBench.open(copy) }
            copy.killProcess()
            try copy.createDirectory("db/collections/\(String(repeating: "0", count: 32))")
            copy.put([1, 2, 3], at: "db/collections/\(String(repeating: "0", count: 32))/MANIFEST")
            let test = OfflineRepairTests(bench: bench, disk: copy)
            try test.expectNothingWrong(try test.repair("c"), missing: 0)
            #expect(
                try copy.exists("db/quarantine/1/collections/\(String(repeating: "0", count: 32))/MANIFEST"))
        }
        // Without a snapshot nobody knows the name.
        try disk.removeTree("db/snapshots/\(bench.snapshot)")
        try disk.unlink("db/CATALOGUE")
        let hex = try #require(bench.collection.split(separator: "/").last)
        try expectNothingWrong(try repair("recovered-\(hex.prefix(8))"), missing: 0)
    }

    @Test func aDamagedSnapshotGoesAsideWhole() throws {
        let folder = "db/snapshots/\(bench.snapshot)"
        disk.flip("\(folder)/PROBES", at: 100)
        let names = try disk.list(folder)
        try expectNothingWrong(try repair(), missing: 0)
        #expect(try !disk.exists(folder))
        #expect(try disk.list("db/quarantine/1/snapshots/\(bench.snapshot)") == names)
    }

    /// The power is cut before each file operation of a repair: what was there is there or in quarantine, and running
    /// it again ends it.
    @Test func aRepairThatIsCutOffCanBeRunAgain() throws {
        let segment = try #require(try bench.files(".segment").first)
        let log = try #require(
            try bench.files("log").max {
                (bench.disk.content(of: $0)?.count ?? 0) < (bench.disk.content(of: $1)?.count ?? 0)
            })
        func damaged() -> SimulatedFileSystem {
            let copy = bench.disk.clone()
            copy.flip(segment, at: 5_000)
            copy.flip(log, at: 400)
            return copy
        }
        let whole = damaged()
        let start = whole.operationCount
        let expected = try #require(try OfflineRepairTests(bench: bench, disk: whole).repair())
        let operations = whole.operationCount - start
        #expect(operations > 50)
        var generator = SeededGenerator(seed: 3)
        for operation in stride(from: 0, to: operations, by: 9) {
            let copy = damaged()
            copy.plan(Fault(.crash, at: operation + 1))
            do {
                let repair = try OfflineRepair(copy, path: "db")
                _ = try repair.carryOut(salt: 7)
            } catch {}
            copy.crash(.none, using: &generator)
            let test = OfflineRepairTests(bench: bench, disk: copy)
            guard try !bench.check(copy).isClean else { continue }
            #expect(try test.repair() == expected, "cut off at operation \(operation)")
        }
    }
}
