import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

/// Exports and imports as the server runs them: by requests, of several clients, that may never come to an end.
@Suite struct SnapshotTransferTests {
    private let test: TestDatabase
    private var transfers: SnapshotTransfers { test.database.transfers }
    private var snapshots: SnapshotDirectory { SnapshotDirectory(test.disk, path: "db/snapshots") }

    init() throws {
        test = try TestDatabase()
        try makeSnapshot("made", content: Array(0..<200))
    }

    /// A snapshot as far as archives are concerned: files with a manifest.
    private func makeSnapshot(_ name: String, content: [UInt8]) throws {
        let writer = try snapshots.begin(name)
        try writer.write(content, as: "MANIFEST")
        try writer.write([UInt8](repeating: 7, count: 150_000), as: "one.segment")
        let manifest = SnapshotManifest(
            collection: "docs", incarnation: Incarnation(bytes: Array(0..<16)), lsn: LSN(9), timeMS: 5,
            createdMS: 6, points: 3,
            files: [try writer.describe("MANIFEST"), try writer.describe("one.segment")])
        _ = try writer.commit(manifest)
    }

    private func archive(of name: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var position: Int? = 0
        while let place = position {
            let piece = try transfers.read(name, at: place, limit: 1, context: OperationContext())
            bytes += piece.bytes
            position = piece.next
        }
        return bytes
    }

    private var names: [String] { (try? test.disk.list("db/snapshots")) ?? [] }

    @Test func outAndInAgain() throws {
        let archive = try archive(of: "made")
        let id = try transfers.beginImport()
        let half = archive.count / 2
        let first = try transfers.write(Array(archive[..<half]), at: 0, to: id)
        #expect(first.received == half)
        let second = try transfers.write(Array(archive[half...]), at: half, to: id)
        #expect(second.received == archive.count && second.done == second.total)
        let imported = try transfers.commitImport(id, as: nil)
        #expect(imported.name == "docs-9-6" && imported.collection == "docs" && imported.points == 3)
        #expect(try snapshots.names() == ["docs-9-6", "made"])
        #expect(try self.archive(of: "docs-9-6") == archive)
        let gone = #expect(throws: DatabaseError.self) { try transfers.commitImport(id, as: "x") }
        #expect(gone?.kind == .notFound && gone?.at == "import")
    }

    @Test func aSnapshotThatGoesOrChangesMeanwhile() throws {
        let first = try transfers.read("made", at: 0, limit: 1, context: OperationContext())
        let next = try #require(first.next)
        try snapshots.remove("made")
        let gone = #expect(throws: DatabaseError.self) {
            try transfers.read("made", at: next, limit: 1, context: OperationContext())
        }
        #expect(gone?.kind == .notFound && gone?.at == "snapshot")
        try makeSnapshot("made", content: Array(1...200))
        let second = try transfers.read("made", at: next, limit: 1, context: OperationContext())
        #expect(second.sha256 != first.sha256, "the client sees that it is another one")
    }

    @Test func damagedFilesAreNamedWithoutTheServersPaths() throws {
        test.disk.flip("db/snapshots/made/one.segment", at: 100_000)
        let error = #expect(throws: DatabaseError.self) { try archive(of: "made") }
        #expect(error?.kind == .corruption && error?.message.hasPrefix("made/one.segment: ") == true)
        #expect(error?.at == "made/one.segment:0")
    }

    @Test func whatFailsLeavesNothing() throws {
        var archive = try archive(of: "made")
        archive[archive.count - 1] ^= 1
        let id = try transfers.beginImport()
        let error = #expect(throws: DatabaseError.self) { try transfers.write(archive, at: 0, to: id) }
        #expect(error?.kind == .corruption && error?.at?.hasPrefix("archive:") == true)
        #expect(names == ["made"])
        #expect(throws: DatabaseError.self) { try transfers.write([], at: 0, to: id) }

        let short = try transfers.beginImport()
        _ = try transfers.write(Array(archive.dropLast(60)), at: 0, to: short)
        #expect(throws: DatabaseError.self) { try transfers.commitImport(short, as: "x") }
        #expect(names == ["made"])
        let aborted = try transfers.beginImport()
        #expect(names.count == 2)
        try transfers.abortImport(aborted)
        #expect(names == ["made"])
        #expect(test.disk.openHandleCount == 0)
    }

    @Test(arguments: ["", ".x", "a/b", "..", String(repeating: "x", count: 201)])
    func namesThatNoSnapshotHas(name: String) throws {
        let id = try transfers.beginImport()
        _ = try transfers.write(try archive(of: "made"), at: 0, to: id)
        let error = #expect(throws: DatabaseError.self) { try transfers.commitImport(id, as: name) }
        #expect(error?.kind == .invalidParams && error?.at == "as")
        let taken = #expect(throws: DatabaseError.self) { try transfers.commitImport(id, as: "made") }
        #expect(taken?.kind == .alreadyExists)
        #expect(try transfers.commitImport(id, as: "good").name == "good")
    }

    @Test func importsThatNobodyGoesOnWith() throws {
        let ids = try (0..<SnapshotTransfers.maximumImports).map { _ in try transfers.beginImport() }
        #expect(Set(ids).count == ids.count)
        let error = #expect(throws: DatabaseError.self) { try transfers.beginImport() }
        #expect(error?.kind == .overloaded)
        test.clock.advance(SnapshotTransfers.idleMilliseconds)
        _ = try transfers.write([], at: 0, to: ids[0])
        test.clock.advance(1)
        let next = try transfers.beginImport()
        #expect(names.count == 3, "made, the one that was used, and the new one")
        _ = try transfers.write([], at: 0, to: next)
        _ = try transfers.write([], at: 0, to: ids[0])
        #expect(throws: DatabaseError.self) { try transfers.write([], at: 0, to: ids[1]) }
        try test.reopen()
        #expect(names == ["made"], "nothing of an import outlives the server")
        #expect(throws: DatabaseError.self) { try transfers.write([], at: 0, to: ids[0]) }
    }
}
