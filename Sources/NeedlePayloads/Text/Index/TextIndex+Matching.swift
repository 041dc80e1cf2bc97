package import NeedleCore

/// What an index knows of a condition on words.
package struct TextMatch: Sendable {
    /// Rows that match.
    package let certain: PointSet
    /// Further rows, of which only the payload tells whether they match; no row is in both.
    package let candidates: PointSet
}

extension TextIndex {
    /// The segment's rows in the stripe that match, or may match. O(rows that hold one of the words).
    ///
    /// Terms say nothing of order, so a phrase of several words has candidates; and of a row with several texts they do
    /// not say which text they come from.
    ///
    /// - Precondition: the matcher's analysis is the index's.
    package func rows(matching matcher: WordMatcher) throws(DatabaseError) -> TextMatch {
        guard !matcher.isVoid else { return TextMatch(certain: .empty, candidates: .empty) }
        var sets: [PointSet] = []
        for term in Set(matcher.terms) {
            guard let list = try postings(of: term) else {
                return TextMatch(certain: .empty, candidates: .empty)
            }
            sets.append(try rows(of: [list]))
        }
        if !matcher.prefix.isEmpty {
            var lists: [PostingList] = []
            for term in try dictionary.range(withPrefix: matcher.prefix) {
                lists.append(try PostingList(self, term: term))
            }
            sets.append(try rows(of: lists))
        }
        sets.sort { $0.count < $1.count }
        let all = sets.dropFirst().reduce(sets[0]) { $0.intersection($1) }
        if matcher.kind == .phrase, matcher.terms.count > 1 {
            return TextMatch(certain: .empty, candidates: all)
        }
        guard sets.count > 1 else { return TextMatch(certain: all, candidates: .empty) }
        return TextMatch(
            certain: all.subtracting(severalTexts), candidates: all.intersection(severalTexts))
    }

    private func rows(of lists: [PostingList]) throws(DatabaseError) -> PointSet {
        let first = UInt32(truncatingIfNeeded: layout.firstRow)
        if lists.count == 1 {
            var rows: [UInt32] = []
            rows.reserveCapacity(lists[0].count)
            try lists[0].forEachRow { rows.append(first + $0) }
            return PointSet(rows)
        }
        let union = PointSetAccumulator()
        for list in lists { try list.forEachRow { union.insert(first + $0) } }
        return union.finish()
    }
}
