package import NeedleCore

/// A log file as text, frame by frame, for people and for golden files. Reads damaged files as far as it can.
package enum LogDump {
    package static func text(_ fileSystem: any FileSystem, path: String) throws(DatabaseError) -> String {
        let file = try fileSystem.openForReading(path)
        defer { file.close() }
        let size = try file.size()
        let header = try LogFileHeader(
            decoding: try file.readExactly(min(size, LogFormat.headerBytes), at: 0), file: path)
        var lines = [
            "log, \(size) bytes, format \(LogFormat.version)",
            "  incarnation    \(header.incarnation)",
            "  first LSN      \(header.firstLSN)",
            "  salt           0x\(String(header.salt, radix: 16))",
            "  previous file  first LSN \(header.previousFirstLSN), ends at \(header.previousEnd), chain 0x"
                + String(header.previousChain, radix: 16),
            "  LSN ceiling    \(header.lsnCeiling)",
            "  last time      \(header.lastTimeMS) ms",
        ]
        var cursor = LogCursor(file: file, salt: header.salt, limit: size)
        var sequence = LogSequence(beginning: header, epoch: 0)
        var offset = LogFormat.headerBytes
        while let frame = try cursor.frame(at: offset), sequence.allows(frame) {
            let body = try cursor.withBody(of: frame, at: offset) { (body) throws(DatabaseError) in
                sequence.take(frame, body: body)
                return HexText.of(body, limit: 24)
            }
            let flags = (frame.isFirst ? " first" : "") + (frame.isCommit ? " commit" : "")
            lines.append(
                "\(offset): \(frame.kind)\(flags), LSN \(frame.lsn), \(frame.timeMS) ms, "
                    + "epoch \(frame.epoch), "
                    + "durable \(frame.durableOffset), \(frame.bodyBytes) bytes: \(body)")
            offset += frame.frameBytes
        }
        let proof = offset < size ? try cursor.proofOfDurability(of: offset) : nil
        if let proof {
            lines.append("\(offset): DAMAGED; the frame at \(proof) proves that this was durable")
        } else {
            lines.append(offset < size ? "\(offset): torn tail, \(size - offset) bytes" : "\(offset): end")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension LogDump {
    /// What a log file holds by itself.
    package struct Summary: Sendable {
        package var frames = 0
        package var lastLSN = LSN.zero
        package var end = LogFormat.headerBytes
        package var bytes = 0
    }

    /// - Throws: `corruption` for a damaged header, or when something behind damage proves that it is no torn tail.
    package static func summary(
        _ fileSystem: any FileSystem, path: String
    ) throws(DatabaseError) -> Summary {
        let file = try fileSystem.openForReading(path)
        defer { file.close() }
        var summary = Summary()
        summary.bytes = try file.size()
        let header = try LogFileHeader(
            decoding: try file.readExactly(min(summary.bytes, LogFormat.headerBytes), at: 0), file: path)
        let scan = try LogFileScan.newest(file, header: header, epoch: 0)
        summary.frames = scan.writes
        summary.lastLSN = scan.sequence.lastLSN
        summary.end = scan.end
        return summary
    }
}

/// Bytes as hexadecimal digits.
enum HexText {
    static func of(_ bytes: RawSpan, limit: Int) -> String {
        let text = bytes.extracting(0..<min(limit, bytes.byteCount)).withUnsafeBytes { Hexadecimal.text($0) }
        return text + (bytes.byteCount > limit ? "…" : "")
    }
}
