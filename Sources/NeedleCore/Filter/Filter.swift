// Filters as values: what a client asked for, checked for shape but not yet for cost. Evaluation is NeedlePayloads'.

/// A value a condition compares with.
package enum MatchValue: Hashable, Sendable {
    case string([UInt8])
    case number(ExactNumber)
    case bool(Bool)
}

/// A range of numbers or of moments. At least one bound; bounds are all of one kind.
package struct RangeTest: Hashable, Sendable {
    /// A bound and whether it belongs to the range.
    package struct Bound: Hashable, Sendable {
        package var value: ExactNumber
        package var isInclusive: Bool

        package init(value: ExactNumber, isInclusive: Bool) {
            self.value = value
            self.isInclusive = isInclusive
        }
    }

    /// What the bounds are: plain numbers, or RFC 3339 date-times as `DateTime.exactNumber`.
    package enum Kind: Hashable, Sendable {
        case number
        case dateTime
    }

    package var kind: Kind
    package var lower: Bound?
    package var upper: Bound?

    package init(kind: Kind, lower: Bound?, upper: Bound?) {
        precondition(lower != nil || upper != nil, "a range has at least one bound")
        self.kind = kind
        self.lower = lower
        self.upper = upper
    }
}

/// Words that a text is looked for.
package struct WordTest: Hashable, Sendable {
    /// Raw values are the protocol's.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Every word occurs somewhere.
        case text
        /// The words occur in this order, next to each other.
        case phrase
        /// Every word occurs, the last one perhaps as the beginning of another.
        case prefix
    }

    package var kind: Kind
    /// UTF-8.
    package var text: [UInt8]

    package init(_ kind: Kind, _ text: [UInt8]) {
        self.kind = kind
        self.text = text
    }
}

/// One condition of a filter.
package indirect enum Condition: Hashable, Sendable {
    /// At least one value at the key is among these.
    case matchAny(FieldPath, [MatchValue])
    /// At least one value at the key is none of these.
    case matchExcept(FieldPath, [MatchValue])
    case range(FieldPath, RangeTest)
    /// At least one text at the key has the words.
    case words(FieldPath, WordTest)
    /// A value at the key is a place within the shape: an object with the numbers `lat` and `lon`.
    case geo(FieldPath, GeoShape)
    /// The number of values at the key lies in a range of numbers. A missing key, null and `[]` have none.
    case valuesCount(FieldPath, RangeTest)
    case isNull(FieldPath)
    /// Missing, null or `[]`.
    case isEmpty(FieldPath)
    case hasID(Set<PointID>)
    /// The filter holds for at least one object at the key, whose members its keys name.
    case nested(FieldPath, Filter)
    case filter(Filter)
}

/// `{"must", "should", "must_not", "min_should"}`. Absent or empty parts do not restrict.
package struct Filter: Hashable, Sendable {
    /// At least `minimumCount` of the conditions hold.
    package struct MinimumShould: Hashable, Sendable {
        package var conditions: [Condition]
        package var minimumCount: Int

        package init(conditions: [Condition], minimumCount: Int) {
            self.conditions = conditions
            self.minimumCount = minimumCount
        }
    }

    package var must: [Condition]
    package var should: [Condition]
    package var mustNot: [Condition]
    package var minimumShould: MinimumShould?

    package init(
        must: [Condition] = [], should: [Condition] = [], mustNot: [Condition] = [],
        minimumShould: MinimumShould? = nil
    ) {
        self.must = must
        self.should = should
        self.mustNot = mustNot
        self.minimumShould = minimumShould
    }

    /// How large a filter may be (invariant 12).
    package enum Limit {
        /// UTF-8 bytes of a text whose words are looked for.
        package static let wordBytes = 8192
        /// Filters within filters, the outermost counted.
        package static let depth = 16
        /// Conditions at all depths.
        package static let conditions = 512
        /// Vertices of one polygon, its holes included.
        package static let vertices = 10_000
    }

    /// Whether there is no condition at any depth: such a filter matches everything, and a deletion refuses it.
    package var holdsNoCondition: Bool {
        (must + should + mustNot + (minimumShould?.conditions ?? [])).allSatisfy { condition in
            switch condition {
            case .filter(let inner): inner.holdsNoCondition
            default: false
            }
        }
    }
}
