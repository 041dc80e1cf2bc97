import NeedleCore
import NeedleStorage

// Newer payloads of sealed segments as files beside them: written at checkpoints like deletions, read as a whole when
// the segment is opened.

extension CollectionStore {
    /// The name of the file that holds a segment's newer payloads up to an LSN, written now unless it is there already;
    /// `nil` when there are none.
    ///
    /// - Parameter known: what the last checkpoint wrote.
    func payloadFile(
        of segment: SealedSegment, known: String?, at lsn: LSN
    ) throws(DatabaseError) -> String? {
        let overlay = segment.overlay
        guard overlay.count(upTo: lsn) > 0 else { return nil }
        if let known, let written = PayloadFile.lsn(ofFile: known),
            overlay.count(upTo: written) == overlay.count(upTo: lsn)
        {
            return known
        }
        let content = Self.content(of: segment, at: lsn)
        guard !content.rows.isEmpty else { return nil }
        let name = PayloadFile.name(segmentID: segment.id, lsn: lsn)
        try write(content, to: name, of: segment)
        return name
    }

    func write(
        _ content: PayloadFile, to name: String, of segment: SealedSegment
    ) throws(DatabaseError) {
        try content.write(
            to: "\(directory)/\(name)", fileSystem, incarnation: segment.reader.header.incarnation,
            segmentID: segment.id, rowCount: segment.rowCount)
    }

    /// What such a file holds: the newest payload of each changed row that lives.
    static func content(of segment: SealedSegment, at lsn: LSN) -> PayloadFile {
        var file = PayloadFile(lsn: lsn)
        for change in segment.overlay.newest(at: lsn) where !segment.deletions.isDeleted(change.row, at: lsn)
        {
            file.append(row: change.row, lsn: change.lsn, payload: change.payload)
        }
        return file
    }

    func readPayloads(_ name: String, of segment: SealedSegment) throws(DatabaseError) -> PayloadFile {
        try PayloadFile.read(
            fileSystem, path: "\(directory)/\(name)", incarnation: segment.reader.header.incarnation,
            segmentID: segment.id, rowCount: segment.rowCount)
    }

    /// - Throws: `not_found`, `corruption`.
    func loadPayloads(
        _ name: String, of manifest: Manifest, into segment: SealedSegment
    ) throws(DatabaseError) {
        let file = try readPayloads(name, of: segment)
        // What the log says comes behind it.
        guard file.lsn <= manifest.checkpointLSN else {
            throw .corruption(
                file: "\(directory)/\(name)", offset: 56,
                what: "payloads up to write \(file.lsn), the checkpoint is at \(manifest.checkpointLSN)")
        }
        try segment.overlay.requireRoom(changes: file.rows.count, bytes: file.heap.count)
        for (place, row) in file.rows.enumerated() {
            file.payload(at: place).withUnsafeBufferPointer {
                segment.overlay.append($0, row: Int(row), lsn: LSN(file.lsns[place]))
            }
        }
    }
}
