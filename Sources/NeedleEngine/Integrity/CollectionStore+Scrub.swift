import NeedleCore
import NeedleStorage

// Manifest and deletions are small, and memory knows what they say: what is damaged is written anew. Only while
// nobody writes a checkpoint, which replaces them.

extension CollectionStore {
    /// Compares the small files with what is in memory.
    ///
    /// - Returns: what was wrong and is right again, a line each.
    func scrubSmallFiles(of set: SegmentSet) throws(DatabaseError) -> [String] {
        guard let manifest else { return [] }
        var findings: [String] = []
        for entry in manifest.segments {
            guard let segment = set.sealed.first(where: { $0.id == entry.id }) else { continue }
            if let deletions = entry.deletions, let finding = try scrub(deletions, of: segment) {
                findings.append(finding)
            }
            if let payloads = entry.payloads, let finding = try scrub(payloads, of: segment) {
                findings.append(finding)
            }
        }
        if let damage = try damage({ () throws(DatabaseError) in
            try Manifest.read(fileSystem, directory: directory) == manifest
        }) {
            try manifest.write(fileSystem, directory: directory)
            findings.append("\(directory)/\(Manifest.fileName): \(damage); it was written anew")
        }
        return findings
    }

    private func scrub(
        _ entry: ManifestDeletions, of segment: SealedSegment
    ) throws(DatabaseError) -> String? {
        let path = "\(directory)/\(entry.file)"
        let expected = DeletionFile(
            incarnation: incarnation, segmentID: segment.id, lsn: entry.lsn, rowCount: segment.rowCount,
            rows: segment.deletions.rowsDeleted(upTo: entry.lsn, of: segment.rowCount))
        let damage = try damage { () throws(DatabaseError) in
            try DeletionFile.read(
                fileSystem, path: path, incarnation: incarnation, segmentID: segment.id,
                rowCount: segment.rowCount) == expected
        }
        guard let damage else { return nil }
        try expected.write(fileSystem, path: path)
        return "\(path): \(damage); it was written anew"
    }

    /// Newer payloads, as they were at the checkpoint that wrote them.
    private func scrub(_ name: String, of segment: SealedSegment) throws(DatabaseError) -> String? {
        guard let lsn = PayloadFile.lsn(ofFile: name) else { return nil }
        let expected = Self.content(of: segment, at: lsn)
        let damage = try damage { () throws(DatabaseError) in
            try readPayloads(name, of: segment) == expected
        }
        guard let damage else { return nil }
        try write(expected, to: name, of: segment)
        return "\(directory)/\(name): \(damage); it was written anew"
    }

    /// What is wrong with a file; `nil` when it is as it should be.
    private func damage(_ isRight: () throws(DatabaseError) -> Bool) throws(DatabaseError) -> String? {
        do throws(DatabaseError) {
            return try isRight() ? nil : "it does not say what it should"
        } catch {
            switch error.kind {
            case .corruption, .notFound, .limitExceeded: return error.message
            default: throw error
            }
        }
    }
}
