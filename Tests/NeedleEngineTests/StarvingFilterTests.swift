import Glibc
import NeedleCore
import NeedleEngine
import Testing

/// As many points come back as are wanted or match, and the right ones, for any filter.
@Suite struct StarvingFilterTests {
    /// 10,000 filters in the long form.
    private static let filters = getenv("NEEDLETAIL_LONG") == nil ? 1_500 : 10_000

    private struct Item {
        var id: UInt64
        var vector: [Float]
        var color: String
        var size: Int
        var tags: [Int]

        init(_ id: Int, _ vector: [Float]) {
            (self.id, self.vector) = (UInt64(id), vector)
            // Colours follow the clusters, so filters may lie where the query does, or on the other side.
            color = ["red", "green", "blue", "grey"][id % 16 / 4]
            size = id * 7919 % 1000
            tags = id % 9 == 0 ? [] : [id % 5, id % 7]
        }

        var write: PointWrite {
            let tags = tags.map(String.init).joined(separator: ",")
            return point(
                id, vector, #"{"color":"\#(color)","size":\#(size),"tags":[\#(tags)],"note":\#(id % 50)}"#)
        }
    }

    /// A condition, and what it says of an item.
    private struct Leaf {
        var condition: Condition
        var holds: (Item) -> Bool
    }

    private static func path(_ key: String) -> FieldPath { FieldPath(key: key) }

    private static func leaf(_ random: inout SeededGenerator) -> Leaf {
        switch Int.random(in: 0..<8, using: &random) {
        case 0, 1:
            let color = ["red", "green", "blue", "none"].randomElement(using: &random) ?? "red"
            let value = MatchValue.string(Array(color.utf8))
            return Bool.random(using: &random)
                ? Leaf(condition: .matchAny(path("color"), [value])) { $0.color == color }
                : Leaf(condition: .matchExcept(path("color"), [value])) { $0.color != color }
        case 2, 3:
            let low = Int.random(in: -5..<1000, using: &random)
            let high = low + ([1, 4, 30, 300].randomElement(using: &random) ?? 1)
            let range = RangeTest(
                kind: .number, lower: .init(value: ExactNumber(Int64(low)), isInclusive: true),
                upper: .init(value: ExactNumber(Int64(high)), isInclusive: false))
            return Leaf(condition: .range(path("size"), range)) { (low..<high).contains($0.size) }
        case 4, 5:
            let tag = Int.random(in: 0..<8, using: &random)
            return Leaf(condition: .matchAny(path("tags"), [.number(ExactNumber(Int64(tag)))])) {
                $0.tags.contains(tag)
            }
        case 6:
            let note = Int.random(in: 0..<60, using: &random)
            return Leaf(condition: .matchAny(path("note"), [.number(ExactNumber(Int64(note)))])) {
                Int($0.id % 50) == note
            }
        default:
            let ids = (0..<Int.random(in: 0..<12, using: &random)).map { _ in
                UInt64.random(in: 0..<2600, using: &random)
            }
            return Leaf(condition: .hasID(Set(ids.map { PointID($0) }))) { ids.contains($0.id) }
        }
    }

    private static func filter(_ random: inout SeededGenerator) -> (filter: Filter, holds: (Item) -> Bool) {
        let must = (0..<Int.random(in: 0...2, using: &random)).map { _ in leaf(&random) }
        let should = (0..<([0, 0, 1, 2, 3].randomElement(using: &random) ?? 0)).map { _ in leaf(&random) }
        let mustNot = (0..<([0, 0, 1].randomElement(using: &random) ?? 0)).map { _ in leaf(&random) }
        let filter = Filter(
            must: must.map(\.condition), should: should.map(\.condition), mustNot: mustNot.map(\.condition))
        return (
            filter,
            { item in
                must.allSatisfy { $0.holds(item) } && (should.isEmpty || should.contains { $0.holds(item) })
                    && !mustNot.contains { $0.holds(item) }
            }
        )
    }

    /// Sealed and growing segments, indexes on some keys, deletions, replaced points and a tail that no graph and no index
    /// covers.
    private func filled() throws -> (TestDatabase, [Item]) {
        var options = TestDatabase.smallOptions
        options.growingRows = 1200
        let database = try TestDatabase(options: options)
        let collection = try database.create(size: 8)
        var items = clusteredVectors(2500, dimension: 8, seed: 50).enumerated().map { Item($0, $1) }
        try collection.upsert(items[..<2300].map(\.write))
        for (key, type) in [("color", FieldIndexType.keyword), ("size", .integer), ("tags", .keyword)] {
            _ = try collection.createIndex(FieldIndexDefinition(path: Self.path(key), type: type))
        }
        database.settle()
        for id in 100..<180 { items[id] = Item(id, items[id + 900].vector) }
        try collection.upsert(items[2300...].map(\.write) + items[100..<180].map(\.write))
        try collection.delete(.ids((600..<700).map { PointID(UInt64($0)) }))
        items.removeAll { (600..<700).contains(Int($0.id)) }
        return (database, items)
    }

    @Test func asManyAsMatchComeBack() throws {
        let (database, items) = try filled()
        let collection = try database.collection()
        let queries = clusteredVectors(64, dimension: 8, seed: 50)
        var random = SeededGenerator(seed: 51)
        var starved = 0
        for number in 0..<Self.filters {
            let (filter, holds) = Self.filter(&random)
            let matching = Set(items.filter(holds).map { PointID($0.id) })
            let limit = [1, 10, 10, 30, 100].randomElement(using: &random) ?? 10
            let effort: SearchEffort =
                [.standard, .standard, .ef(16), .recall(0.9), .exact].randomElement(using: &random)
                ?? .standard
            let result = try collection.search(
                queries[number % 64], limit: limit, effort: effort, filter: filter)
            #expect(result.hits.count == min(limit, matching.count), "\(limit) \(effort) \(filter)")
            #expect(Set(result.ids).count == result.hits.count && result.ids.allSatisfy(matching.contains))
            #expect(zip(result.scores, result.scores.dropFirst()).allSatisfy { $0 >= $1 })
            if matching.count < limit { starved += 1 }
            guard result.hits.count == min(limit, matching.count) else { return }
        }
        #expect(starved > Self.filters / 10, "filters that leave less than is wanted are among them")
    }
}
