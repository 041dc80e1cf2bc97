// What may be left of unsynced work after a crash, and what may go wrong while working.

/// Which unsynced writes and directory entries survive a crash.
package enum LossModel: String, Sendable, CaseIterable {
    /// Nothing that was not synced.
    case none
    /// Everything: the machine lost power, the disk's cache did not.
    case all
    /// In each file, and in the directories, a prefix of what was done.
    case prefix
    /// Any part of it, in any order.
    case anySubset
    /// Any sectors of 512 bytes of any write; of directory changes any subset.
    case tornSectors
}

/// How an operation fails.
package enum FaultKind: String, Sendable, CaseIterable {
    /// EIO. A write may have done its first half. On a sync, the pages count as clean afterwards although none, or
    /// only some of their sectors, were written.
    case ioError
    /// ENOSPC, before anything was done. Reads and removals succeed.
    case diskFull
    /// ENOSPC after half of the bytes were written.
    case shortWrite
    /// The machine stops before the operation; all later ones fail until `crash` has restarted it.
    case crash
}

/// A planned failure.
package struct Fault: Hashable, Sendable {
    package var kind: FaultKind
    /// Fails the operation with this number; the first one after the plan was made has number 1.
    package var operation: Int
    /// Whether all later operations fail as well.
    package var isPermanent: Bool

    package init(_ kind: FaultKind, at operation: Int, isPermanent: Bool = false) {
        self.kind = kind
        self.operation = operation
        self.isPermanent = isPermanent
    }
}

/// The operations that are counted, and that can fail.
package enum SimulatedOperation: String, Sendable {
    case open, create, read, write, sync, truncate, preallocate, map
    case list, stat, createDirectory, removeDirectory, rename, link, unlink, syncDirectory, lock

    /// Whether a full disk can stop it. Also a sync: with delayed allocation that is where it shows.
    var needsSpace: Bool {
        switch self {
        case .create, .write, .sync, .truncate, .preallocate, .createDirectory, .rename, .link,
            .syncDirectory:
            true
        default: false
        }
    }
}
