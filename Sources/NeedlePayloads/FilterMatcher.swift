package import NeedleCore

/// A filter ready to be asked about one payload after another.
///
/// This is the evaluation by scanning: the way for conditions without an index, and what every other way has to agree
/// with. A payload is walked once: values under the top-level keys
/// that the filter names are decoded, the rest is skipped. O(payload bytes) per row. A value type; safe to share.
package struct FilterMatcher: Sendable {
    private let filter: Filter
    /// Top-level keys that some condition looks under, each once.
    private let keys: [[UInt8]]
    private let needsID: Bool
    private let words: [WordTest: WordMatcher]

    package init(_ filter: Filter) {
        self.filter = filter
        var survey = FilterSurvey()
        survey.visit(filter)
        keys = survey.keys
        needsID = survey.needsID
        words = survey.words
    }

    /// Whether the filter asks for ids, so that a caller need not build one for nothing.
    package var asksForID: Bool { needsID }

    /// - Parameters:
    ///   - payload: a compact JSON object, as it is stored.
    ///   - id: the row's id, needed when `asksForID`.
    /// - Throws: when the payload is no JSON object: then the stored data is damaged.
    package func matches(payload: Span<UInt8>, id: PointID?) throws(JSONError) -> Bool {
        if keys.isEmpty { return evaluate(filter, RowFields(values: [], id: id)) }
        return evaluate(filter, try RowFields(decoding: payload, keys: keys, id: id))
    }

    // MARK: Evaluation

    private func evaluate(_ filter: Filter, _ row: RowFields) -> Bool {
        guard filter.must.allSatisfy({ holds($0, row) }) else { return false }
        guard filter.should.isEmpty || filter.should.contains(where: { holds($0, row) }) else { return false }
        guard !filter.mustNot.contains(where: { holds($0, row) }) else { return false }
        if let minimum = filter.minimumShould, !minimum.conditions.isEmpty {
            return minimum.conditions.count(where: { holds($0, row) }) >= minimum.minimumCount
        }
        return true
    }

    private func holds(_ condition: Condition, _ row: RowFields) -> Bool {
        switch condition {
        case .matchAny(let path, let wanted):
            row.anyValue(at: path) { value in wanted.contains { $0.equals(value) } }
        case .matchExcept(let path, let unwanted):
            row.anyValue(at: path) { value in
                value.isScalar && !unwanted.contains { $0.equals(value) }
            }
        case .range(let path, let range):
            row.anyValue(at: path) { range.contains($0) }
        case .words(let path, let test):
            row.anyValue(at: path) { value in words[test]?.matches(value) ?? false }
        case .geo(let path, let shape):
            row.anyValue(at: path) { value in GeoPoint(value).map(shape.contains) ?? false }
        case .valuesCount(let path, let range):
            range.contains(count: row.valueCount(at: path))
        case .isNull(let path):
            row.anyNode(at: path) { $0 == .null }
        case .isEmpty(let path):
            !row.anyNode(at: path) { $0 != .null && $0 != .array([]) }
        case .hasID(let ids):
            row.id.map(ids.contains) ?? false
        case .nested(let path, let inner):
            row.anyValue(at: path) { value in
                guard case .object(let members) = value else { return false }
                return evaluate(inner, RowFields(members: members, id: row.id))
            }
        case .filter(let inner):
            evaluate(inner, row)
        }
    }
}

/// Finds out what a filter needs of a row.
private struct FilterSurvey {
    var keys: [[UInt8]] = []
    var needsID = false
    var words: [WordTest: WordMatcher] = [:]

    mutating func visit(_ filter: Filter) {
        for condition in filter.must + filter.should + filter.mustNot {
            visit(condition)
        }
        for condition in filter.minimumShould?.conditions ?? [] {
            visit(condition)
        }
    }

    private mutating func visit(_ condition: Condition) {
        switch condition {
        case .matchAny(let path, _), .matchExcept(let path, _), .range(let path, _), .geo(let path, _),
            .valuesCount(let path, _), .isNull(let path), .isEmpty(let path):
            note(path)
        case .words(let path, let test):
            note(path)
            words[test] = WordMatcher(test)
        case .nested(let path, let inner):
            note(path)
            // The inner keys are those of members.
            var survey = FilterSurvey()
            survey.visit(inner)
            needsID = needsID || survey.needsID
            words.merge(survey.words) { first, _ in first }
        case .hasID: needsID = true
        case .filter(let inner): visit(inner)
        }
    }

    private mutating func note(_ path: FieldPath) {
        let key = path.segments[0].key
        if !keys.contains(key) { keys.append(key) }
    }
}
