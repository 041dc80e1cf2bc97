import NeedleCore
import NeedleEngine
import Testing

/// What searches say of themselves.
@Suite struct ExplainTests {
    private func path(_ key: String) throws -> FieldPath { try FieldPath(parsing: key) }

    private func filled(_ count: Int = 3000, size: Int = 8) throws -> (TestDatabase, Collection) {
        let database = try TestDatabase()
        let collection = try database.create(size: size)
        let vectors = clusteredVectors(count, dimension: size, seed: 90)
        try collection.upsert(
            vectors.enumerated().map { id, vector in
                point(
                    UInt64(id), vector,
                    #"{"color":"\#(["red", "green", "blue"][id % 3])","size":\#(id % 100)}"#)
            })
        _ = try collection.createIndex(FieldIndexDefinition(path: path("color"), type: .keyword))
        _ = collection.optimize()
        database.settle()
        return (database, collection)
    }

    private func explained(
        _ collection: Collection, limit: Int = 10, effort: SearchEffort = .standard, filter: Filter? = nil,
        configure: (inout SearchQuery) -> Void = { _ in }
    ) throws -> (result: SearchResult, explanation: JSONValue) {
        let vector = clusteredVectors(1, dimension: 8, seed: 91)[0]
        let plain = try collection.search(
            vector, limit: limit, effort: effort, filter: filter, configure: configure)
        #expect(plain.explanation == nil)
        let result = try collection.search(vector, limit: limit, effort: effort, filter: filter) {
            configure(&$0)
            $0.explains = true
        }
        #expect(result.ids == plain.ids && result.scores == plain.scores && result.strategy == plain.strategy)
        return (result, try #require(result.explanation))
    }

    private func red() throws -> Condition { .matchAny(try path("color"), [.string(Array("red".utf8))]) }

    private func size(upTo most: Int64) throws -> Condition {
        let bound = RangeTest.Bound(value: ExactNumber(most), isInclusive: true)
        return .range(try path("size"), RangeTest(kind: .number, lower: nil, upper: bound))
    }

    @Test func conditionsAreCountedOneByOne() throws {
        let (database, collection) = try filled()
        try collection.upsert(
            (5000..<5100).map { point(UInt64($0), Array(repeating: 1, count: 8), #"{"color":"red"}"#) })
        try collection.delete(.ids((0..<30).map { PointID(UInt64($0)) }))
        _ = database
        let inner = Filter(should: [try size(upTo: 4), .hasID([PointID(100), PointID(5)])])
        let filter = Filter(must: [try red(), .filter(inner)], mustNot: [.isNull(try path("size"))])
        let explanation = try explained(collection, filter: filter).explanation
        let whole = try #require(explanation["filter"])
        #expect(whole["matching"]?.integerValue == (try collection.count(filter)))
        let leaves = try #require(whole["leaves"]?.arrayValue)
        #expect(
            leaves.map { $0["at"]?.stringValue } == [
                "must[0]", "must[1].should[0]", "must[1].should[1]", "must_not[0]",
            ])
        #expect(leaves.map { $0["condition"]?.stringValue } == ["match", "range", "has_id", "is_null"])
        #expect(leaves.map { $0["index"]?.stringValue } == ["keyword", nil, nil, nil])
        #expect(leaves.map { $0["way"]?.stringValue } == ["index_and_scan", "scan", "index", "scan"])
        let conditions: [Condition] = [
            try red(), try size(upTo: 4), .hasID([PointID(100), PointID(5)]), .isNull(try path("size")),
        ]
        for (leaf, condition) in zip(leaves, conditions) {
            #expect(leaf["matching"]?.integerValue == (try collection.count(Filter(must: [condition]))))
        }
        // 1000 in the index, of which 10 are dead, and half of the 100 rows behind it.
        #expect(leaves[0]["estimated"]?.integerValue == 1050 && leaves[0]["scanned"]?.integerValue == 100)
    }

    @Test func aGraphCountsWhatItMeets() throws {
        let (_, collection) = try filled()
        let (result, explanation) = try explained(collection, effort: .ef(64))
        #expect(result.strategy == .graph && explanation["filter"] == nil && explanation["words"] == nil)
        let segment = try #require(explanation["segments"]?.arrayValue?.first)
        #expect(segment["strategy"]?.stringValue == "graph" && segment["ef"]?.integerValue == 64)
        #expect(segment["state"]?.stringValue == "sealed" && segment["rows"]?.integerValue == 3000)
        let visited = try #require(segment["nodes_visited"]?.integerValue)
        let coded = try #require(segment["distances"]?["coded"]?.integerValue)
        #expect(visited >= 64 && visited < 3000 && coded == visited)
        #expect((24...64).contains(try #require(segment["rescored"]?.integerValue)))
        let phases = try #require(explanation["phases_us"]?.objectValue)
        #expect(phases.map(\.name) == ["target", "filter", "vectors", "points"])
        let wider = try explained(collection, effort: .ef(128)).explanation["segments"]?[0]
        #expect(try #require(wider?["nodes_visited"]?.integerValue) > visited)
    }

    @Test func anExactSearchComparesEveryRow() throws {
        let (_, collection) = try filled()
        let segment = try #require(try explained(collection, effort: .exact).explanation["segments"]?[0])
        #expect(
            segment["strategy"]?.stringValue == "exact"
                && segment["why"]?.stringValue == "exact was asked for")
        #expect(segment["nodes_visited"] == .number(.signed(0)))
        #expect(try #require(segment["distances"]?["full"]?.integerValue) >= 3000)
        #expect(segment["distances"]?["coded"] == .number(.signed(0)))
    }

    @Test func aFilteredSearchSaysWhichRowsItComparedAndWhy() throws {
        let (_, collection) = try filled()
        let few = try explained(collection, filter: Filter(must: [.hasID([PointID(1), PointID(2)])]))
            .explanation
        #expect(few["segments"]?[0]?["strategy"]?.stringValue == "originals")
        #expect(few["segments"]?[0]?["matching"]?.integerValue == 2)
        let many = try explained(collection, filter: Filter(must: [red()])).explanation
        let segment = try #require(many["segments"]?[0])
        #expect(["codes", "filtered_graph"].contains(segment["strategy"]?.stringValue))
        #expect(segment["why"]?.stringValue?.contains("a scan is estimated at") == true)
        #expect(try #require(segment["nodes_visited"]?.integerValue) > 0)
        #expect(many["filter"]?["way"]?.stringValue == "index")
    }

    @Test func wordsDiversityAndBatches() throws {
        let (_, collection) = try filled(200)
        let (_, explanation) = try explained(collection) {
            $0.hybrid = HybridSearch(text: "red", keys: [FieldPath(key: "color")])
            $0.diversity = Diversity()
        }
        #expect(explanation["words"]?["keys"]?[0]?["key"]?.stringValue == "color")
        #expect(explanation["words"]?["keys"]?[0]?["index"] == .null)
        #expect(
            explanation["phases_us"]?.objectValue?.map(\.name)
                == ["target", "filter", "vectors", "words", "mmr", "points"])
        var query = SearchQuery(target: .point(PointID(3)))
        query.explains = true
        let plain = SearchQuery(target: .point(PointID(3)))
        let batch = try collection.searchBatch([query, plain], context: OperationContext())
        #expect(batch[0].explanation != nil && batch[1].explanation == nil)
    }
}
