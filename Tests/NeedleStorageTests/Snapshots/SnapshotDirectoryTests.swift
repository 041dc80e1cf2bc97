import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

@Suite struct SnapshotDirectoryTests {
    /// A disk with two files that a snapshot shares, and an empty directory for snapshots.
    private func prepare() throws -> (SimulatedFileSystem, SnapshotDirectory) {
        let disk = SimulatedFileSystem()
        try disk.ensureDirectory("c")
        try disk.ensureDirectory("s")
        disk.put(Array("one".utf8), at: "c/000000000001.segment")
        disk.plan()
        return (disk, SnapshotDirectory(disk, path: "s"))
    }

    /// Makes a snapshot of two files, as the engine does.
    private func make(_ name: String, in directory: SnapshotDirectory) throws -> String {
        let writer = try directory.begin(name)
        do {
            try writer.share("c/000000000001.segment", as: "000000000001.segment")
            try writer.write(Array("manifest".utf8), as: "MANIFEST")
            return try writer.commit(
                SnapshotManifest(
                    collection: "docs", incarnation: SegmentSample.incarnation, lsn: LSN(3), timeMS: 5,
                    createdMS: 6, points: 1,
                    files: [try writer.describe("000000000001.segment"), try writer.describe("MANIFEST")]))
        } catch {
            writer.abandon()
            throw error
        }
    }

    private func check(_ name: String, in directory: SnapshotDirectory) throws {
        let (manifest, _) = try directory.read(name)
        try directory.check(name, manifest) { (_) throws(DatabaseError) in }
    }

    @Test func aSnapshotIsMadeReadAndRemoved() throws {
        let (disk, directory) = try prepare()
        let hash = try make("docs-3", in: directory)
        #expect(try directory.names() == ["docs-3"])
        let read = try directory.read("docs-3")
        #expect(read.sha256 == hash)
        #expect(read.manifest.bytes == 11)
        try check("docs-3", in: directory)
        #expect(throws: DatabaseError.self) { try make("docs-3", in: directory) }
        try directory.remove("docs-3")
        #expect(try directory.names() == [])
        #expect(try disk.list("s") == [])
        #expect(disk.content(of: "c/000000000001.segment") == Array("one".utf8), "what is shared stays")
        #expect(throws: SnapshotDirectory.notFound("docs-3")) { try directory.read("docs-3") }
        #expect(throws: SnapshotDirectory.notFound("..")) { try directory.remove("..") }
        #expect(disk.openHandleCount == 0)
    }

    @Test func namesThatLeadAwayAreNone() {
        for name in ["", ".", "..", ".new", "a/b", "a b", "ä", String(repeating: "a", count: 201)] {
            #expect(!SnapshotName.isValid(name), "\(name)")
        }
        #expect(SnapshotName.isValid("Docs_2.v-1"))
        #expect(!SnapshotName.isFile("SNAPSHOT"))
    }

    /// Where links are refused (another file system, one without links), the file is copied.
    @Test func aRefusedLinkBecomesACopy() throws {
        let (disk, directory) = try prepare()
        // begin: two looks and a directory; then the link.
        disk.startTrace()
        let writer = try directory.begin("x")
        disk.plan(Fault(.ioError, at: 1))
        try writer.share("c/000000000001.segment", as: "000000000001.segment")
        #expect(disk.trace.contains { $0.contains("link") })
        disk.flip("c/000000000001.segment", at: 0)
        #expect(disk.content(of: writer.path(of: "000000000001.segment")) == Array("one".utf8))
        #expect(disk.openHandleCount == 0)
    }

    @Test func whatIsDamagedMissingOrAddedIsNamed() throws {
        let (disk, directory) = try prepare()
        _ = try make("x", in: directory)
        let path = "s/x/000000000001.segment"
        disk.flip(path, at: 1)
        #expect(
            throws: DatabaseError.corruption(
                file: path, offset: 0, what: "its SHA-256 is not the one in the manifest")
        ) { try check("x", in: directory) }
        disk.flip(path, at: 1)
        try check("x", in: directory)

        try disk.unlink(path)
        var error = #expect(throws: DatabaseError.self) { try check("x", in: directory) }
        #expect(error?.kind == .corruption && error?.message.contains("missing") == true)
        disk.put(Array("on".utf8), at: path)
        error = #expect(throws: DatabaseError.self) { try check("x", in: directory) }
        #expect(error?.message.contains("2 bytes in place of 3") == true)
        try disk.unlink(path)
        disk.put(Array("one".utf8), at: path)
        disk.put([], at: "s/x/stray")
        error = #expect(throws: DatabaseError.self) { try check("x", in: directory) }
        #expect(error?.kind == .corruption && error?.message.contains("stray") == true)
        try disk.unlink("s/x/SNAPSHOT")
        error = #expect(throws: DatabaseError.self) { try directory.read("x") }
        #expect(error?.kind == .corruption && error?.message.contains("SNAPSHOT") == true)
    }

    /// A crash at every operation: under its name a snapshot is whole or not there, and the next opening removes
    /// what is not finished.
    @Test(arguments: LossModel.allCases)
    func aCrashLeavesAWholeSnapshotOrNone(model: LossModel) throws {
        var operation = 1
        var outcomes: Set<Bool> = []
        while true {
            let (disk, directory) = try prepare()
            disk.plan(Fault(.crash, at: operation))
            var hasMade = false
            var isOver = false
            do {
                _ = try make("x", in: directory)
                hasMade = true
                try directory.remove("x")
                isOver = true
            } catch {
                #expect((error as? DatabaseError)?.kind == .storageFailed)
            }
            if isOver { break }
            var generator = SeededGenerator(seed: UInt64(operation))
            disk.crash(model, using: &generator)
            try directory.removeLeftovers()
            let names = try directory.names()
            if names == ["x"] { try check("x", in: directory) } else { #expect(names == []) }
            #expect(try disk.list("s") == names)
            outcomes.insert(hasMade)
            operation += 1
        }
        #expect(operation > 20 && outcomes == [true, false])
    }

    @Test(arguments: [FaultKind.ioError, .diskFull, .shortWrite])
    func aFailedOperationLeavesNothing(kind: FaultKind) throws {
        var operation = 1
        while true {
            let (disk, directory) = try prepare()
            disk.plan(Fault(kind, at: operation))
            do {
                _ = try make("x", in: directory)
                // A refused link is copied; anything else must have been reported.
                if operation > disk.operationCount { break }
                try check("x", in: directory)
            } catch {
                disk.plan()
                try directory.removeLeftovers()
                for name in try directory.names() { try check(name, in: directory) }
            }
            operation += 1
        }
        #expect(operation > 15)
    }
}
