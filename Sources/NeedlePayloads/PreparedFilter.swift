import NeedleCore

/// A filter whose conditions are ready to be asked about many rows: words are taken apart, values can be looked up.
struct PreparedFilter: Sendable {
    private let must: [PreparedCondition]
    private let should: [PreparedCondition]
    private let mustNot: [PreparedCondition]
    private let minimumShould: [PreparedCondition]
    private let minimumCount: Int

    /// - Parameter analyses: of keys with a text index; others have plain words.
    init(_ filter: Filter, analyses: [FieldPath: TextAnalysis]) {
        func prepared(_ conditions: [Condition]) -> [PreparedCondition] {
            conditions.map { PreparedCondition($0, analyses: analyses) }
        }
        must = prepared(filter.must)
        should = prepared(filter.should)
        mustNot = prepared(filter.mustNot)
        minimumShould = prepared(filter.minimumShould?.conditions ?? [])
        minimumCount = filter.minimumShould?.minimumCount ?? 0
    }

    func holds(_ row: RowFields) -> Bool {
        guard must.allSatisfy({ $0.holds(row) }) else { return false }
        guard should.isEmpty || should.contains(where: { $0.holds(row) }) else { return false }
        guard !mustNot.contains(where: { $0.holds(row) }) else { return false }
        return minimumShould.isEmpty || minimumShould.count(where: { $0.holds(row) }) >= minimumCount
    }
}

private indirect enum PreparedCondition: Sendable {
    case among(FieldPath, ValueSet)
    case otherThan(FieldPath, ValueSet)
    case words(FieldPath, WordMatcher)
    case nested(FieldPath, PreparedFilter)
    case filter(PreparedFilter)
    /// Nothing to prepare.
    case plain(Condition)

    init(_ condition: Condition, analyses: [FieldPath: TextAnalysis]) {
        switch condition {
        case .matchAny(let path, let values): self = .among(path, ValueSet(values))
        case .matchExcept(let path, let values): self = .otherThan(path, ValueSet(values))
        case .words(let path, let test):
            self = .words(path, WordMatcher(test, analyses[path] ?? .plain))
        // No index serves members of objects: their words are plain.
        case .nested(let path, let inner): self = .nested(path, PreparedFilter(inner, analyses: [:]))
        case .filter(let inner): self = .filter(PreparedFilter(inner, analyses: analyses))
        default: self = .plain(condition)
        }
    }

    func holds(_ row: RowFields) -> Bool {
        switch self {
        case .among(let path, let wanted): row.anyValue(at: path) { wanted.contains($0) }
        case .otherThan(let path, let unwanted):
            row.anyValue(at: path) { $0.isScalar && !unwanted.contains($0) }
        case .words(let path, let matcher): row.anyValue(at: path) { matcher.matches($0) }
        case .nested(let path, let inner):
            row.anyValue(at: path) { value in
                guard case .object(let members) = value else { return false }
                return inner.holds(RowFields(members: members, id: row.id))
            }
        case .filter(let inner): inner.holds(row)
        case .plain(let condition): Self.holds(condition, row)
        }
    }

    private static func holds(_ condition: Condition, _ row: RowFields) -> Bool {
        switch condition {
        case .range(let path, let range): row.anyValue(at: path) { range.contains($0) }
        case .geo(let path, let shape):
            row.anyValue(at: path) { value in GeoPoint(value).map(shape.contains) ?? false }
        case .valuesCount(let path, let range): range.contains(count: row.valueCount(at: path))
        case .isNull(let path): row.anyNode(at: path) { $0 == .null }
        case .isEmpty(let path): !row.anyNode(at: path) { $0 != .null && $0 != .array([]) }
        case .hasID(let ids): row.id.map(ids.contains) ?? false
        case .matchAny, .matchExcept, .words, .nested, .filter:
            preconditionFailure("these are prepared")
        }
    }
}

/// Values that a condition names: a few are compared one by one, many are looked up. O(1) but for a value's own length.
struct ValueSet: Sendable {
    private let few: [MatchValue]
    private let many: Set<MatchValue>

    private static let most = 8

    init(_ values: [MatchValue]) {
        let isFew = values.count <= Self.most
        few = isFew ? values : []
        many = isFew ? [] : Set(values)
    }

    /// Whether a value of a payload is among them: strings by bytes, numbers by value.
    func contains(_ value: JSONValue) -> Bool {
        if many.isEmpty { return few.contains { $0.equals(value) } }
        return MatchValue(value).map(many.contains) ?? false
    }
}
