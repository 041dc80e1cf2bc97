import NeedleCore
import NeedlePayloads
import NeedleStorage

/// What a reader sees: the segments, the newest write it may see, and the time by which points expire.
///
/// Taken once at the start of a read and kept until its end. Holding one keeps its segments, their mappings and
/// their memory alive. Safe to share between threads.
struct ReadView: Sendable {
    let set: SegmentSet
    let lsn: LSN
    /// Milliseconds since 1970.
    let now: Int64
    /// Rows not deleted at `lsn`, expired ones included.
    let liveRows: Int
    /// How texts at keys with a text index are taken apart.
    var analyses: [FieldPath: TextAnalysis] = [:]

    /// Where a point lies.
    struct Location {
        let segment: any Segment
        let row: Int
    }

    @inline(__always)
    func isVisible(_ row: Int, in segment: any Segment) -> Bool {
        !segment.deletions.isDeleted(row, at: lsn) && !segment.columns.isExpired(row, at: now)
    }

    /// The point's row, unless it is absent, deleted or expired. O(segments).
    ///
    /// - Throws: `corruption` when it is found nowhere, but a damaged segment may hold it.
    func locate(_ id: PointID) throws(DatabaseError) -> Location? {
        guard let location = try locateIgnoringExpiry(id),
            !location.segment.columns.isExpired(location.row, at: now)
        else { return nil }
        return location
    }

    /// The point's row, unless it is absent or deleted. O(segments).
    func locateIgnoringExpiry(_ id: PointID) throws(DatabaseError) -> Location? {
        let hash = IDHash.hash(id)
        var unknown = set.unreadable.first?.reason
        for segment in set.newestFirst {
            do throws(DatabaseError) {
                if let row = try segment.row(of: id, hash: hash, at: lsn) {
                    return Location(segment: segment, row: row)
                }
            } catch {
                // A live point is in one segment only: if another has it, this one does not matter.
                unknown = unknown ?? error
            }
        }
        if let unknown { throw unknown }
        return nil
    }

    /// How many points are visible. O(1) unless something may expire, then O(rows of such segments).
    var count: Int {
        liveRows - set.newestFirst.reduce(0) { $0 + expiredRows(of: $1) }
    }

    /// The same, for a request that may be broken off.
    func count(context: OperationContext) throws(DatabaseError) -> Int {
        try set.requireCounts()
        var expired = 0
        for segment in set.newestFirst where segment.hasExpiringRows {
            try context.check()
            expired += expiredRows(of: segment)
        }
        return liveRows - expired
    }

    private func expiredRows(of segment: any Segment) -> Int {
        guard segment.hasExpiringRows else { return 0 }
        return (0..<segment.visibleRows(at: lsn)).count { row in
            segment.columns.isExpired(row, at: now) && !segment.deletions.isDeleted(row, at: lsn)
        }
    }
}
