import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

/// Archives of files: written in pieces, read as they come.
@Suite struct ArchiveTests {
    private static let sizes = [0, 1, 65_535, 65_536, 65_537, 300_000, 0, 131_072, 40_000]

    @Test(arguments: [1, 65_588, 100_000, 200_000, 1 << 30])
    func whatGoesInComesOut(pieceBytes: Int) throws {
        let sample = ArchiveSample.random(sizes: Self.sizes, seed: 7)
        let archive = try sample.archive(pieceBytes: pieceBytes)
        #expect(try archive == sample.archive(), "the pieces' size leaves no trace")
        for received in [1, 4_093, 65_536, archive.count] where received > 1 || pieceBytes == 1 {
            #expect(try sample.matches(try unpack(archive, pieceBytes: received), "into"))
        }
    }

    @Test func noFilesAtAll() throws {
        let sample = ArchiveSample(files: [])
        #expect(try sample.matches(try unpack(try sample.archive()), "into"))
    }

    @Test func textIsCompressedAndNoiseIsNot() throws {
        let text = ArchiveSample(files: [("t", Array(String(repeating: "needletail ", count: 20_000).utf8))])
        #expect(try text.archive().count < 5_000)
        let noise = ArchiveSample.random(sizes: [200_000], seed: 1)
        #expect(try (200_000..<200_400).contains(noise.archive().count))
    }

    /// A client that lost its connection asks again, and gets the same.
    @Test func everyPieceCanBeReadAgain() throws {
        let sample = ArchiveSample.random(sizes: Self.sizes, seed: 9)
        let disk = try sample.disk()
        let source = ArchiveSource(disk, path: "s", directory: sample.directory)
        let pieces = try ArchiveSample.pieces(of: source, 100_000)
        let positions = [0] + pieces.compactMap(\.next)
        #expect(pieces.count > 4)
        for (position, piece) in zip(positions, pieces).reversed() {
            let context = OperationContext()
            #expect(try source.read(at: position, limit: 100_000, context: context) == piece)
            let another = ArchiveSource(disk, path: "s", directory: sample.directory)
            #expect(try another.read(at: position, limit: 100_000, context: context) == piece)
        }
        #expect(disk.openHandleCount == 0)
    }

    @Test(arguments: [-1, 1, 65_538, 1_000_000, 1 << 40]) func noPieceBeginsThere(position: Int) throws {
        let sample = ArchiveSample.random(sizes: Self.sizes, seed: 9)
        let source = ArchiveSource(try sample.disk(), path: "s", directory: sample.directory)
        let error = #expect(throws: DatabaseError.self) {
            try source.read(at: position, limit: 1, context: OperationContext())
        }
        #expect(error?.kind == .invalidParams && error?.at == "position")
    }

    @Test func aDamagedFileIsNotExported() throws {
        let sample = ArchiveSample.random(sizes: [10, 300_000], seed: 3)
        for offset in [0, 65_536, 299_999] {
            let disk = try sample.disk()
            disk.flip("s/1-1.file", at: offset)
            let source = ArchiveSource(disk, path: "s", directory: sample.directory)
            for pieceBytes in [1, 1 << 20] {
                let error = #expect(throws: DatabaseError.self) {
                    try ArchiveSample.pieces(of: source, pieceBytes)
                }
                #expect(error?.kind == .corruption && error?.message.contains("1-1.file") == true)
            }
        }
        let disk = try sample.disk()
        disk.put([1, 2], at: "s/1-1.file")
        let source = ArchiveSource(disk, path: "s", directory: sample.directory)
        #expect(throws: DatabaseError.self) { try ArchiveSample.pieces(of: source, 1 << 20) }
        #expect(disk.openHandleCount == 0)
    }

    @Test func cancelled() throws {
        let sample = ArchiveSample.random(sizes: [300_000], seed: 3)
        let source = ArchiveSource(try sample.disk(), path: "s", directory: sample.directory)
        let context = OperationContext()
        context.cancel()
        let error = #expect(throws: DatabaseError.self) {
            try source.read(at: 0, limit: 1 << 20, context: context)
        }
        #expect(error?.kind == .cancelled)
    }

    @Test func afterFinishEverythingIsDurable() throws {
        let sample = ArchiveSample.random(sizes: Self.sizes, seed: 5)
        let disk = try unpack(try sample.archive())
        var generator = SeededGenerator(seed: 1)
        disk.crash(.none, using: &generator)
        #expect(try sample.matches(disk, "into"))
    }

    @Test(arguments: [FaultKind.ioError, .diskFull, .shortWrite])
    func aFailingDiskIsReported(kind: FaultKind) throws {
        let archive = try ArchiveSample.small.archive()
        var failures = 0
        for point in 1...14 {
            let disk = SimulatedFileSystem()
            try disk.ensureDirectory("into")
            disk.plan(Fault(kind, at: point))
            do throws(DatabaseError) {
                try unpack(archive, on: disk)
            } catch {
                failures += 1
                #expect(error.kind == (kind == .ioError ? .storageFailed : .diskFull))
            }
            #expect(disk.openHandleCount == 0)
        }
        #expect(failures >= 5)
    }
}
