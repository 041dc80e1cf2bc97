import NeedleCore
import NeedleStorage

/// A segment that could not be opened: its file is missing, or header, directory, checksum table or deletions are
/// damaged. It stays in the manifest as it is, and every read that would need it says so.
struct UnreadableSegment: Sendable {
    let entry: ManifestSegment
    let reason: DatabaseError

    /// For `server.health`.
    var report: String {
        "\(reason.message): its \(entry.live) points are not served until a backup is restored"
    }
}
