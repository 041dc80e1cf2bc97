import NeedleCore
import NeedleStorage
import SimulationKit
import Synchronization

/// Bugs in what a checkpoint writes down: the file is valid, and says something else.
enum ManifestForger {
    private static func forging(
        _ change: @escaping @Sendable (_ path: String, inout Manifest) -> Void
    ) -> Sabotage {
        Sabotage(content: { path, bytes in
            guard path.hasSuffix("/\(Manifest.fileName).tmp"),
                var manifest = try? Manifest(decoding: bytes, file: path)
            else { return bytes }
            change(path, &manifest)
            return manifest.encoded()
        })
    }

    static func forgettingOpKeys() -> Sabotage {
        forging { _, manifest in manifest.opKeys = [] }
    }

    /// A segment that takes the place of others begins without what died while it was made.
    static func losingDeletesOfMerges() -> Sabotage {
        let known = Shared([String: Set<UInt64>]())
        return forging { path, manifest in
            let before =
                known.value.withLock { $0.updateValue(Set(manifest.segments.map(\.id)), forKey: path) } ?? []
            guard !before.isSubset(of: manifest.segments.map(\.id)) else { return }
            for index in manifest.segments.indices where !before.contains(manifest.segments[index].id) {
                manifest.segments[index].live = manifest.segments[index].rows
                manifest.segments[index].deletions = nil
            }
        }
    }

    /// A segment that takes the place of others, or of rows in memory, begins without the payloads that changed before.
    static func losingPayloadsOfNewSegments() -> Sabotage {
        let known = Shared([String: Set<UInt64>]())
        return forging { path, manifest in
            let before =
                known.value.withLock { $0.updateValue(Set(manifest.segments.map(\.id)), forKey: path) } ?? []
            for index in manifest.segments.indices where !before.contains(manifest.segments[index].id) {
                manifest.segments[index].overlays.removeAll { PayloadFile.lsn(ofFile: $0) != nil }
            }
        }
    }

    /// The dead rows of the segment written before stand in each deletions file.
    static func mixingUpDeletions() -> Sabotage {
        let last = Shared<DeletionFile?>(nil)
        return Sabotage(content: { path, bytes in
            guard path.hasSuffix(".deletions.tmp"), let file = try? DeletionFile(decoding: bytes, file: path)
            else { return bytes }
            let other = last.value.withLock { last in
                defer { last = file }
                return last
            }
            guard let other, other.segmentID != file.segmentID else { return bytes }
            return DeletionFile(
                incarnation: file.incarnation, segmentID: file.segmentID, lsn: file.lsn,
                rowCount: file.rowCount,
                rows: other.rows.filter { Int($0) < file.rowCount }
            ).encoded()
        })
    }
}
