import NeedleCore
import NeedleStorage
import SimulationKit

/// Some files, and what an archive of them should be.
struct ArchiveSample {
    var files: [(name: String, content: [UInt8])]

    /// Small: every byte of its archive can be tried. One file is compressed, one is not, one is empty.
    static let small = ArchiveSample(files: [
        ("MANIFEST", Array(String(repeating: #"{"name":"gimp","section":"graphics"}"#, count: 9).utf8)),
        ("000000000004.segment", (0..<150).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31) }),
        ("000000000004-9.deletions", []),
    ])

    /// Content of given sizes, half of it compressible.
    static func random(sizes: [Int], seed: UInt64) -> ArchiveSample {
        var generator = SeededGenerator(seed: seed)
        return ArchiveSample(
            files: sizes.enumerated().map { index, size in
                let alphabet: ClosedRange<UInt8> = index % 2 == 0 ? 0...255 : 97...99
                return (
                    "\(index % 3)-\(index).file",
                    (0..<size).map { _ in UInt8.random(in: alphabet, using: &generator) }
                )
            })
    }

    var directory: ArchiveDirectory {
        ArchiveDirectory(
            files.map {
                SnapshotFile(
                    name: $0.name, bytes: $0.content.count, sha256: ContentHash.hex(of: $0.content))
            })
    }

    /// A disk with the files in `s`.
    func disk() throws -> SimulatedFileSystem {
        let disk = SimulatedFileSystem()
        try disk.ensureDirectory("s")
        for file in files { disk.put(file.content, at: "s/\(file.name)") }
        return disk
    }

    /// The whole archive, read in pieces.
    func archive(pieceBytes: Int = 1 << 20) throws -> [UInt8] {
        let source = ArchiveSource(try disk(), path: "s", directory: directory)
        return try Self.pieces(of: source, pieceBytes).flatMap(\.bytes)
    }

    static func pieces(of source: ArchiveSource, _ pieceBytes: Int) throws -> [ArchivePiece] {
        var pieces: [ArchivePiece] = []
        var position: Int? = 0
        while let place = position {
            let piece = try source.read(at: place, limit: pieceBytes, context: OperationContext())
            pieces.append(piece)
            position = piece.next
        }
        return pieces
    }

    func matches(_ disk: SimulatedFileSystem, _ path: String) throws -> Bool {
        guard try disk.list(path).count == files.count else { return false }
        return files.allSatisfy { disk.content(of: "\(path)/\($0.name)") == $0.content }
    }
}

/// Unpacks bytes into the directory `into` of a fresh disk.
@discardableResult
func unpack(
    _ archive: [UInt8], pieceBytes: Int = 1 << 20, room: Int = 1 << 30,
    on disk: SimulatedFileSystem = SimulatedFileSystem()
) throws(DatabaseError) -> SimulatedFileSystem {
    try disk.ensureDirectory("into")
    var receiver = ArchiveReceiver(disk, path: "into", room: room)
    for start in stride(from: 0, to: archive.count, by: pieceBytes) {
        let end = min(archive.count, start + pieceBytes)
        try receiver.receive(archive.span.bytes.extracting(start..<end))
    }
    _ = try receiver.finish()
    return disk
}

/// The error of unpacking, `nil` if the archive was accepted.
func refusal(of archive: [UInt8], room: Int = 1 << 30) -> DatabaseError? {
    let disk = SimulatedFileSystem()
    do throws(DatabaseError) {
        try unpack(archive, room: room, on: disk)
        return nil
    } catch {
        precondition(disk.openHandleCount == 0, "a refused archive leaves no open file")
        return error
    }
}
