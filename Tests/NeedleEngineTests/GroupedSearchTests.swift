import NeedleCore
import NeedleEngine
import Testing

/// Searches whose points come in groups.
@Suite struct GroupedSearchTests {
    private func path(_ key: String) throws -> FieldPath { try FieldPath(parsing: key) }

    /// A point as the tests know it.
    private struct Item {
        var id: UInt64
        var vector: [Float]
        var values: [Int]
    }

    private func write(_ items: [Item], to collection: Collection) throws {
        try collection.upsert(
            items.map { item in
                let values = item.values.map { #""v\#($0)""# }.joined(separator: ",")
                let payload = item.values.isEmpty ? "{}" : #"{"g":[\#(values)],"n":\#(item.id)}"#
                return point(item.id, item.vector, payload)
            })
    }

    private func items(_ count: Int, values: Int, seed: UInt64) -> [Item] {
        var random = SeededGenerator(seed: seed)
        let vectors = clusteredVectors(count, dimension: 8, seed: seed)
        return vectors.enumerated().map { id, vector in
            // Small values are frequent, great ones rare; some points have none or two.
            let value = min(
                Int.random(in: 0..<values, using: &random), Int.random(in: 0..<values, using: &random))
            let few = id % 13 == 0 ? [] : id % 17 == 0 ? [value, (value + 1) % values] : [value]
            return Item(id: UInt64(id), vector: vector, values: few)
        }
    }

    /// To the precision of scores, so that what looks like a tie is one.
    private func distance(_ a: [Float], _ b: [Float]) -> Float {
        Float(
            zip(a, b).reduce(0.0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
                .squareRoot())
    }

    private func expected(
        _ items: [Item], near query: [Float], groups: Int, size: Int
    ) -> [(value: String, ids: [PointID])] {
        let sorted = items.map { (item: $0, distance: distance($0.vector, query)) }
            .sorted { $0.distance != $1.distance ? $0.distance < $1.distance : $0.item.id < $1.item.id }
        var order: [Int] = []
        var members: [Int: [PointID]] = [:]
        for (item, _) in sorted {
            for value in item.values.sorted(by: { "v\($0)" < "v\($1)" }) {
                if members[value] == nil { order.append(value) }
                members[value, default: []].append(PointID(item.id))
            }
        }
        return order.prefix(groups).map { ("v\($0)", Array((members[$0] ?? []).prefix(size))) }
    }

    private func name(_ value: MatchValue) -> String {
        if case .string(let bytes) = value { String(decoding: bytes, as: UTF8.self) } else { "?" }
    }

    private func search(
        _ collection: Collection, _ query: [Float], groups: Int, size: Int, effort: SearchEffort = .exact,
        filter: Filter? = nil, configure: (inout SearchQuery) -> Void = { _ in }
    ) throws -> GroupedResult {
        var search = SearchQuery(target: .vector(query), limit: groups, filter: filter, effort: effort)
        configure(&search)
        return try collection.searchGroups(
            search, by: Grouping(path: path("g"), size: size), context: OperationContext())
    }

    /// With and without an index, in several segments and a tail, against putting everything into groups.
    @Test(arguments: [false, true])
    func exactlyTheNearestOfEachValue(isIndexed: Bool) throws {
        var options = TestDatabase.smallOptions
        options.growingRows = 1500
        let database = try TestDatabase(options: options)
        let collection = try database.create(size: 8, metric: .euclid)
        if isIndexed {
            _ = try collection.createIndex(FieldIndexDefinition(path: path("g"), type: .keyword))
        }
        var items = items(4000, values: 300, seed: 20)
        try write(Array(items[..<3600]), to: collection)
        database.settle()
        try write(Array(items[3600...]), to: collection)
        try collection.delete(.ids((500..<700).map { PointID(UInt64($0)) }))
        items.removeAll { (500..<700).contains(Int($0.id)) }
        for query in clusteredVectors(5, dimension: 8, seed: 21) {
            for (groups, size) in [(1, 1), (10, 3), (40, 1), (1000, 2), (5, 200)] {
                let expected = expected(items, near: query, groups: groups, size: size)
                let result = try search(collection, query, groups: groups, size: size)
                #expect(result.groups.map { name($0.value) } == expected.map(\.value), "\(groups) × \(size)")
                #expect(result.groups.map { $0.hits.map(\.record.id) } == expected.map(\.ids))
            }
        }
    }

    /// One value has all that is near: rounds that leave it out find the others.
    @Test func asManyGroupsAsThereAreValues() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 8, metric: .euclid)
        var items = items(3000, values: 1, seed: 22).map { item in
            var item = item
            item.values = [0]
            return item
        }
        for value in 1...9 {
            items.append(
                Item(
                    id: UInt64(5000 + value), vector: Array(repeating: Float(90 + value), count: 8),
                    values: [value, 0]))
        }
        try write(items, to: collection)
        database.settle()
        for effort in [SearchEffort.exact, .standard] {
            let result = try search(collection, items[0].vector, groups: 10, size: 2, effort: effort)
            #expect(result.groups.map { name($0.value) } == (0...9).map { "v\($0)" })
            #expect(result.groups.map(\.hits.count) == [2] + Array(repeating: 1, count: 9))
            let few = try search(collection, items[0].vector, groups: 4, size: 2, effort: effort) {
                $0.offset = 5
            }
            #expect(few.groups.map { name($0.value) } == ["v5", "v6", "v7", "v8"])
        }
    }

    @Test func filtersAndThresholds() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 8, metric: .euclid)
        let items = items(2000, values: 20, seed: 23)
        try write(items, to: collection)
        database.settle()
        let bound = RangeTest.Bound(value: ExactNumber(500 as Int64), isInclusive: false)
        let filter = Filter(must: [.range(try path("n"), RangeTest(kind: .number, lower: nil, upper: bound))])
        let query = items[7].vector
        let expected = expected(items.filter { $0.id < 500 }, near: query, groups: 30, size: 4)
        let result = try search(collection, query, groups: 30, size: 4, filter: filter)
        #expect(result.groups.map { name($0.value) } == expected.map(\.value))
        #expect(result.groups.map { $0.hits.map(\.record.id) } == expected.map(\.ids))
        let threshold = try #require(result.groups[3].hits.first?.score)
        let cut = try search(collection, query, groups: 30, size: 4, filter: filter) {
            $0.scoreThreshold = threshold
        }
        #expect(cut.groups.count == 4 && cut.groups.flatMap(\.hits).allSatisfy { $0.score <= threshold })
        let nothing = try search(collection, query, groups: 30, size: 4, filter: Filter(must: [.hasID([])]))
        #expect(nothing.groups.isEmpty && nothing.complete)
    }

    @Test func valuesAreNumbersAndBooleansToo() throws {
        let collection = try TestDatabase().create()
        try collection.upsert([
            point(1, [1, 0, 0, 0], #"{"g":1}"#), point(2, [1, 0.1, 0, 0], #"{"g":1.0}"#),
            point(3, [1, 0.2, 0, 0], #"{"g":true}"#), point(4, [1, 0.3, 0, 0], #"{"g":"1"}"#),
            point(5, [1, 0.4, 0, 0], #"{"g":null}"#), point(6, [1, 0.5, 0, 0], #"{"g":{"h":1}}"#),
        ])
        let result = try search(collection, [1, 0, 0, 0], groups: 10, size: 10)
        #expect(result.groups.map(\.value) == [.number(ExactNumber(1.0)), .bool(true), .string([0x31])])
        #expect(
            result.groups.map { $0.hits.map(\.record.id) } == [
                [PointID(1), PointID(2)], [PointID(3)], [PointID(4)],
            ])
        var byPoint = SearchQuery(target: .point(PointID(1)))
        byPoint.explains = true
        let other = try collection.searchGroups(
            byPoint, by: Grouping(path: path("g"), size: 1), context: OperationContext())
        #expect(other.groups.first?.hits.map(\.record.id) == [PointID(2)] && other.explanation != nil)
    }
}
