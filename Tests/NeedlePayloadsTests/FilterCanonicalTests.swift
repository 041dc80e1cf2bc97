import NeedleCore
import NeedlePayloads
import Testing

/// Filters that mean the same become the same.
@Suite struct FilterCanonicalTests {
    private static func shuffled(_ filter: Filter, _ random: inout SeededGenerator) -> Filter {
        let minimum = filter.minimumShould.map {
            Filter.MinimumShould(
                conditions: shuffled($0.conditions, &random), minimumCount: $0.minimumCount)
        }
        return Filter(
            must: shuffled(filter.must, &random), should: shuffled(filter.should, &random),
            mustNot: shuffled(filter.mustNot, &random), minimumShould: minimum)
    }

    private static func shuffled(_ conditions: [Condition], _ random: inout SeededGenerator) -> [Condition] {
        var result: [Condition] = []
        for condition in conditions.shuffled(using: &random) {
            switch condition {
            case .filter(let inner): result.append(.filter(shuffled(inner, &random)))
            case .nested(let path, let inner): result.append(.nested(path, shuffled(inner, &random)))
            case .matchAny(let path, let values):
                result.append(.matchAny(path, values.shuffled(using: &random)))
            case .matchExcept(let path, let values):
                result.append(.matchExcept(path, values.shuffled(using: &random)))
            default: result.append(condition)
            }
        }
        return result
    }

    @Test(arguments: 0..<300)
    func theOrderOfConditionsMakesNoDifference(seed: Int) {
        var generator = FilterGenerator(seed: UInt64(seed))
        let filter = generator.filter()
        let other = Self.shuffled(filter, &generator.random)
        #expect(FilterPlan(filter).filter == FilterPlan(other).filter, "\(filter)")
    }

    /// One condition, which is left alone, becomes what it becomes within another filter.
    @Test func oneConditionIsTheSameAloneAndWrapped() {
        var generator = FilterGenerator(seed: 2)
        for _ in 0..<300 {
            let condition = generator.condition(3)
            for alone in [Filter(must: [condition]), Filter(mustNot: [condition])] {
                let wrapped = Filter(must: [.filter(alone), .filter(Filter())])
                let plan = FilterPlan(wrapped).filter
                // A filter that forbids cannot be dissolved into the conditions that must hold.
                let inner: Filter =
                    if case .filter(let inner)? = plan.must.first, plan.must.count == 1 { inner } else {
                        plan
                    }
                #expect(FilterPlan(alone).filter == inner, "\(alone)")
            }
        }
    }

    @Test func differentConditionsStayApart() {
        var generator = FilterGenerator(seed: 1)
        var conditions: Set<Condition> = []
        while conditions.count < 300 { conditions.insert(generator.condition(3)) }
        let all = Array(conditions)
        for (left, right) in zip(all, all.dropFirst()) {
            let plan = FilterPlan(Filter(must: [left, right]))
            // A list of values loses what is there twice; nothing else is lost.
            #expect(
                plan.filter.must.count == 2 || Self.values(left) == Self.values(right), "\(left) \(right)")
        }
    }

    private static func values(_ condition: Condition) -> Set<MatchValue>? {
        switch condition {
        case .matchAny(_, let values), .matchExcept(_, let values): Set(values)
        default: nil
        }
    }

    /// Few values are compared one by one, many are looked up.
    @Test func manyValues() throws {
        let key = try FieldPath(parsing: "v")
        var generator = FilterGenerator(seed: 2)
        for count in [1, 8, 9, 40, 1000] {
            var values: [MatchValue] = []
            for number in 0..<count {
                switch generator.scalar() {
                case .string(let text): values.append(.string(Array("\(text)\(number % 20)".utf8)))
                case .bool(let flag): values.append(.bool(flag))
                default: values.append(.number(ExactNumber(Double(number) / 2)))
                }
            }
            for condition in [Condition.matchAny(key, values), .matchExcept(key, values)] {
                let filter = Filter(must: [condition])
                let (matcher, naive) = (FilterMatcher(filter), NaiveFilter(filter: filter))
                for number in 0..<300 {
                    let value: JSONValue =
                        switch number % 3 {
                        case 0: .string("red\(number % 20)")
                        case 1: .number(.double(Double(number) / 2))
                        default: generator.scalar()
                        }
                    let document = JSONValue.object([
                        .init("v", number % 7 == 0 ? .array([value, .null]) : value)
                    ])
                    #expect(
                        try matcher.matches(payload: document.utf8.span, id: nil)
                            == naive.matches(document, id: PointID(1)))
                }
            }
        }
    }
}
