/// A text to be searched by words in one or several keys.
///
/// Each key has its own analysis. A word counts once, however often the text repeats it. A value type; safe to share.
package struct KeywordQuery: Sendable {
    package struct Field: Sendable {
        package let analysis: TextAnalysis
        /// Distinct, ascending by bytes.
        package let terms: [[UInt8]]
        /// The number of the first term among those of all fields.
        let firstSlot: Int
    }

    package let fields: [Field]
    /// Terms of all fields together: each (field, term) is a slot.
    package let slotCount: Int

    /// - Parameter analyses: of the keys, in the order in which their scores are added.
    package init(text: String, analyses: [TextAnalysis]) {
        var fields: [Field] = []
        var slots = 0
        for analysis in analyses {
            let found = analysis.terms(of: text)
            let terms = Set((0..<found.count).map { found.term($0) }).sorted {
                $0.lexicographicallyPrecedes($1)
            }
            fields.append(Field(analysis: analysis, terms: terms, firstSlot: slots))
            slots += terms.count
        }
        self.fields = fields
        slotCount = slots
    }

    /// Nothing can be found: the text holds no word.
    package var isVoid: Bool { slotCount == 0 }
}

/// What a row that was read holds of the words of a query.
package struct ScannedRow: Sendable {
    package let row: UInt32
    /// How often each term occurs, by slot.
    package private(set) var frequencies: [UInt32]
    /// Terms in each field.
    package private(set) var lengths: [UInt32]

    package init(row: UInt32, query: KeywordQuery) {
        self.row = row
        frequencies = [UInt32](repeating: 0, count: query.slotCount)
        lengths = [UInt32](repeating: 0, count: query.fields.count)
    }

    /// Whether it holds one of the words.
    package var holdsAny: Bool { frequencies.contains { $0 > 0 } }

    /// Adds a text of a field. O(its bytes × the query's terms).
    package mutating func add(
        _ text: Span<UInt8>, field number: Int, of query: KeywordQuery, scratch: inout TextTerms
    ) {
        scratch.removeAll()
        query.fields[number].analysis.append(text, to: &scratch)
        add(scratch, field: number, of: query)
    }

    /// Adds the terms of a text of a field.
    package mutating func add(_ text: TextTerms, field number: Int, of query: KeywordQuery) {
        let field = query.fields[number]
        lengths[number] += UInt32(text.count)
        for index in 0..<text.count {
            for (place, term) in field.terms.enumerated() where text.is(index, term) {
                frequencies[field.firstSlot + place] += 1
            }
        }
    }
}
