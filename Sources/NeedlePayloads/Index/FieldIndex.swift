package import NeedleCore

/// An index of the values at one key over a run of rows (a *stripe*), used where its bytes lie.
///
/// It answers some conditions exactly, bounds others (rows with values that an index of its type does not hold are
/// possible), and says nothing about the rest. Immutable and safe to share. What its bytes name is checked when it is
/// used: damage that a checksum did not find is `corruption`, never a trap.
package struct FieldIndex: Sendable {
    private let parts: IndexParts
    private let content: Content
    /// How texts were taken apart, of the type `text`: the bytes do not say.
    private let analysis: TextAnalysis
    private let nulls: PointSet
    private let empties: PointSet
    /// Rows with a scalar that the index does not hold.
    private let foreign: PointSet
    /// Rows with a value that it holds.
    private let own: PointSet

    private enum Content {
        case keyword(KeywordPart)
        case number(NumberPart)
        case geo(GeoPart)
        case text(TextIndex)
    }

    /// Rows with null at the key; without a value; foreign; own (sets); rows with several values and how many (u32
    /// pairs).
    static let commonParts = 5

    /// - Parameters:
    ///   - bytes: what `FieldIndexBuilder` made, at a multiple of 64; `owner` keeps them as they are.
    ///   - rowLimit: the rows that there are.
    ///   - analysis: what a text index was built with.
    ///   - file: for errors.
    /// - Throws: `corruption`, or `storage_failed` for a version of another server.
    package init(
        opening bytes: UnsafeRawBufferPointer, rowLimit: Int, analysis: TextAnalysis = .plain,
        owner: AnyObject, file: String
    ) throws(DatabaseError) {
        self.analysis = analysis
        let parts = try IndexParts(opening: bytes, rowLimit: rowLimit, owner: owner, file: file)
        self.parts = parts
        switch parts.type {
        case .keyword, .bool:
            try parts.requireParts(Self.commonParts + KeywordValues.parts)
            content = .keyword(try KeywordPart(parts, from: Self.commonParts))
        case .integer, .float, .datetime:
            try parts.requireParts(Self.commonParts + NumberValues.parts)
            content = .number(try NumberPart(parts, from: Self.commonParts))
        case .geo:
            try parts.requireParts(Self.commonParts + GeoValues.parts)
            content = .geo(try GeoPart(parts, from: Self.commonParts))
        case .text:
            try parts.requireParts(Self.commonParts + TextValues.parts)
            let index = try TextIndex(opening: parts.bytes(Self.commonParts), owner: owner, file: file)
            guard index.rows == parts.rows else { throw parts.damage("a text index of other rows") }
            content = .text(index)
        }
        nulls = try parts.set(0)
        empties = try parts.set(1)
        foreign = try parts.set(2)
        own = try parts.set(3)
    }

    package var type: FieldIndexType { parts.type }
    /// The rows it knows about.
    package var rows: Range<Int> { parts.rows }
    package var byteCount: Int { parts.byteCount }

    /// The index as bytes, to be written to a file.
    package func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        try parts.withBytes(body)
    }

    // MARK: Conditions

    /// For which of its rows a condition on its key holds; `nil` when it cannot tell.
    ///
    /// - Parameter words: of a condition on words, analysed as the key's texts are.
    package func bounds(
        of condition: Condition, words: WordMatcher? = nil
    ) throws(DatabaseError) -> RowBounds? {
        let found: RowBounds? =
            switch condition {
            case .isNull: RowBounds(nulls)
            case .isEmpty: RowBounds(empties)
            case .valuesCount(_, let range): RowBounds(try rows(withValues: range))
            case .matchAny(_, let values): try equal(to: values)
            case .matchExcept(_, let values): try other(than: values)
            case .range(_, let range): try within(range)
            case .words(_, let test): try having(words ?? WordMatcher(test))
            case .geo(_, let shape): try within(shape)
            case .hasID, .nested, .filter: nil
            }
        guard let found else { return nil }
        // What a damaged file names beyond its rows must not reach the segment.
        guard rows.lowerBound > 0 else { return found.clamped(below: rows.upperBound) }
        return found.and(RowBounds(PointSet(rows)))
    }

    private func orForeign(_ rows: PointSet) -> RowBounds {
        RowBounds(certain: rows, possible: rows.union(foreign))
    }

    private func equal(to values: [MatchValue]) throws(DatabaseError) -> RowBounds? {
        let numbers = values.compactMap { value in if case .number(let number) = value { number } else { nil }
        }
        switch (content, type) {
        case (.keyword(let part), .keyword): return RowBounds(try part.rows(equalToAny: values))
        case (.keyword(let part), _):
            let rows = try part.rows(equalToAny: values)
            let areBooleans = values.allSatisfy { if case .bool = $0 { true } else { false } }
            return areBooleans ? RowBounds(rows) : orForeign(rows)
        case (.number, .datetime):
            // Two texts may mean one moment: those that are equal as texts are among the rows with the moment.
            let moments = values.compactMap { value -> ExactNumber? in
                guard case .string(let bytes) = value else { return nil }
                return DateTime(String(decoding: bytes, as: UTF8.self))?.exactNumber
            }
            guard case .number(let part) = content else { return nil }
            return RowBounds(
                certain: .empty, possible: try part.rows(equalToAny: moments).union(foreign))
        case (.number(let part), _): return orForeign(try part.rows(equalToAny: numbers))
        case (.geo, _), (.text, _): return nil
        }
    }

    private func other(than values: [MatchValue]) throws(DatabaseError) -> RowBounds? {
        switch content {
        case .keyword(let part):
            let rows = try part.rows(otherThan: values, own: own)
            // Of a boolean index, rows with other scalars have a value that may be none of these.
            return type == .keyword ? RowBounds(rows) : orForeign(rows)
        case .number(let part):
            if type == .datetime { return RowBounds(certain: .empty, possible: own.union(foreign)) }
            let numbers = values.compactMap { value in
                if case .number(let number) = value { number } else { nil }
            }
            return orForeign(try part.rows(otherThan: numbers))
        case .geo, .text: return nil
        }
    }

    private func within(_ range: RangeTest) throws(DatabaseError) -> RowBounds? {
        switch (content, range.kind) {
        case (.keyword(let part), _):
            if type == .bool { return RowBounds(certain: .empty, possible: foreign) }
            return RowBounds(try part.rows { range.contains($0) })
        case (.number(let part), .dateTime):
            // Every text that is a moment is held by an index of moments.
            return type == .datetime
                ? RowBounds(try part.rows(in: range)) : RowBounds(certain: .empty, possible: foreign)
        case (.number(let part), .number):
            return type == .datetime
                ? RowBounds(certain: .empty, possible: foreign) : orForeign(try part.rows(in: range))
        case (.geo, _), (.text, _): return nil
        }
    }

    private func having(_ matcher: WordMatcher) throws(DatabaseError) -> RowBounds? {
        switch content {
        case .text(let index):
            // Of another index on the key, dropped meanwhile: its terms are not those of the condition.
            guard matcher.analysis == analysis else { return nil }
            let match = try index.rows(matching: matcher)
            return RowBounds(certain: match.certain, possible: match.certain.union(match.candidates))
        case .keyword(let part) where type == .keyword:
            return RowBounds(try part.rows { matcher.matches($0) })
        case .number where type == .datetime:
            return RowBounds(certain: .empty, possible: own.union(foreign))
        case .keyword, .number: return RowBounds(certain: .empty, possible: foreign)
        case .geo: return nil
        }
    }

    private func within(_ shape: GeoShape) throws(DatabaseError) -> RowBounds? {
        guard case .geo(let part) = content else { return nil }
        return RowBounds(try part.rows(in: shape))
    }

    private func rows(withValues range: RangeTest) throws(DatabaseError) -> PointSet {
        let several = try parts.column(4, as: UInt32.self)
        let matching = PointSetAccumulator()
        let all = PointSetAccumulator()
        for index in 0..<(several.count / 2) {
            let row = several[2 * index]
            try parts.check(row)
            all.insert(row)
            if range.contains(count: Int(several[2 * index + 1])) { matching.insert(row) }
        }
        if range.contains(count: 0) { matching.insert(empties) }
        if range.contains(count: 1) {
            matching.insert(PointSet(rows).subtracting(empties).subtracting(all.finish()))
        }
        return matching.finish()
    }

    /// The inverted index, if this is one of texts that were taken apart in this way.
    package func text(_ wanted: TextAnalysis) -> TextIndex? {
        if case .text(let index) = content, analysis == wanted { index } else { nil }
    }

    // MARK: Facets

    /// Adds how many of some rows have each value.
    ///
    /// - Returns: false when the index does not hold every value, or when looking at the rows costs less.
    package func count(
        valuesOf wanted: PointSet, into counts: inout [MatchValue: Int]
    ) throws(DatabaseError) -> Bool {
        guard type == .keyword, case .keyword(let part) = content, part.count <= 64 + 4 * wanted.count
        else { return false }
        for index in 0..<part.count {
            let count = try part.rows(at: index).intersectionCount(wanted)
            if count > 0 { counts[try part.value(at: index), default: 0] += count }
        }
        return true
    }
}
