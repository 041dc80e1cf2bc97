package import NeedleCore

/// The strings, numbers and booleans that rows have at a key, from their payloads: what facets count, groups are made of
/// and scrolls are ordered by. A value type; safe to share.
package struct ScalarValues: Sendable {
    package let path: FieldPath
    private let keys: [[UInt8]]

    package init(_ path: FieldPath) {
        self.path = path
        keys = [path.segments[0].key]
    }

    /// A row's distinct values.
    ///
    /// - Throws: when the payload is no JSON object.
    package func values(payload: Span<UInt8>) throws(JSONError) -> Set<MatchValue> {
        var found: Set<MatchValue> = []
        try forEach(payload) { found.insert($0) }
        return found
    }

    /// A row's least or greatest value.
    ///
    /// - Throws: when the payload is no JSON object.
    package func extreme(payload: Span<UInt8>, isGreatest: Bool) throws(JSONError) -> MatchValue? {
        var best: MatchValue?
        try forEach(payload) { value in
            guard let known = best else { return best = value }
            if isGreatest ? known < value : value < known { best = value }
        }
        return best
    }

    private func forEach(_ payload: Span<UInt8>, _ body: (MatchValue) -> Void) throws(JSONError) {
        let fields = try RowFields(decoding: payload, keys: keys, id: nil)
        _ = fields.anyValue(at: path) { value in
            if let scalar = MatchValue(value) { body(scalar) }
            return false
        }
    }
}
