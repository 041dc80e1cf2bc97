import NeedleCore

/// A field index of a run: one of two keys of the contents' payloads, with one of three types. Some types hold all of a
/// key's values, others none.
struct Index: Hashable, Sendable {
    /// 0: `n`, 1: `text`.
    var key: Int
    /// One of the key's types.
    var type: Int

    static let keys = ["n", Contents.textKey]
    private static let types: [[FieldIndexType]] = [
        [.integer, .keyword, .text], [.text, .keyword, .integer],
    ]

    var definition: FieldIndexDefinition {
        let type = Self.types[key][type % 3]
        return FieldIndexDefinition(
            path: FieldPath(key: Self.keys[key]), type: type, isTenant: type == .keyword && key == 0,
            text: type == .text ? TextIndexOptions() : nil)
    }

    /// Of one that a collection tells of; `nil` when a run cannot have made it.
    init?(_ definition: FieldIndexDefinition) {
        guard let key = Self.keys.firstIndex(of: definition.path.text),
            let type = Self.types[key].firstIndex(of: definition.type)
        else { return nil }
        self.init(key: key, type: type)
        guard self.definition == definition else { return nil }
    }

    init(key: Int, type: Int) {
        self.key = key
        self.type = type % 3
    }
}

/// A filter over the contents' payloads, and the payloads that it matches, told without one.
struct Question {
    var filter: Filter
    var matches: (_ payload: Int) -> Bool

    static let count = 8 * 8

    /// - Parameter number: 0 … `count` − 1, another filter each.
    init(_ number: Int) {
        let n = number % 8
        let key = FieldPath(key: Index.keys[0])
        let textKey = FieldPath(key: Index.keys[1])
        let low = RangeTest(
            kind: .number, lower: RangeTest.Bound(value: ExactNumber(Int64(n)), isInclusive: true), upper: nil
        )
        let equals = Condition.matchAny(key, [.number(ExactNumber(Int64(n)))])
        let long = Contents.text(of: 8 * n + n)
        let isText = Condition.matchAny(textKey, [.string(Array((long ?? "").utf8))])
        switch number / 8 % 8 {
        case 0: (filter, matches) = (Filter(must: [equals]), { Contents.n(of: $0) == n })
        case 1: (filter, matches) = (Filter(must: [.range(key, low)]), { Contents.n(of: $0) >= n })
        case 2:
            filter = Filter(must: [.range(key, low)], mustNot: [equals])
            matches = { Contents.n(of: $0) > n }
        case 3:
            filter = Filter(should: [equals, isText])
            matches = { Contents.n(of: $0) == n || Contents.text(of: $0) == long }
        case 4: (filter, matches) = (Filter(must: [.isEmpty(textKey)]), { Contents.text(of: $0) == nil })
        case 5:
            filter = Filter(must: [isText])
            matches = { Contents.text(of: $0) == long }
        case 6:
            filter = Filter(must: [.matchExcept(key, [.number(ExactNumber(Int64(n)))])], mustNot: [isText])
            matches = { Contents.n(of: $0) != n && Contents.text(of: $0) != long }
        default:
            // A text of no letters has no word, and is found by none.
            filter = Filter(must: [.words(textKey, WordTest(.prefix, Array("xx".utf8)))])
            matches = { (Contents.text(of: $0)?.utf8.count ?? 0) >= 2 }
        }
    }
}
