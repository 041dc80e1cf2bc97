// The files of one log: their names, how one is begun, and how the chain of them is checked at opening.
//
// A file is written under a temporary name, synced, renamed, and its directory synced. Under its own name
// it is therefore always whole: a header that does not validate is damage, never a crash.

import NeedleCore

/// A log file that was read and found in order, or that this process wrote.
struct LogFileInfo: Sendable {
    var path: String
    var header: LogFileHeader
    /// Where its frames end.
    var end: Int
    /// All of it is durable, a marker behind its end too: known of files that this process wrote only.
    var isSynced = false
}

struct LogDirectory: Sendable {
    let fileSystem: any FileSystem
    let path: String
    let incarnation: Incarnation

    func filePath(_ firstLSN: LSN) -> String {
        "\(path)/\(LogFormat.fileName(firstLSN: firstLSN))"
    }

    /// First LSNs of all files, rising; other names are none of ours.
    func firstLSNs() throws(DatabaseError) -> [LSN] {
        try fileSystem.list(path).compactMap { LogFormat.firstLSN(ofFileName: $0) }.sorted()
    }

    /// Removes what a crash left under temporary names.
    func removeTemporaries() throws(DatabaseError) {
        for name in try fileSystem.list(path) where name.utf8.reversed().starts(with: ".tmp".utf8.reversed())
        {
            try fileSystem.unlink("\(path)/\(name)")
        }
    }

    func readHeader(_ file: any StorageFile, firstLSN: LSN) throws(DatabaseError) -> LogFileHeader {
        let bytes = try file.readExactly(LogFormat.headerBytes, at: 0)
        let header = try LogFileHeader(decoding: bytes, file: file.path)
        guard header.incarnation == incarnation else {
            throw .corruption(file: file.path, offset: 16, what: "the log of another collection")
        }
        guard header.firstLSN == firstLSN, firstLSN > .zero else {
            throw .corruption(file: file.path, offset: 32, what: "not the file that its name says")
        }
        return header
    }

    /// Puts a file in place, replacing one of the same name.
    ///
    /// - Parameter content: writes everything behind the header.
    /// - Throws: before the rename nothing has changed; `isPlaced` tells whether it came to that.
    func place(
        _ header: LogFileHeader, isPlaced: inout Bool,
        content: (any StorageFile) throws(DatabaseError) -> Void = { (_) throws(DatabaseError) in }
    ) throws(DatabaseError) -> any StorageFile {
        isPlaced = false
        let final = filePath(header.firstLSN)
        let temporary = final + ".tmp"
        try fileSystem.unlinkIfPresent(temporary)
        let file = try fileSystem.create(temporary)
        do throws(DatabaseError) {
            defer { file.close() }
            try file.write(header.encoded(), at: 0)
            try content(file)
            try file.sync()
        } catch {
            // Best effort: the next opening removes it as well.
            do { try fileSystem.unlink(temporary) } catch {}
            throw error
        }
        isPlaced = true
        try fileSystem.rename(temporary, to: final)
        try fileSystem.syncDirectory(path)
        return try fileSystem.openForWriting(final)
    }

    /// Reads and checks all files that hold anything newer than `checkpoint`.
    ///
    /// Files before those are left alone: a trim may have been cut short, and then any of them may be
    /// missing.
    /// - Parameter limit: of the newest file, writes behind it are left out.
    func scan(
        checkpoint: LSN, upTo limit: LSN
    ) throws(DatabaseError) -> [(info: LogFileInfo, scan: LogFileScan)] {
        let firsts = try firstLSNs()
        guard let start = firsts.lastIndex(where: { $0.value - 1 <= checkpoint.value }) else {
            throw .corruption(
                file: path, offset: 0,
                what:
                    "the log begins at \(firsts.first ?? .infinity), "
                    + "but everything behind \(checkpoint) is needed"
            )
        }
        let needed = Array(firsts[start...])
        var headers: [LogFileHeader] = []
        for first in needed {
            let file = try fileSystem.openForReading(filePath(first))
            headers.append(try readHeader(file, firstLSN: first))
            if headers.count > 1, headers[headers.count - 1].previousFirstLSN != needed[headers.count - 2] {
                throw .corruption(file: file.path, offset: 48, what: "the file before it is missing")
            }
        }
        var found: [(info: LogFileInfo, scan: LogFileScan)] = []
        var epoch: UInt32 = 0
        for (index, header) in headers.enumerated() {
            let file = try fileSystem.openForReading(filePath(header.firstLSN))
            let scan =
                index + 1 < headers.count
                ? try LogFileScan.sealed(file, header: header, next: headers[index + 1], epoch: epoch)
                : try LogFileScan.newest(file, header: header, epoch: epoch, upTo: limit)
            epoch = scan.sequence.epoch
            found.append((LogFileInfo(path: file.path, header: header, end: scan.end), scan))
        }
        return found
    }
}
