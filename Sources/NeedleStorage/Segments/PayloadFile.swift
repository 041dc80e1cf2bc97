package import NeedleCore

/// Payloads that are newer than the rows of a sealed segment, up to a checkpoint: a file beside it in the container of
/// segments (docs/format/payloads.md), which never changes. Each changed row once, by rising LSN. Read as a whole when
/// the segment is opened.
package struct PayloadFile: Hashable, Sendable {
    /// Changes up to this LSN are in it; later ones are in the log.
    package var lsn: LSN
    package var rows: [UInt32] = []
    package var lsns: [UInt64] = []
    /// Where each payload begins in `heap`, and the end of the last.
    package var offsets: [UInt64] = [0]
    package var heap: [UInt8] = []

    private static let suffix = ".overlay"

    package init(lsn: LSN) {
        self.lsn = lsn
    }

    /// `<segment id, 12 digits>-<LSN>.overlay`
    package static func name(segmentID: UInt64, lsn: LSN) -> String {
        let stem = ManifestSegment.fileName(id: segmentID).dropLast(".segment".utf8.count)
        return "\(stem)-\(lsn.value)\(suffix)"
    }

    /// The LSN in the name of such a file; `nil` for a file of another kind.
    package static func lsn(ofFile name: String) -> LSN? {
        guard name.hasSuffix(suffix), let dash = name.firstIndex(of: "-") else { return nil }
        return UInt64(name[name.index(after: dash)...].dropLast(suffix.utf8.count)).map { LSN($0) }
    }

    /// - Precondition: LSNs do not fall, and are at most the file's; no row comes twice.
    package mutating func append(row: Int, lsn: LSN, payload: UnsafeBufferPointer<UInt8>) {
        precondition(lsn <= self.lsn && (lsns.last ?? 0) <= lsn.value, "changes come by LSN")
        rows.append(UInt32(row))
        lsns.append(lsn.value)
        heap.append(contentsOf: payload)
        offsets.append(UInt64(heap.count))
    }

    /// The payload of the change at a place.
    package func payload(at place: Int) -> ArraySlice<UInt8> {
        heap[Int(offsets[place])..<Int(offsets[place + 1])]
    }

    /// Writes the file; durable and in its place when this returns.
    package func write(
        to path: String, _ fileSystem: any FileSystem, incarnation: Incarnation, segmentID: UInt64,
        rowCount: Int
    ) throws(DatabaseError) {
        let header = SegmentHeader(
            incarnation: incarnation, segmentID: segmentID, rowCount: rowCount, minLSN: .zero, maxLSN: lsn,
            spaces: [])
        var writer = try SegmentWriter(fileSystem, path: path, header: header)
        do throws(DatabaseError) {
            try writer.section(.changedRows, elements: rows)
            try writer.section(.changeLSNs, elements: lsns)
            try writer.section(.changeOffsets, elements: offsets)
            try writer.section(.payloadHeap, elements: heap)
        } catch {
            writer.abandon()
            throw error
        }
        _ = try writer.finish()
    }

    /// Reads and checks a file that belongs to a segment. O(file).
    ///
    /// - Throws: `not_found`, `corruption`.
    package static func read(
        _ fileSystem: any FileSystem, path: String, incarnation: Incarnation, segmentID: UInt64, rowCount: Int
    ) throws(DatabaseError) -> PayloadFile {
        try PayloadFile(
            reading: try SideFile(
                fileSystem, path: path, incarnation: incarnation, segmentID: segmentID, rowCount: rowCount),
            path: path)
    }

    /// Reads a file that is taken for what it says it is: for looking at one by itself.
    ///
    /// - Returns: and the segment that it belongs to.
    package static func read(
        _ fileSystem: any FileSystem, path: String
    ) throws(DatabaseError) -> (file: PayloadFile, segmentID: UInt64, rowCount: Int) {
        let side = try SideFile(fileSystem, path: path)
        let file = try PayloadFile(reading: side, path: path)
        return (file, side.header.segmentID, side.header.rowCount)
    }

    private init(reading side: SideFile, path: String) throws(DatabaseError) {
        var file = PayloadFile(lsn: side.header.maxLSN)
        file.rows = try Self.array(.changedRows, of: side)
        file.lsns = try Self.array(.changeLSNs, of: side)
        file.offsets = try Self.array(.changeOffsets, of: side)
        file.heap = try Self.array(.payloadHeap, of: side)
        try file.check(rowCount: side.header.rowCount, path: path)
        self = file
    }

    private static func array<Element: BitwiseCopyable>(
        _ kind: SectionKind, of side: SideFile
    ) throws(DatabaseError) -> [Element] {
        let section = try side.section(kind)
        try side.verify(section)
        // SAFETY: a section begins at a multiple of 64, and its stride is that of the element (`SegmentShape`).
        return withExtendedLifetime(side) { Array(side.bytes(of: section).bindMemory(to: Element.self)) }
    }

    /// What must be true between the columns, although their checksums were right.
    private func check(rowCount: Int, path: String) throws(DatabaseError) {
        var seen = [Bool](repeating: false, count: rowCount)
        var isRight =
            lsns.count == rows.count && offsets.count == rows.count + 1 && offsets[0] == 0
            && offsets[rows.count] == UInt64(heap.count)
        for place in rows.indices where isRight {
            let row = Int(rows[place])
            isRight =
                row < rowCount && !seen[row] && lsns[place] > 0 && lsns[place] <= lsn.value
                && (place == 0 || lsns[place - 1] <= lsns[place])
                // At least {}, and no more than the rest of the heap.
                && offsets[place] <= offsets[place + 1] && offsets[place + 1] - offsets[place] >= 2
                && offsets[place + 1] <= UInt64(heap.count)
            if isRight { seen[row] = true }
        }
        guard isRight else {
            throw .corruption(
                file: path, offset: SegmentFormat.headerBytes, what: "changes that contradict each other")
        }
    }
}
