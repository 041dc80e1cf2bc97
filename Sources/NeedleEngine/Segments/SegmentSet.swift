import NeedleCore
import Synchronization

/// The segments of a collection at one moment: immutable, so that readers never wait for writers (invariant 8).
///
/// Every live point lies in exactly one of them.
final class SegmentSet: Sendable {
    /// Oldest first.
    let sealed: [SealedSegment]
    /// Frozen ones first, in the order in which they were filled; the last one takes the writes.
    let growing: [GrowingSegment]
    /// Named by the manifest, but could not be opened.
    let unreadable: [UnreadableSegment]
    private let isAdmitted = Atomic<Bool>(false)

    init(sealed: [SealedSegment], growing: [GrowingSegment], unreadable: [UnreadableSegment] = []) {
        precondition(!growing.isEmpty, "there is always a segment that takes writes")
        self.sealed = sealed
        self.growing = growing
        self.unreadable = unreadable
    }

    /// To be called before rows are read: see `SealedSegment.admit`. Later calls cost one load.
    func admit() {
        if isAdmitted.load(ordering: .acquiring) { return }
        for segment in sealed { segment.admit() }
        isAdmitted.store(true, ordering: .releasing)
    }

    /// - Throws: `corruption` when a segment could not be opened: for reads that need every row.
    func requireAll() throws(DatabaseError) {
        if let missing = unreadable.first { throw missing.reason }
    }

    /// - Throws: `corruption` when anything in these segments is known to be damaged: a snapshot is whole.
    func requireUndamaged() throws(DatabaseError) {
        try requireAll()
        for segment in sealed {
            if let reason = segment.damageErrors.first { throw reason }
        }
    }

    /// - Throws: `corruption` when it cannot be told how many rows live: because a segment could not be opened, or
    ///   because writes may have replaced rows in one whose ids cannot be read.
    func requireCounts() throws(DatabaseError) {
        try requireAll()
        for segment in sealed where segment.isDamaged {
            if let reason = segment.unknownIDs { throw reason }
        }
    }

    /// Rises with all that is found damaged in these segments.
    var damageCount: Int { sealed.reduce(0) { $0 + $1.damageCount } }

    var active: GrowingSegment { growing[growing.count - 1] }

    /// All segments, those with the newest rows first.
    var newestFirst: [any Segment] {
        growing.reversed() + sealed.reversed()
    }

    /// All that the collection has, unreadable ones too.
    var count: Int { growing.count + sealed.count + unreadable.count }

    /// Those that a search may ask, the newest first: all whose originals are right, as far as it is known.
    var searchable: [any Segment] {
        growing.reversed() + sealed.reversed().filter { $0.isSearchable }
    }

    /// A new segment takes the writes. An active one without rows is left out: there is nothing to seal in it.
    func adding(_ segment: GrowingSegment) -> SegmentSet {
        SegmentSet(
            sealed: sealed, growing: growing.filter { $0.rowCount > 0 } + [segment], unreadable: unreadable)
    }

    /// The oldest frozen segment became a file.
    func sealing(_ frozen: GrowingSegment, as segment: SealedSegment) -> SegmentSet {
        SegmentSet(
            sealed: sealed + [segment], growing: growing.filter { $0 !== frozen }, unreadable: unreadable)
    }

    /// Some sealed segments became one, or none when nothing in them was alive.
    func merging(_ inputs: [SealedSegment], into output: SealedSegment?) -> SegmentSet {
        let kept = sealed.filter { segment in !inputs.contains { $0 === segment } }
        return SegmentSet(
            sealed: (output.map { [$0] } ?? []) + kept, growing: growing, unreadable: unreadable)
    }
}
