import Glibc
import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

/// Files of released formats: the writer reproduces them byte for byte, the reader accepts them for good.
/// Each lies beside its dump as text. `NEEDLETAIL_UPDATE_GOLDEN=1` writes them again: only before a format
/// is released.
@Suite struct GoldenFilesTests {
    private let disk = PosixFileSystem()
    private let folder = PosixFileSystem.parent(of: PosixFileSystem.parent(of: #filePath)) + "/Fixtures/v1"
    private let isUpdating = getenv("NEEDLETAIL_UPDATE_GOLDEN") != nil

    private func compare(_ bytes: [UInt8], _ name: String) throws {
        let path = "\(folder)/\(name)"
        if isUpdating { try AtomicFile.replace(disk, path, with: bytes) }
        #expect(try disk.readAll(path, limit: 1 << 20) == bytes, "\(name) is not what it was")
    }

    @Test func log() throws {
        let memory = SimulatedFileSystem()
        try memory.ensureDirectory("log")
        let log = try LocalLog.create(
            memory, directory: "log", incarnation: SegmentSample.incarnation, saltSeed: 42)
        _ = try log.append(lsn: LSN(1), timeMS: 1_700_000_000_000, bodies: [Array("one".utf8)])
        _ = try log.append(
            lsn: LSN(2), timeMS: 1_700_000_000_001, epoch: 3, bodies: [Array("two, ".utf8), [], [0xFF]])
        try log.reserveLSNs(through: LSN(1000))
        _ = try log.append(lsn: LSN(5), timeMS: 0, epoch: 3, bodies: [Array("after a gap".utf8)])
        try log.close()
        let name = "00000000000000000001.log"
        try compare(try #require(memory.content(of: "log/\(name)")), name)
        try compare(Array(try LogDump.text(memory, path: "log/\(name)").utf8), "\(name).txt")

        let copy = SimulatedFileSystem()
        try copy.ensureDirectory("log")
        copy.put(try disk.readAll("\(folder)/\(name)", limit: 1 << 20), at: "log/\(name)")
        let opened = try LocalLog.open(
            copy, directory: "log", incarnation: SegmentSample.incarnation, floor: LogFloor(), saltSeed: 1)
        let writes = try LogScript.writes(in: opened, from: LSN(1))
        #expect(writes.map(\.lsn.value) == [1, 2, 5])
        #expect(writes[1].bodies == [Array("two, ".utf8), [], [0xFF]])
        #expect(opened.tail.nextLSN == LSN(1001))
    }

    @Test func segment() throws {
        let memory = SimulatedFileSystem()
        try SegmentSample.golden.write(memory, "s")
        let name = "000000000004.segment"
        try compare(try #require(memory.content(of: "s")), name)
        try compare(Array(try SegmentDump.text(try SegmentSample.open(memory, "s")).utf8), "\(name).txt")
        #expect(try SegmentSample.golden.matches(try SegmentSample.open(disk, "\(folder)/\(name)")))
    }

    /// A file of an early version, whose blocks were larger.
    @Test func aSegmentWithLargeBlocksIsRead() throws {
        let reader = try SegmentSample.open(disk, "\(folder)/000000000004-blocks64k.segment")
        #expect(reader.blockBytes == 65_536 && reader.blockCount == 1)
        #expect(try SegmentSample.golden.matches(reader))
    }

    @Test func snapshot() throws {
        try compare(SnapshotManifestTests.sample.encoded(), SnapshotManifest.fileName)
        let bytes = try disk.readAll("\(folder)/\(SnapshotManifest.fileName)", limit: 1 << 20)
        #expect(try SnapshotManifest(decoding: bytes, file: "SNAPSHOT") == SnapshotManifestTests.sample)
    }

    @Test(arguments: [("list", [1, 4]), ("bitmap", Array(0..<40))])
    func deletions(encoding: String, rows: [Int]) throws {
        let file = DeletionFile(
            incarnation: SegmentSample.incarnation, segmentID: 4, lsn: LSN(9), rowCount: 130,
            rows: rows.map { UInt32($0) })
        let name = "000000000004-9-\(encoding).deletions"
        try compare(file.encoded(), name)
        let read = try DeletionFile.read(
            disk, path: "\(folder)/\(name)", incarnation: SegmentSample.incarnation, segmentID: 4,
            rowCount: 130)
        #expect(read == file)
    }

    @Test func payloads() throws {
        let memory = SimulatedFileSystem()
        try PayloadFileTests.write(PayloadFileTests.sample, memory, "p")
        let name = "000000000004-9.overlay"
        try compare(try #require(memory.content(of: "p")), name)
        #expect(try PayloadFileTests.read(disk, "\(folder)/\(name)") == PayloadFileTests.sample)
    }

    @Test func manifestAndCatalogue() throws {
        try compare(ManifestTests.sample.encoded(), "MANIFEST")
        #expect(try Manifest.read(disk, directory: folder) == ManifestTests.sample)
        let catalogue = Catalogue(
            collections: [.init(name: "docs", incarnation: SegmentSample.incarnation)],
            aliases: [.init(alias: "current", collection: "docs")], generation: 3)
        try compare(catalogue.encoded(), "CATALOGUE")
        #expect(try Catalogue.read(disk, directory: folder) == catalogue)
    }

    /// How liblz4 compresses may change with its version, what it reads never does: so the reader has to accept
    /// the file, and the writer to make the same of it wherever it is built with the same liblz4.
    @Test func archive() throws {
        let bytes = try ArchiveSample.small.archive()
        try compare(bytes, "snapshot.archive")
        let found = try disk.readAll("\(folder)/snapshot.archive", limit: 1 << 20)
        #expect(try ArchiveSample.small.matches(try unpack(found), "into"))
    }
}
