package import NeedleCore

/// The text indexes of a segment, and the rows that they do not cover.
package struct KeywordSegment {
    /// The number by which the segment's rows are known in the outcome.
    package var number: Int
    /// Of each field the stripes from row 0 on, one behind the other.
    package var stripes: [[TextIndex]]
    /// Rows at and behind `indexedRows` and those `replaced`, at least those that hold one of the words.
    package var scanned: [ScannedRow]
    /// Rows whose texts are newer than what the stripes say of them. In the statistics they count as both.
    package var replaced: PointSet

    package init(
        number: Int, stripes: [[TextIndex]], scanned: [ScannedRow], replaced: PointSet = .empty
    ) {
        self.number = number
        self.stripes = stripes
        self.scanned = scanned
        self.replaced = replaced
    }

    /// Rows that the stripes of every field cover: where reading has to begin.
    package var indexedRows: Int {
        stripes.map { $0.last?.rows.upperBound ?? 0 }.min() ?? 0
    }
}

/// Finds the rows with the highest scores for some words.
///
/// MaxScore with block bounds over windows of rows (Turtle and Flood, "Query evaluation: strategies and optimizations",
/// 1995; Ding and Suel, "Faster top-k document retrieval using block-max indexes", 2011): in each window
/// the terms that even together cannot lift a row into the answer are looked up only for rows that another term has
/// brought. The answer is that of scoring every row. Not thread safe.
package struct KeywordSearch {
    let scores: BM25
    var best: RankedRows
    let context: OperationContext

    /// - Parameters:
    ///   - limit: how many rows, at least 1.
    ///   - precedes: the order of rows with equal scores.
    package init(
        _ scores: BM25, limit: Int, context: OperationContext,
        precedes: @escaping (RankedRow, RankedRow) -> Bool
    ) {
        self.scores = scores
        self.context = context
        best = RankedRows(capacity: limit, precedes: precedes)
    }

    /// The best rows of all segments searched, best first; only rows that hold one of the words.
    package consuming func finish() -> [RankedRow] { best.sorted() }

    /// Searches a segment.
    ///
    /// - Parameters:
    ///   - restriction: only these rows, if given.
    ///   - admits: whether a row may be in the answer; asked only of rows whose score is high enough.
    /// - Throws: what `admits` and the context throw, and `corruption` of an index.
    package mutating func search(
        _ segment: KeywordSegment, for query: KeywordQuery, restriction: PointSet? = nil,
        admits: @escaping (UInt32) throws(DatabaseError) -> Bool
    ) throws(DatabaseError) {
        let admission = Admission(
            segment: segment.number, restriction: restriction, replaced: segment.replaced, admits: admits)
        let rows = segment.indexedRows
        let cursors = try Self.cursors(segment, query)
        let postings = cursors.reduce(0) { $0 + $1.count }
        if let restriction, restriction.count * cursors.count < postings / 4 {
            try score(restriction, below: rows, cursors, admission)
        } else if !cursors.isEmpty {
            try scan(0..<rows, cursors, admission)
        }
        for row in segment.scanned {
            let score = scores.score(row)
            guard score > 0, score >= best.threshold, try admission.allows(row.row) else { continue }
            best.offer(RankedRow(segment: segment.number, row: row.row, score: score))
        }
    }

    private static func cursors(
        _ segment: KeywordSegment, _ query: KeywordQuery
    ) throws(DatabaseError) -> [TermCursor] {
        var cursors: [TermCursor] = []
        for (field, stripes) in zip(query.fields, segment.stripes) {
            for stripe in stripes {
                for (place, term) in field.terms.enumerated() {
                    guard let list = try stripe.postings(of: term) else { continue }
                    cursors.append(TermCursor(list, slot: field.firstSlot + place))
                }
            }
        }
        // The order in which a score is summed up; of one slot at most one stripe covers a row.
        return cursors.sorted { $0.slot < $1.slot }
    }

    /// Which rows may be in the answer.
    struct Admission {
        let segment: Int
        let restriction: PointSet?
        let replaced: PointSet
        let admits: (UInt32) throws(DatabaseError) -> Bool

        /// A row that a stripe names, and that lies within the restriction.
        func allowsIndexed(_ row: UInt32) throws(DatabaseError) -> Bool {
            if replaced.contains(row) { return false }
            return try admits(row)
        }

        func allows(_ row: UInt32) throws(DatabaseError) -> Bool {
            if let restriction, !restriction.contains(row) { return false }
            return try admits(row)
        }
    }

    // MARK: Few rows

    /// Looks up every row of a small set.
    private mutating func score(
        _ set: PointSet, below end: Int, _ cursors: [TermCursor], _ admission: Admission
    ) throws(DatabaseError) {
        var count = 0
        for row in set {
            guard row < end else { break }
            if count % 1024 == 0 { try context.check() }
            count += 1
            try offer(Int(row), cursors, admission)
        }
    }

    /// Scores a row exactly, and offers it if it may be in the answer.
    private mutating func offer(
        _ row: Int, _ cursors: [TermCursor], _ admission: Admission
    ) throws(DatabaseError) {
        var sum = 0.0
        for cursor in cursors where cursor.coverage.contains(row) {
            let frequency = try cursor.frequency(of: row)
            if frequency > 0 {
                sum += scores.contribution(
                    slot: cursor.slot, frequency: frequency, length: cursor.length(of: row))
            }
        }
        let score = BM25.reported(sum)
        guard score > 0, score >= best.threshold, try admission.allowsIndexed(UInt32(row)) else { return }
        best.offer(RankedRow(segment: admission.segment, row: UInt32(row), score: score))
    }
}
