package import NeedleCore

/// How many rows have each value at a key, from their payloads. A value type; safe to share.
package struct FacetScan: Sendable {
    private let values: ScalarValues

    package init(_ path: FieldPath) {
        values = ScalarValues(path)
    }

    /// Counts a row once for each of its distinct values: strings, numbers by value, booleans.
    ///
    /// - Throws: when the payload is no JSON object.
    package func count(payload: Span<UInt8>, into counts: inout [MatchValue: Int]) throws(JSONError) {
        for value in try values.values(payload: payload) { counts[value, default: 0] += 1 }
    }

    /// Most frequent first, then by value.
    package static func mostFrequent(_ counts: [MatchValue: Int], limit: Int) -> [FacetValue] {
        let all = counts.map { FacetValue(value: $0.key, count: $0.value) }
        return Array(
            all.sorted { $0.count != $1.count ? $0.count > $1.count : $0.value < $1.value }.prefix(limit))
    }
}
