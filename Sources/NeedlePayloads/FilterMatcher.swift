package import NeedleCore

/// A filter ready to be asked about one payload after another.
///
/// This is the evaluation by scanning: the way for conditions without an index, and what every other way has to agree
/// with. A payload is walked once: values under the top-level keys
/// that the filter names are decoded, the rest is skipped. O(payload bytes) per row. A value type; safe to share.
package struct FilterMatcher: Sendable {
    private let filter: PreparedFilter
    /// Top-level keys that some condition looks under, each once.
    private let keys: [[UInt8]]
    private let needsID: Bool

    /// - Parameter analyses: of keys with a text index; others have plain words.
    package init(_ filter: Filter, analyses: [FieldPath: TextAnalysis] = [:]) {
        self.filter = PreparedFilter(filter, analyses: analyses)
        var survey = FilterSurvey()
        survey.visit(filter)
        keys = survey.keys
        needsID = survey.needsID
    }

    /// Whether the filter asks for ids, so that a caller need not build one for nothing.
    package var asksForID: Bool { needsID }

    /// - Parameters:
    ///   - payload: a compact JSON object, as it is stored.
    ///   - id: the row's id, needed when `asksForID`.
    /// - Throws: when the payload is no JSON object: then the stored data is damaged.
    package func matches(payload: Span<UInt8>, id: PointID?) throws(JSONError) -> Bool {
        if keys.isEmpty { return filter.holds(RowFields(values: [], id: id)) }
        return filter.holds(try RowFields(decoding: payload, keys: keys, id: id))
    }
}

/// Finds out what a filter needs of a row.
private struct FilterSurvey {
    var keys: [[UInt8]] = []
    var needsID = false

    mutating func visit(_ filter: Filter) {
        for condition in filter.must + filter.should + filter.mustNot {
            visit(condition)
        }
        for condition in filter.minimumShould?.conditions ?? [] {
            visit(condition)
        }
    }

    private mutating func visit(_ condition: Condition) {
        if let path = condition.path {
            let key = path.segments[0].key
            if !keys.contains(key) { keys.append(key) }
        }
        switch condition {
        case .nested(_, let inner):
            // The inner keys are those of members.
            var survey = FilterSurvey()
            survey.visit(inner)
            needsID = needsID || survey.needsID
        case .hasID: needsID = true
        case .filter(let inner): visit(inner)
        default: break
        }
    }
}
