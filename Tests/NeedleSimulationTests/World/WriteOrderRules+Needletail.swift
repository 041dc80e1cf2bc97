import Glibc
import NeedleCore
import NeedleStorage
import SimulationKit

extension WriteOrderRules {
    /// The data directory's files: docs/format.
    static let needletail = WriteOrderRules(
        isTemporary: {
            $0.hasSuffix(".tmp") || $0.hasSuffix("/LOCK") || $0.hasSuffix("/RESERVE")
                || $0.holds("/snapshots/\(SnapshotName.unfinishedPrefix)")
        },
        // A marker or a close is a frame without a body; every other frame has one.
        isDispensable: { path, bytes in bytes.count == 40 && path.holds("/log/") },
        // What is left of the log of a dropped collection, whether or not it could be closed.
        mayBeTorn: { $0.hasPrefix("archive/") },
        isRoot: { $0.hasSuffix("/\(Manifest.fileName)") || $0.hasSuffix("/\(Catalogue.fileName)") },
        isTop: { $0.hasSuffix("/\(Catalogue.fileName)") },
        needs: { root, content, files in
            let directory = root.prefix(upTo: root.utf8.lastIndex(of: UInt8(ascii: "/")) ?? root.startIndex)
            if let catalogue = try? Catalogue(decoding: content, file: root) {
                return catalogue.collections.map {
                    Need(
                        "\(directory)/collections/\($0.incarnation.hex)/\(Manifest.fileName)", isSealed: true)
                }
            }
            guard let manifest = try? Manifest(decoding: content, file: root) else { return [] }
            let sealed = manifest.segments.flatMap {
                [$0.file, $0.deletions?.file].compactMap { $0 } + $0.overlays
            }
            return sealed.map { Need("\(directory)/\($0)", isSealed: true) }
                + neededLogs(
                    files.filter { $0.hasPrefix("\(directory)/log/") }, checkpoint: manifest.checkpointLSN)
        })

    /// From the last file that begins at or before the first write behind the checkpoint.
    private static func neededLogs(_ files: [String], checkpoint: LSN) -> [Need] {
        let logs = files.filter { !$0.hasSuffix(".tmp") }.sorted()
        let start = logs.lastIndex { firstLSN(of: $0) <= checkpoint.value + 1 } ?? 0
        return logs[min(start, logs.count)...].map { Need($0, isSealed: false) }
    }

    private static func firstLSN(of path: String) -> UInt64 {
        let name = path.utf8.split(separator: UInt8(ascii: "/")).last ?? path.utf8[...]
        return UInt64(String(decoding: name.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self), radix: 10)
            ?? 0
    }
}

extension String {
    /// Whether these bytes occur in it: asked for every file operation, and much quicker than `contains`.
    func holds(_ part: String) -> Bool { strstr(self, part) != nil }
}
