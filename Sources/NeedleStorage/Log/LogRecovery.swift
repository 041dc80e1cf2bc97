// Beginning and taking over a log. What was written before is only ever read: appending to a file whose
// last sync may have failed in another life would trust pages that Linux may have marked clean (invariant
// 7). The valid part of the newest file is copied to a new one instead, which is synced and then takes its
// place; a file that its writer closed is proven durable, and stays.

package import NeedleCore

extension LocalLog {
    /// Begins the log of a new collection. Its directory must exist and hold no log.
    ///
    /// - Parameters:
    ///   - firstLSN: the first write has at least this one.
    ///   - saltSeed: any number that differs from run to run.
    package static func create(
        _ fileSystem: any FileSystem, directory path: String, incarnation: Incarnation,
        firstLSN: LSN = LSN(1),
        saltSeed: UInt64, options: LogOptions = LogOptions()
    ) throws(DatabaseError) -> LocalLog {
        precondition(firstLSN > .zero, "LSN 0 is the state before the first write")
        let directory = LogDirectory(fileSystem: fileSystem, path: path, incarnation: incarnation)
        guard try directory.firstLSNs().isEmpty else {
            throw DatabaseError(.alreadyExists, "\(path) holds a log already", at: path)
        }
        let header = LogFileHeader(
            incarnation: incarnation, firstLSN: firstLSN, salt: nextSalt(after: 0, seed: saltSeed),
            lsnCeiling: .zero, lastTimeMS: 0)
        let floor = LogFloor(checkpoint: LSN(firstLSN.value - 1))
        return try begin(
            directory, header, sealed: [], epoch: 0, floor: floor, saltSeed, options, tornBytes: 0)
    }

    /// Takes over the log of a collection: checks all of it behind the checkpoint, cuts a torn tail, and is
    /// ready to replay and to append. Costs one pass over those files.
    ///
    /// - Parameter limit: writes behind it are dropped from the newest file, as if they had been torn; for
    ///   taking over from a log that failed in this process, whose owner knows what was acknowledged.
    /// - Throws: `corruption` when there is damage that is no torn tail, or a file is missing.
    package static func open(
        _ fileSystem: any FileSystem, directory path: String, incarnation: Incarnation, floor: LogFloor,
        upTo limit: LSN = .infinity, saltSeed: UInt64, options: LogOptions = LogOptions()
    ) throws(DatabaseError) -> LocalLog {
        let directory = LogDirectory(fileSystem: fileSystem, path: path, incarnation: incarnation)
        let found = try directory.scan(checkpoint: floor.checkpoint, upTo: limit)
        let (info, scan) = found[found.count - 1]
        let sealed = found.dropLast().map(\.info)
        try directory.removeTemporaries()
        let isEmpty = scan.sequence.lastLSN < info.header.firstLSN
        if scan.isClosed && !isEmpty {
            let header = LogFileHeader(
                incarnation: incarnation, firstLSN: scan.sequence.lastLSN.next,
                salt: nextSalt(after: info.header.salt, seed: saltSeed),
                previousFirstLSN: info.header.firstLSN,
                previousEnd: info.end, previousChain: scan.sequence.chain,
                lsnCeiling: scan.sequence.lsnCeiling,
                lastTimeMS: scan.sequence.lastTimeMS)
            return try begin(
                directory, header, sealed: sealed + [info], epoch: scan.sequence.epoch, floor: floor,
                saltSeed, options,
                tornBytes: 0)
        }
        let epoch = found.dropLast().last?.scan.sequence.epoch ?? 0
        return try replaceNewest(
            directory, info, scan, sealed: sealed, epoch: epoch, floor: floor, saltSeed, options)
    }

    private static func begin(
        _ directory: LogDirectory, _ header: LogFileHeader, sealed: [LogFileInfo], epoch: UInt32,
        floor: LogFloor,
        _ saltSeed: UInt64, _ options: LogOptions, tornBytes: Int
    ) throws(DatabaseError) -> LocalLog {
        var isPlaced = false
        let file = try directory.place(header, isPlaced: &isPlaced)
        let scan = LogFileScan(
            sequence: LogSequence(beginning: header, epoch: epoch), end: LogFormat.headerBytes, isTorn: false,
            isClosed: false, writes: 0)
        let appender = LogAppender(file: file, header: header, scan: scan, floor: floor, options: options)
        return LocalLog(
            directory: directory, floor: floor, saltSeed: saltSeed, appender: appender, sealed: sealed,
            tornBytes: tornBytes)
    }

    /// Copies the valid part of the newest file to a new one that takes its name.
    private static func replaceNewest(
        _ directory: LogDirectory, _ info: LogFileInfo, _ scan: LogFileScan, sealed: [LogFileInfo],
        epoch: UInt32,
        floor: LogFloor, _ saltSeed: UInt64, _ options: LogOptions
    ) throws(DatabaseError) -> LocalLog {
        var header = info.header
        header.salt = nextSalt(after: info.header.salt, seed: saltSeed)
        let source = try directory.fileSystem.openForReading(info.path)
        defer { source.close() }
        var copied = scan
        copied.sequence = LogSequence(beginning: header, epoch: epoch)
        let empty = copied.sequence
        var isPlaced = false
        let file = try directory.place(header, isPlaced: &isPlaced) { (target) throws(DatabaseError) in
            copied.sequence = try copy(from: source, info, to: target, salt: header.salt, empty, options)
        }
        let appender = LogAppender(file: file, header: header, scan: copied, floor: floor, options: options)
        return LocalLog(
            directory: directory, floor: floor, saltSeed: saltSeed, appender: appender, sealed: sealed,
            tornBytes: scan.isTorn ? try source.size() - scan.end : 0)
    }

    /// Copies frames one by one; each keeps its offset, and gets a checksum under the new salt. The copy is
    /// visible only when all of it is durable, so every frame may say that what lies before it is.
    private static func copy(
        from source: any StorageFile, _ info: LogFileInfo, to target: any StorageFile, salt: UInt64,
        _ beginning: LogSequence, _ options: LogOptions
    ) throws(DatabaseError) -> LogSequence {
        var cursor = LogCursor(file: source, salt: info.header.salt, limit: info.end)
        var sequence = beginning
        var buffer = ByteWriter()
        var written = LogFormat.headerBytes
        var offset = written
        while offset < info.end {
            guard var frame = try cursor.frame(at: offset) else {
                throw .corruption(
                    file: source.path, offset: offset, what: "a frame that was valid is not any more")
            }
            frame.durableOffset = offset
            try cursor.withBody(of: frame, at: offset) { (body) throws(DatabaseError) in
                frame.checksum = frame.append(body: body, to: &buffer, offset: offset, salt: salt)
                sequence.take(frame, body: body)
            }
            offset += frame.frameBytes
            if buffer.count >= options.bufferBytes {
                try target.write(buffer.bytes, at: written)
                written = offset
                buffer.bytes.removeAll(keepingCapacity: true)
            }
        }
        let marker = LogFrameHeader(
            bodyBytes: 0, lsn: sequence.lastLSN, timeMS: sequence.lastTimeMS, durableOffset: offset,
            kind: .marker,
            epoch: sequence.epoch)
        _ = marker.append(body: [UInt8]().span.bytes, to: &buffer, offset: offset, salt: salt)
        try target.write(buffer.bytes, at: written)
        return sequence
    }
}
