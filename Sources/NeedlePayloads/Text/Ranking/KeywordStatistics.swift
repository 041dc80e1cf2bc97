package import NeedleCore

/// How common the words of a query are: what BM25 needs to know of all rows.
///
/// Counted over stored rows, deleted and expired ones included until a merge drops them, as Lucene does. All counts are
/// whole numbers, so it does not matter which rows an index covers and which are read.
package struct KeywordStatistics: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        /// Rows with at least one term.
        package var documents = 0
        /// Terms of all rows.
        package var totalLength = 0
    }

    package private(set) var fields: [Field]
    /// Rows that hold the term, by slot.
    package private(set) var documentFrequencies: [Int]

    package init(_ query: KeywordQuery) {
        fields = [Field](repeating: Field(), count: query.fields.count)
        documentFrequencies = [Int](repeating: 0, count: query.slotCount)
    }

    /// Adds the rows of a stripe of a field. O(terms × log of the dictionary).
    package mutating func add(_ index: TextIndex, field number: Int, of query: KeywordQuery)
        throws(DatabaseError)
    {
        fields[number].documents += index.documents
        fields[number].totalLength += index.totalLength
        let field = query.fields[number]
        for (place, term) in field.terms.enumerated() {
            documentFrequencies[field.firstSlot + place] += try index.postings(of: term)?.count ?? 0
        }
    }

    /// Adds a row that was read, for a field whose stripes do not cover it.
    package mutating func add(_ row: ScannedRow, field number: Int, of query: KeywordQuery) {
        guard row.lengths[number] > 0 else { return }
        fields[number].documents += 1
        fields[number].totalLength += Int(row.lengths[number])
        let field = query.fields[number]
        for slot in field.firstSlot..<(field.firstSlot + field.terms.count) where row.frequencies[slot] > 0 {
            documentFrequencies[slot] += 1
        }
    }
}
