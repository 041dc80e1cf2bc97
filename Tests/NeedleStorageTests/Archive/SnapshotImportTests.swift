import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

/// Snapshots out through an archive and in again.
@Suite struct SnapshotImportTests {
    /// A directory of snapshots with one, `made`.
    private static func prepare() throws -> (disk: SimulatedFileSystem, snapshots: SnapshotDirectory) {
        let disk = SimulatedFileSystem()
        try disk.ensureDirectory("s")
        let snapshots = SnapshotDirectory(disk, path: "s")
        let writer = try snapshots.begin("made")
        var files: [SnapshotFile] = []
        for file in ArchiveSample.small.files {
            try writer.write(file.content, as: file.name)
            files.append(try writer.describe(file.name))
        }
        let manifest = SnapshotManifest(
            collection: "docs", incarnation: SegmentSample.incarnation, lsn: LSN(9), timeMS: 5, createdMS: 6,
            points: 3, files: files)
        _ = try writer.commit(manifest)
        return (disk, snapshots)
    }

    private static func archive(of name: String, _ snapshots: SnapshotDirectory) throws -> [UInt8] {
        try ArchiveSample.pieces(of: try snapshots.archive(of: name).source, 1 << 20).flatMap(\.bytes)
    }

    @discardableResult
    private static func take(
        _ archive: [UInt8], as name: String, _ snapshots: SnapshotDirectory
    ) throws(DatabaseError) -> (name: String, manifest: SnapshotManifest, sha256: String) {
        var incoming = try SnapshotImport(snapshots, id: "1", room: 1 << 30)
        do throws(DatabaseError) {
            try incoming.write(archive.span.bytes, at: 0)
            return try incoming.commit { _ in name }
        } catch {
            incoming.abandon()
            throw error
        }
    }

    @Test func aSnapshotComesBackAsItWas() throws {
        let (_, from) = try Self.prepare()
        let archive = try Self.archive(of: "made", from)
        let (disk, to) = try Self.prepare()
        let taken = try Self.take(archive, as: "copy", to)
        #expect(try to.names() == ["copy", "made"])
        let (before, after) = (try from.read("made"), try to.read("copy"))
        #expect(after.manifest == before.manifest && after.sha256 == before.sha256)
        #expect(taken.manifest == before.manifest && taken.sha256 == before.sha256)
        try to.check("copy", after.manifest) { (_) throws(DatabaseError) in }
        #expect(try Self.archive(of: "copy", to) == archive)
        #expect(disk.openHandleCount == 0)
    }

    @Test func piecesInOrderAndAgain() throws {
        let (_, from) = try Self.prepare()
        let archive = try Self.archive(of: "made", from)
        let (_, to) = try Self.prepare()
        var incoming = try SnapshotImport(to, id: "1", room: 1 << 30)
        try incoming.write(archive.span.bytes.extracting(0..<100), at: 0)
        try incoming.write(archive.span.bytes.extracting(0..<100), at: 0)
        try incoming.write(archive.span.bytes.extracting(50..<120), at: 50)
        #expect(incoming.status.received == 120 && incoming.status.done == 0)
        let early = #expect(throws: DatabaseError.self) {
            try incoming.write(archive.span.bytes.extracting(121..<archive.count), at: 121)
        }
        #expect(early?.kind == .invalidParams && early?.at == "offset" && early?.got == "121")
        try incoming.write(archive.span.bytes.extracting(120..<archive.count), at: 120)
        let content = try from.archive(of: "made").source.directory.contentBytes
        let whole = ImportStatus(received: archive.count, done: content, total: content)
        #expect(incoming.status == whole)
        try incoming.write(archive.span.bytes.extracting(0..<0), at: archive.count)
        #expect(try to.names() == ["made"], "not visible yet")
        _ = try incoming.commit { _ in "copy" }
        #expect(try to.names() == ["copy", "made"])
    }

    @Test func aNameThatIsTaken() throws {
        let (disk, snapshots) = try Self.prepare()
        let archive = try Self.archive(of: "made", snapshots)
        var incoming = try SnapshotImport(snapshots, id: "1", room: 1 << 30)
        try incoming.write(archive.span.bytes, at: 0)
        let error = #expect(throws: DatabaseError.self) { try incoming.commit { _ in "made" } }
        #expect(error?.kind == .alreadyExists && error?.at == "as")
        _ = try incoming.commit { "\($0.collection)-\($0.lsn)" }
        #expect(try snapshots.names() == ["docs-9", "made"])
        #expect(try disk.list("s").count == 2)
    }

    /// Requests may come after the end, when they had to wait for it.
    @Test func nothingGoesOnAfterTheEnd() throws {
        let (disk, snapshots) = try Self.prepare()
        let archive = try Self.archive(of: "made", snapshots)
        for isCommitted in [false, true] {
            var incoming = try SnapshotImport(snapshots, id: "1", room: 1 << 30)
            try incoming.write(archive.span.bytes.extracting(0..<(isCommitted ? archive.count : 300)), at: 0)
            if isCommitted { _ = try incoming.commit { _ in "copy" } } else { incoming.abandon() }
            var error = #expect(throws: DatabaseError.self) { try incoming.write(archive.span.bytes, at: 0) }
            #expect(error?.kind == .notFound && error?.at == "import")
            error = #expect(throws: DatabaseError.self) { try incoming.commit { _ in "again" } }
            #expect(error?.kind == .notFound && error?.at == "import")
            incoming.abandon()
            #expect(try snapshots.names() == (isCommitted ? ["copy", "made"] : ["made"]))
        }
        #expect(disk.openHandleCount == 0)
    }

    @Test func notWhole() throws {
        let (disk, snapshots) = try Self.prepare()
        let archive = try Self.archive(of: "made", snapshots)
        for length in [0, 1, 40, archive.count / 2, archive.count - 1] {
            let error = #expect(throws: DatabaseError.self) {
                try Self.take(Array(archive[..<length]), as: "copy", snapshots)
            }
            #expect(error?.kind == .corruption && error?.message.contains("too early") == true)
            #expect(try disk.list("s") == ["made"])
            #expect(disk.openHandleCount == 0)
        }
    }

    /// Right as archives, but not what a snapshot's manifest says.
    @Test func archivesOfSomethingElse() throws {
        let (disk, snapshots) = try Self.prepare()
        let (manifest, _) = try snapshots.read("made")
        func check(_ what: String, _ change: (inout ArchiveSample) -> Void) throws {
            var sample = ArchiveSample.small
            sample.files.append((SnapshotManifest.fileName, manifest.encoded()))
            change(&sample)
            let error = #expect(throws: DatabaseError.self, "\(what)") {
                try Self.take(try sample.archive(), as: "copy", snapshots)
            }
            #expect(error?.kind == .corruption, "\(what)")
            #expect(try disk.list("s") == ["made"], "\(what)")
        }
        try check("no manifest") { $0.files.removeLast() }
        try check("a file more") { $0.files.append(("stray", [1])) }
        try check("a file less") { $0.files.removeFirst() }
        try check("another file") { $0.files[1].content[0] ^= 1 }
        try check("another name") { $0.files[1].name = "x" }
        try check("a manifest that is none") { $0.files[3].content = Array("{}".utf8) }
        #expect(try Self.take(try Self.archive(of: "made", snapshots), as: "copy", snapshots).name == "copy")
    }

    @Test func aManifestOfANewerFormat() throws {
        let (disk, snapshots) = try Self.prepare()
        var sample = ArchiveSample.small
        let text = String(decoding: try snapshots.read("made").manifest.encoded(), as: UTF8.self)
        sample.files.append(
            (
                SnapshotManifest.fileName,
                Array(text.replacing("needletail-snapshot 1 ", with: "needletail-snapshot 2 ").utf8)
            ))
        let error = #expect(throws: DatabaseError.self) {
            try Self.take(try sample.archive(), as: "copy", snapshots)
        }
        #expect(error?.kind == .storageFailed && error?.message.contains("format 2") == true)
        #expect(try disk.list("s") == ["made"])
    }

    /// A crash at every operation: the snapshot is there whole, or not at all; what was begun goes at the next
    /// opening.
    @Test(arguments: LossModel.allCases) func aCrashLeavesAllOrNothing(model: LossModel) throws {
        let (_, from) = try Self.prepare()
        let archive = try Self.archive(of: "made", from)
        var outcomes: Set<Bool> = []
        for operation in 1... {
            let (disk, to) = try Self.prepare()
            disk.plan(Fault(.crash, at: operation))
            var isDone = false
            do throws(DatabaseError) {
                try Self.take(archive, as: "copy", to)
                isDone = true
            } catch {}
            let hasEnded = disk.operationCount < operation
            var generator = SeededGenerator(seed: UInt64(operation))
            disk.crash(model, using: &generator)
            try to.removeLeftovers()
            let names = try to.names()
            #expect(names == ["made"] && !isDone || names == ["copy", "made"], "crash at \(operation)")
            #expect(try disk.list("s") == names)
            if names.count == 2 {
                try to.check("copy", try to.read("copy").manifest) { (_) throws(DatabaseError) in }
            }
            outcomes.insert(names.count == 2)
            if hasEnded { break }
        }
        #expect(outcomes == [false, true])
    }

    @Test(arguments: [FaultKind.ioError, .diskFull, .shortWrite])
    func aFailureLeavesNothing(kind: FaultKind) throws {
        let (_, from) = try Self.prepare()
        let archive = try Self.archive(of: "made", from)
        var failures = 0
        for operation in 1...40 {
            let (disk, to) = try Self.prepare()
            disk.plan(Fault(kind, at: operation))
            var isDone = false
            do throws(DatabaseError) {
                try Self.take(archive, as: "copy", to)
                isDone = true
            } catch {
                failures += 1
            }
            disk.plan()
            #expect(disk.openHandleCount == 0)
            try to.removeLeftovers()
            // The very last step, making the name durable, may fail when the name is there already.
            let names = try to.names()
            #expect(names == ["made"] && !isDone || names == ["copy", "made"], "failure at \(operation)")
        }
        #expect(failures > 8)
    }
}
