import NeedleCore
import NeedleStorage

// Soon after a segment is opened, one pass compares all its blocks with their checksums. From then on reading it
// needs no checks; before, every read checks what it is about to use (invariant 6).

extension Collection {
    /// Of a step: about a millisecond when the system has them in memory.
    private static let verifiedBytes = 4 << 20

    private var unverified: SealedSegment? {
        segments.sealed.first { !$0.reader.isPassOver }
    }

    /// Goes on with the first pass over segments that were opened or written. Several threads may call at once.
    ///
    /// - Returns: whether there was something to do now.
    func verifyStep() -> Bool {
        if retryStep() { return true }
        guard let segment = unverified else { return false }
        let now = clock.monotonicNanoseconds()
        guard integrity.verification.pause(at: now) == 0 else { return false }
        if let bytes = segment.reader.verifyNext(bytes: Self.verifiedBytes) {
            integrity.verification.note(bytes, at: now)
        }
        return true
    }

    private var unreadable: [SealedSegment] {
        segments.sealed.filter(\.reader.hasUnreadableBlocks)
    }

    /// Tries again what the disk did not give: at once, then ever more rarely, at least every 30 seconds.
    ///
    /// - Returns: whether there was something to do now.
    private func retryStep() -> Bool {
        let waiting = unreadable
        let now = clock.monotonicNanoseconds()
        guard !waiting.isEmpty, integrity.retryPause(at: now) == 0 else { return false }
        let isOver = waiting.count { !$0.reader.retryUnreadable() } == 0
        integrity.noteRetry(succeeded: isOver, at: now)
        return true
    }

    /// Nanoseconds until there is something to check; `nil` when there never will be by itself.
    var integrityPause: UInt64? {
        let now = clock.monotonicNanoseconds()
        if !unreadable.isEmpty { return max(integrity.retryPause(at: now), 1_000_000) }
        if unverified != nil { return max(integrity.verification.pause(at: now), 1_000_000) }
        return integrity.scrubPause(at: now)
    }

    /// What was found damaged, and what it means, a line each; for `server.health`.
    func damageReport(of set: SegmentSet) -> [String] {
        let all =
            set.unreadable.map(\.report) + set.sealed.flatMap(\.damageReport)
            + set.newestFirst.flatMap(\.fieldIndexes.damageReport)
        guard all.count > Self.reportedDamages else { return all }
        return all.prefix(Self.reportedDamages) + ["and \(all.count - Self.reportedDamages) more"]
    }

    private static let reportedDamages = 10
}
