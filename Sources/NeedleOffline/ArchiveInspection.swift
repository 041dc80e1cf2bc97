// Checking an archive without unpacking it: the same code that imports one reads it, into files that keep nothing.

import NeedleCore
import NeedleStorage

/// Checks an archive from its first byte to its last: directory, frames, the SHA-256 of every file, and that the files
/// are those its SNAPSHOT names. Memory: the directory, one frame, and the small files.
struct ArchiveInspection {
    private let fileSystem: any FileSystem
    private let path: String

    init(_ fileSystem: any FileSystem, path: String) {
        self.fileSystem = fileSystem
        self.path = path
    }

    func run() throws(DatabaseError) -> [String] {
        let target = ForgetfulFiles(keeping: [SnapshotManifest.fileName, Manifest.fileName])
        let directory = try receive(into: target)
        var lines = ["\(directory.entries.count) files of \(directory.contentBytes) bytes in all"]
        guard let own = directory.entries.first(where: { $0.name == SnapshotManifest.fileName }),
            let bytes = target.kept("archive/\(own.name)")
        else {
            throw .corruption(
                file: path, offset: 0, what: "no \(SnapshotManifest.fileName): not the archive of a snapshot")
        }
        let manifest = try SnapshotManifest(decoding: bytes, file: "\(path):\(own.name)")
        let named = Set(manifest.files)
        let found = Set(directory.entries.filter { $0 != own })
        if let odd = named.symmetricDifference(found).map(\.name).min() {
            throw .corruption(
                file: path, offset: 0,
                what: "\(odd) is not the file that \(SnapshotManifest.fileName) names, or is not there")
        }
        if let bytes = target.kept("archive/\(Manifest.fileName)") {
            _ = try Manifest(decoding: bytes, file: "\(path):\(Manifest.fileName)")
        }
        lines.append(
            "snapshot of \"\(manifest.collection)\" at write \(manifest.lsn): \(manifest.points) points")
        return lines
    }

    private func receive(into target: ForgetfulFiles) throws(DatabaseError) -> ArchiveDirectory {
        let file = try fileSystem.openForReading(path)
        defer { file.close() }
        var receiver = ArchiveReceiver(target, path: "archive", label: path, room: .max)
        let size = try file.size()
        var offset = 0
        while offset < size {
            let piece = try file.readExactly(min(ContentHash.pieceBytes, size - offset), at: offset)
            try receiver.receive(piece.span.bytes)
            offset += piece.count
        }
        return try receiver.finish()
    }
}
