/// How the pages of a mapping are going to be used.
package enum MappingAdvice: Hashable, Sendable {
    case normal
    case random
    case sequential
    /// Read these pages soon.
    case willNeed
    /// These pages are not needed for a while.
    case dontNeed
    /// Give the memory of these pages back, the system's cache of the file included.
    case evict
}

/// A file's bytes, read-only, at a fixed address for as long as the region lives.
///
/// The owner of a mapping keeps the region in a stored property and hands out addresses only together with
/// itself. Nothing is ever written through it, and the file below is never truncated, only unlinked, so the
/// bytes stay readable. Damaged or hostile content is possible: whoever reads checks every offset. Safe to
/// share between threads.
package final class MappedRegion: Sendable {
    // SAFETY: the memory is read-only and stays valid until `release` runs, which only `deinit` calls.
    package nonisolated(unsafe) let base: UnsafeRawPointer
    package let count: Int
    private let advisor: @Sendable (Range<Int>, MappingAdvice) -> Void
    private let residency: @Sendable (Range<Int>) -> Int
    private let release: @Sendable () -> Void

    /// - Parameters:
    ///   - base: the first byte, aligned to at least 4096 when `count` > 0.
    ///   - advise: told about the expected use; may do nothing.
    ///   - residency: bytes of a part that lie in memory.
    ///   - release: runs once, when nobody holds the region any more.
    package init(
        base: UnsafeRawPointer, count: Int,
        advise: @escaping @Sendable (Range<Int>, MappingAdvice) -> Void,
        residency: @escaping @Sendable (Range<Int>) -> Int = { $0.count },
        release: @escaping @Sendable () -> Void
    ) {
        precondition(count >= 0, "a region has a size")
        self.base = base
        self.count = count
        advisor = advise
        self.residency = residency
        self.release = release
    }

    deinit {
        release()
    }

    /// All bytes. Valid only while the region is held.
    @inlinable
    package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base, count: count)
    }

    /// Tells the system how a part will be used; it may ignore that.
    package func advise(_ advice: MappingAdvice, range: Range<Int>? = nil) {
        let part = (range ?? 0..<count).clamped(to: 0..<count)
        if !part.isEmpty { advisor(part, advice) }
    }

    /// Bytes of a part that lie in memory now, ours or the system's cache, by whole pages. O(pages).
    package func residentBytes(in range: Range<Int>) -> Int {
        let part = range.clamped(to: 0..<count)
        return part.isEmpty ? 0 : min(part.count, residency(part))
    }
}
