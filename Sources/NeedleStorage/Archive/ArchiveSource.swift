// Writing an archive, piece by piece and without a copy of it: each piece is made from the files when it is asked
// for. A position counts bytes of content, not of the archive, so any piece can be made by itself, again too (after
// a lost connection, after a restart).

package import NeedleCore
import Synchronization

/// Some bytes of an archive.
package struct ArchivePiece: Hashable, Sendable {
    package var bytes: [UInt8]
    /// The position of the next piece, `nil` when this was the last.
    package var next: Int?
}

/// The archive of files that lie in one directory and do not change.
///
/// Safe to use from several threads at once. Holds no open file between calls.
package final class ArchiveSource: Sendable {
    package let directory: ArchiveDirectory
    private let fileSystem: any FileSystem
    private let path: String
    /// Positions at which the files begin.
    private let starts: [Int]
    private let sums = Mutex<[RunningSum]>([])

    /// How far the SHA-256 of a file has been taken by one reader of the archive.
    private struct RunningSum {
        var entry: Int
        var offset: Int
        var sum = ContentHash()
    }

    /// Readers whose sums are remembered. One that comes back after so many others costs another reading of the
    /// file it was in.
    private static let rememberedSums = 64

    /// - Parameters:
    ///   - path: the directory with the files.
    ///   - directory: what they should be.
    package init(_ fileSystem: any FileSystem, path: String, directory: ArchiveDirectory) {
        self.fileSystem = fileSystem
        self.path = path
        self.directory = directory
        var start = 0
        starts = directory.entries.map { entry in
            defer { start += entry.bytes }
            return start
        }
    }

    /// The piece at a position: 0, or the `next` of another piece.
    ///
    /// What it holds has been compared with the SHA-256 of every file that ends in it, so a whole archive is
    /// never made of a damaged file.
    /// - Parameter limit: bytes that it should have at most; at least one frame (of up to 64 KiB) is given, and with
    ///   the first piece the whole directory.
    /// - Throws: `invalid_params` for no such position; `corruption` when a file is not what it should be.
    package func read(
        at position: Int, limit: Int, context: OperationContext
    ) throws(DatabaseError) -> ArchivePiece {
        var output = ByteWriter()
        let head = directory.encoded()
        if position == 0 { output.append(bytes: head) }
        var place = position
        while place < directory.contentBytes {
            guard place == position || Self.hasRoom(output, limit) else {
                return ArchivePiece(bytes: output.bytes, next: place)
            }
            try readFile(&place, limit, &output, context)
        }
        guard place == directory.contentBytes, position < place || place == 0 else { throw noSuch(position) }
        output.append(bytes: ArchiveDirectory.end(behind: head))
        return ArchivePiece(bytes: output.bytes, next: nil)
    }

    /// Whether another frame, and the end behind it, stay within the limit.
    private static func hasRoom(_ output: ByteWriter, _ limit: Int) -> Bool {
        output.count + ArchiveFormat.largestFrameBytes + ArchiveFormat.endBytes <= limit
    }

    /// Appends frames of the file at `place`, at least one, until `limit` or its end is reached.
    private func readFile(
        _ place: inout Int, _ limit: Int, _ output: inout ByteWriter, _ context: OperationContext
    ) throws(DatabaseError) {
        let position = place
        guard position >= 0,
            let index = starts.indices.first(where: {
                starts[$0] + directory.entries[$0].bytes > position
            }),
            (position - starts[index]) % ArchiveFormat.frameBytes == 0
        else { throw noSuch(position) }
        let entry = directory.entries[index]
        let file = try fileSystem.openForReading("\(path)/\(entry.name)")
        defer { file.close() }
        let size = try file.size()
        guard size == entry.bytes else {
            throw .corruption(
                file: file.path, offset: min(size, entry.bytes),
                what: "\(size) bytes, \(entry.bytes) expected")
        }
        var running = try sum(upTo: position - starts[index], of: index, file, context)
        repeat {
            try context.check()
            let count = min(ArchiveFormat.frameBytes, entry.bytes - running.offset)
            let content = try file.readExactly(count, at: running.offset)
            running.sum.update(content.span.bytes)
            running.offset += count
            ArchiveFrame.encode(content.span.bytes, into: &output)
        } while running.offset < entry.bytes && Self.hasRoom(output, limit)
        place = starts[index] + running.offset
        guard running.offset == entry.bytes else { return remember(running) }
        guard running.sum.hex() == entry.sha256 else {
            throw .corruption(
                file: file.path, offset: 0, what: "another SHA-256 than when the file was written")
        }
    }

    /// The sum of a file's beginning: the one a reader left behind, or taken again.
    private func sum(
        upTo offset: Int, of index: Int, _ file: any StorageFile, _ context: OperationContext
    ) throws(DatabaseError) -> RunningSum {
        let known = sums.withLock { sums in
            sums.firstIndex { $0.entry == index && $0.offset == offset }.map { sums.remove(at: $0) }
        }
        if let known { return known }
        var running = RunningSum(entry: index, offset: 0)
        while running.offset < offset {
            try context.check()
            let count = min(1 << 20, offset - running.offset)
            let piece = try file.readExactly(count, at: running.offset)
            running.sum.update(piece.span.bytes)
            running.offset += count
        }
        return running
    }

    private func remember(_ running: RunningSum) {
        sums.withLock { sums in
            if sums.count >= Self.rememberedSums { sums.removeFirst() }
            sums.append(running)
        }
    }

    private func noSuch(_ position: Int) -> DatabaseError {
        DatabaseError(
            .invalidParams, "no piece begins at \(position): take 0, then what the piece before says",
            at: "position")
    }
}
