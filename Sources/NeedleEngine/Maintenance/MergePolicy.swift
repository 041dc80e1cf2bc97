import NeedleCore

/// Which sealed segments should become one.
///
/// Before all else, a segment in which something is damaged that can be derived is rewritten; one whose originals are
/// damaged is left alone. In the background: a segment with many dead rows, or with many changed payloads beside it, is
/// rewritten, and when there are many
/// segments the smallest are merged, so that a search asks few. When somebody optimizes, everything becomes as few
/// segments as the largest size allows. While the disk is full, only what frees space is done, and sooner.
struct MergePolicy {
    let options: EngineOptions
    let isOptimizing: Bool
    let isDiskLow: Bool
    /// Changes of payloads up to here can be written into rows.
    let foldedLSN: LSN

    /// Sealed segments of similar size that are left alone.
    private static let toleratedSegments = 4
    private static let deadShareOnFullDisk = 0.05

    func inputs(of set: SegmentSet) -> [SealedSegment]? {
        let whole = set.sealed.filter { $0.quarantine == nil }
        if let damaged = whole.first(where: \.needsRewriting) { return [damaged] }
        if let dying = whole.first(where: isDying) { return [dying] }
        if let burdened = whole.first(where: isBurdened) { return [burdened] }
        let small = whole.filter { $0.rowCount < options.growingRows / 2 }
            .sorted { $0.rowCount < $1.rowCount }
        if isOptimizing {
            let worn = whole.first { $0.deletions.count > 0 || $0.overlay.count(upTo: foldedLSN) > 0 }
            if let worn, small.count < 2 { return [worn] }
            return small.count > 1 ? fitting(small) : nil
        }
        return small.count > Self.toleratedSegments && !isDiskLow ? fitting(small) : nil
    }

    private func isDying(_ segment: SealedSegment) -> Bool {
        let share = isDiskLow ? min(options.deadShare, Self.deadShareOnFullDisk) : options.deadShare
        return Double(segment.deletions.count) > share * Double(max(1, segment.rowCount))
    }

    /// Changed payloads are held in memory, and written again at each checkpoint that finds new ones: when they are as
    /// much as a good part of the file, most of what can be written into rows, rewriting it costs less.
    private func isBurdened(_ segment: SealedSegment) -> Bool {
        let overlay = segment.overlay
        let bytes = overlay.byteCount
        guard !isDiskLow, bytes > max(options.overlayBytes, segment.fileBytes / 4) else { return false }
        return 2 * overlay.count(upTo: foldedLSN) > overlay.count
    }

    /// The smallest ones, as many as one segment may hold; at least two.
    private func fitting(_ segments: [SealedSegment]) -> [SealedSegment]? {
        var rows = 0
        let chosen = segments.prefix { segment in
            rows += segment.rowCount
            return rows <= options.growingRows
        }
        return chosen.count > 1 ? Array(chosen) : nil
    }
}
