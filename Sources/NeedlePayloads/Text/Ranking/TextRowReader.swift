package import NeedleCore

/// Reads from payloads what rows that no index covers hold of a query's words.
///
/// Strings at a key count, members of arrays one by one, as in a text index; anything else has no words. Not thread
/// safe.
package struct TextRowReader {
    private let query: KeywordQuery
    private let paths: [FieldPath]
    private let keys: [[UInt8]]
    private var terms = TextTerms()

    /// - Parameter paths: the keys of the query's fields, in their order.
    package init(_ query: KeywordQuery, paths: [FieldPath]) {
        precondition(query.fields.count == paths.count, "a key for each field")
        self.query = query
        self.paths = paths
        var keys: [[UInt8]] = []
        for path in paths where !keys.contains(path.segments[0].key) { keys.append(path.segments[0].key) }
        self.keys = keys
    }

    /// - Throws: when the payload is no JSON object.
    package mutating func read(payload: Span<UInt8>, row: UInt32) throws(JSONError) -> ScannedRow {
        let fields = try RowFields(decoding: payload, keys: keys, id: nil)
        var result = ScannedRow(row: row, query: query)
        for (number, path) in paths.enumerated() {
            _ = fields.anyValue(at: path) { value in
                if case .string(let text) = value {
                    result.add(text.utf8.span, field: number, of: query, scratch: &terms)
                }
                return false
            }
        }
        return result
    }
}
