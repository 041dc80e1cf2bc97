// Looking at a log without taking it over: for the offline tools. Opening a log stops at the first damage, changes
// files, and says one thing; this says what holds of every file, and changes nothing.

package import NeedleCore

/// One file of a log, as it was found.
package struct InspectedLogFile: Sendable {
    package var path: String
    /// As its name says.
    package var firstLSN: LSN
    package var bytes: Int
    /// Where its valid writes end.
    package var end: Int
    /// The file is needed: some write behind the checkpoint may be in it.
    package var isNeeded: Bool
    /// Bytes behind `end` that a crash left and that nobody was told are durable; opening cuts them.
    package var tornBytes: Int
    package var damage: DatabaseError?
    let header: LogFileHeader?
}

/// The files of a log and how they hang together.
package struct LogInspection: Sendable {
    /// Oldest first.
    package let files: [InspectedLogFile]
    /// The log does not reach back to the checkpoint.
    package let gap: DatabaseError?
    private let fileSystem: any FileSystem

    /// Reads all files once.
    ///
    /// - Parameter checkpoint: everything up to here lies in segments.
    /// - Throws: what listing and reading throw; damage is noted, not thrown.
    package init(
        _ fileSystem: any FileSystem, directory path: String, incarnation: Incarnation, checkpoint: LSN
    ) throws(DatabaseError) {
        self.fileSystem = fileSystem
        let directory = LogDirectory(fileSystem: fileSystem, path: path, incarnation: incarnation)
        let firsts = try directory.firstLSNs()
        let start = firsts.lastIndex { $0.value - 1 <= checkpoint.value }
        gap =
            start != nil
            ? nil
            : .corruption(
                file: path, offset: 0,
                what: "the log begins at \(firsts.first.map(\.description) ?? "no file"), "
                    + "but everything behind \(checkpoint) is needed")
        var headers: [Result<LogFileHeader, DatabaseError>] = []
        for first in firsts { headers.append(try Self.header(of: first, in: directory)) }
        var files: [InspectedLogFile] = []
        var epoch: UInt32 = 0
        for index in firsts.indices {
            var file = InspectedLogFile(
                path: directory.filePath(firsts[index]), firstLSN: firsts[index], bytes: 0,
                end: LogFormat.headerBytes, isNeeded: index >= start ?? 0, tornBytes: 0,
                header: try? headers[index].get())
            let next = index + 1 < firsts.count ? headers[index + 1] : nil
            do throws(DatabaseError) {
                let header = try headers[index].get()
                // Files before the first needed one may be gone: a trim that was cut short.
                if index > start ?? 0, header.previousFirstLSN != firsts[index - 1] {
                    throw .corruption(file: file.path, offset: 48, what: "the file before it is missing")
                }
                try Self.scan(&file, header, next: try? next?.get(), epoch: &epoch, fileSystem)
            } catch {
                guard error.kind == .corruption || error.kind == .storageFailed else { throw error }
                file.damage = error
            }
            files.append(file)
        }
        self.files = files
    }

    private static func header(
        of first: LSN, in directory: LogDirectory
    ) throws(DatabaseError) -> Result<LogFileHeader, DatabaseError> {
        let file = try directory.fileSystem.openForReading(directory.filePath(first))
        defer { file.close() }
        do throws(DatabaseError) {
            return .success(try directory.readHeader(file, firstLSN: first))
        } catch {
            return .failure(error)
        }
    }

    private static func scan(
        _ found: inout InspectedLogFile, _ header: LogFileHeader, next: LogFileHeader?, epoch: inout UInt32,
        _ fileSystem: any FileSystem
    ) throws(DatabaseError) {
        let file = try fileSystem.openForReading(found.path)
        defer { file.close() }
        found.bytes = try file.size()
        let scan =
            if let next {
                try LogFileScan.sealed(file, header: header, next: next, epoch: epoch)
            } else {
                try LogFileScan.newest(file, header: header, epoch: epoch)
            }
        epoch = scan.sequence.epoch
        found.end = scan.end
        if next == nil, scan.isTorn { found.tornBytes = found.bytes - scan.end }
    }

    /// No needed file is damaged or missing.
    package var isWhole: Bool { gap == nil && files.allSatisfy { !$0.isNeeded || $0.damage == nil } }

    // MARK: What is in them

    /// Reads the frames of undamaged writes in a file.
    package func forEachFrame(
        of file: InspectedLogFile, _ visit: (LogFrame, RawSpan, _ offset: Int) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        guard let header = file.header, file.damage == nil else { return }
        try walk(file, header, limit: file.end, onDamage: { _ in nil }, visit)
    }

    /// Reads every complete write that is intact, in order: those behind damage too, for the rescue of what can be
    /// rescued. The batch is the write's frames.
    ///
    /// - Returns: the greatest LSN that the log promised not to give again, as far as it can be read.
    package func rescue(
        behind lsn: LSN, _ take: (LogFrame, _ bodies: [[UInt8]]) throws(DatabaseError) -> Void
    ) throws(DatabaseError) -> LSN {
        var last = lsn
        var ceiling = LSN.zero
        for file in files {
            guard let header = file.header else { continue }
            ceiling = max(ceiling, header.lsnCeiling)
            var open: (frame: LogFrame, bodies: [[UInt8]])?
            // What is torn was never acknowledged; of a damaged file all intact frames count.
            let limit = file.damage == nil ? file.end : .max
            try walk(file, header, limit: limit, onDamage: { $0 + LogFormat.alignment }) {
                (frame, body, _) throws(DatabaseError) in
                if frame.isFirst { open = frame.lsn > last ? (frame, []) : nil }
                guard open?.frame.lsn == frame.lsn else { return open = nil }
                open?.bodies.append(body.withUnsafeBytes { Array($0) })
                guard frame.isCommit, let whole = open else { return }
                open = nil
                last = frame.lsn
                try take(whole.frame, whole.bodies)
            }
        }
        return max(ceiling, last)
    }

    /// - Parameter onDamage: where to go on behind an offset at which no valid frame is; `nil` ends the walk.
    private func walk(
        _ found: InspectedLogFile, _ header: LogFileHeader, limit: Int, onDamage: (Int) -> Int?,
        _ visit: (LogFrame, RawSpan, _ offset: Int) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        let file = try fileSystem.openForReading(found.path)
        defer { file.close() }
        var cursor = LogCursor(file: file, salt: header.salt, limit: min(limit, try file.size()))
        var offset = LogFormat.headerBytes
        while offset + LogFormat.frameHeaderBytes <= cursor.limit {
            guard let frame = try cursor.frame(at: offset) else {
                guard let next = onDamage(offset) else { return }
                offset = next
                continue
            }
            if frame.kind == .data {
                let lent = LogFrame(
                    lsn: frame.lsn, timeMS: frame.timeMS, epoch: frame.epoch, isFirst: frame.isFirst,
                    isCommit: frame.isCommit)
                try cursor.withBody(of: frame, at: offset) { (body) throws(DatabaseError) in
                    try visit(lent, body, offset)
                }
            }
            offset += frame.frameBytes
        }
    }
}
