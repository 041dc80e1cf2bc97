import NeedleCore

/// The segments of a collection at one moment: immutable, so that readers never wait for writers (invariant 8).
///
/// Every live point lies in exactly one of them.
final class SegmentSet: Sendable {
    /// Oldest first.
    let sealed: [SealedSegment]
    /// Frozen ones first, in the order in which they were filled; the last one takes the writes.
    let growing: [GrowingSegment]

    init(sealed: [SealedSegment], growing: [GrowingSegment]) {
        precondition(!growing.isEmpty, "there is always a segment that takes writes")
        self.sealed = sealed
        self.growing = growing
    }

    var active: GrowingSegment { growing[growing.count - 1] }

    /// All segments, those with the newest rows first.
    var newestFirst: [any Segment] {
        growing.reversed() + sealed.reversed()
    }

    /// A new segment takes the writes. An active one without rows is left out: there is nothing to seal in it.
    func adding(_ segment: GrowingSegment) -> SegmentSet {
        SegmentSet(sealed: sealed, growing: growing.filter { $0.rowCount > 0 } + [segment])
    }

    /// The oldest frozen segment became a file.
    func sealing(_ frozen: GrowingSegment, as segment: SealedSegment) -> SegmentSet {
        SegmentSet(sealed: sealed + [segment], growing: growing.filter { $0 !== frozen })
    }

    /// Some sealed segments became one, or none when nothing in them was alive.
    func merging(_ inputs: [SealedSegment], into output: SealedSegment?) -> SegmentSet {
        let kept = sealed.filter { segment in !inputs.contains { $0 === segment } }
        return SegmentSet(sealed: (output.map { [$0] } ?? []) + kept, growing: growing)
    }
}
