import NeedleCore

/// Breaks promises of a file system that no real one breaks, in place of a bug in the product: what a
/// forgotten sync does is the same as a sync that does nothing.
package final class Sabotage: FileSystemWatch {
    /// Whether a sync of a file is really done, and so on.
    private let syncs: @Sendable (String) -> Bool
    private let syncsDirectory: @Sendable (String) -> Bool
    private let hidesFailures: @Sendable (String) -> Bool
    private let renames: @Sendable (_ old: String, _ new: String) -> Bool
    /// What is written in place of the bytes.
    private let content: @Sendable (_ path: String, _ bytes: [UInt8]) -> [UInt8]

    package init(
        syncs: @escaping @Sendable (String) -> Bool = { _ in true },
        syncsDirectory: @escaping @Sendable (String) -> Bool = { _ in true },
        hidesFailures: @escaping @Sendable (String) -> Bool = { _ in false },
        renames: @escaping @Sendable (String, String) -> Bool = { _, _ in true },
        content: @escaping @Sendable (String, [UInt8]) -> [UInt8] = { $1 }
    ) {
        self.syncs = syncs
        self.syncsDirectory = syncsDirectory
        self.hidesFailures = hidesFailures
        self.renames = renames
        self.content = content
    }

    package func willSync(_ path: String, _ handle: Int) -> Bool { syncs(path) }
    package func willSyncDirectory(_ path: String) -> Bool { syncsDirectory(path) }
    package func hidesFailedSync(_ path: String) -> Bool { hidesFailures(path) }
    package func willRename(_ old: String, to new: String) -> Bool { renames(old, new) }
    package func willWrite(_ bytes: [UInt8], at offset: Int, to path: String) -> [UInt8] {
        content(path, bytes)
    }
}
