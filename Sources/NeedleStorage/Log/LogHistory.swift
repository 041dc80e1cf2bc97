// The log of a collection read back from wherever its files lie: in a snapshot, in an archive, beside the live
// collection. Files are sealed: nobody appends to them.

package import NeedleCore

/// The sealed log files of one collection as one sequence of writes. A value; safe to share.
package struct LogHistory: Sendable {
    private let fileSystem: any FileSystem
    private let incarnation: Incarnation
    /// By rising first LSN, each once.
    private let files: [SealedLogFile]

    /// - Parameter files: in any order; of several with one first LSN the first given counts.
    package init(_ fileSystem: any FileSystem, incarnation: Incarnation, files: [SealedLogFile]) {
        self.fileSystem = fileSystem
        self.incarnation = incarnation
        var known: Set<LSN> = []
        self.files = files.filter { known.insert($0.firstLSN).inserted }.sorted { $0.firstLSN < $1.firstLSN }
    }

    /// Reads the committed writes behind `lsn`, frame by frame, in order, until `visit` says that it is enough.
    ///
    /// - Parameter visit: gets each frame; false ends the reading.
    /// - Throws: `not_found` when a file in between is no longer kept; `corruption` when one is damaged, or is not
    ///   of this collection.
    package func replay(
        behind lsn: LSN, _ visit: (LogFrame, RawSpan) throws(DatabaseError) -> Bool
    ) throws(DatabaseError) {
        let chain = try files(behind: lsn)
        var epoch: UInt32 = 0
        for (index, item) in chain.enumerated() {
            let file = try fileSystem.openForReading(item.file.path)
            defer { file.close() }
            let scan =
                index + 1 < chain.count
                ? try LogFileScan.sealed(
                    file, header: item.header, next: chain[index + 1].header, epoch: epoch)
                : try LogFileScan.newest(file, header: item.header, epoch: epoch)
            epoch = scan.sequence.epoch
            guard try Self.replay(file, item.header, end: scan.end, behind: lsn, visit) else { return }
        }
    }

    /// The files that may hold such writes, each the successor of the one before.
    private func files(behind lsn: LSN) throws(DatabaseError) -> [(
        file: SealedLogFile, header: LogFileHeader
    )] {
        guard !files.isEmpty else { return [] }
        guard let start = files.lastIndex(where: { $0.firstLSN <= lsn.next }) else {
            throw Self.gap(behind: lsn, before: files[0].firstLSN)
        }
        var chain: [(file: SealedLogFile, header: LogFileHeader)] = []
        for file in files[start...] {
            let header = try header(of: file)
            if let before = chain.last, header.previousFirstLSN != before.file.firstLSN {
                throw Self.gap(behind: before.file.firstLSN, before: file.firstLSN)
            }
            chain.append((file, header))
        }
        return chain
    }

    private func header(of file: SealedLogFile) throws(DatabaseError) -> LogFileHeader {
        let handle = try fileSystem.openForReading(file.path)
        defer { handle.close() }
        let directory = LogDirectory(fileSystem: fileSystem, path: file.path, incarnation: incarnation)
        return try directory.readHeader(handle, firstLSN: file.firstLSN)
    }

    private static func gap(behind lsn: LSN, before next: LSN) -> DatabaseError {
        DatabaseError(
            .notFound, "the log between write \(lsn) and write \(next) is no longer kept", at: "to_lsn")
    }

    /// - Returns: whether to go on.
    private static func replay(
        _ file: any StorageFile, _ header: LogFileHeader, end: Int, behind lsn: LSN,
        _ visit: (LogFrame, RawSpan) throws(DatabaseError) -> Bool
    ) throws(DatabaseError) -> Bool {
        var cursor = LogCursor(file: file, salt: header.salt, limit: end)
        var offset = LogFormat.headerBytes
        while offset < end {
            guard let frame = try cursor.frame(at: offset) else {
                throw .corruption(
                    file: file.path, offset: offset, what: "a frame that was valid is not any more")
            }
            if frame.kind == .data, frame.lsn > lsn {
                let lent = LogFrame(
                    lsn: frame.lsn, timeMS: frame.timeMS, epoch: frame.epoch, isFirst: frame.isFirst,
                    isCommit: frame.isCommit)
                let goesOn = try cursor.withBody(of: frame, at: offset) { (body) throws(DatabaseError) in
                    try visit(lent, body)
                }
                guard goesOn else { return false }
            }
            offset += frame.frameBytes
        }
        return true
    }
}
