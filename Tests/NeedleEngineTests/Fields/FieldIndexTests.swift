import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

@Suite struct FieldIndexTests {
    private static let colors = ["red", "green", "blue"]

    private func points(_ ids: Range<Int>, seed: UInt64 = 1) -> [PointWrite] {
        let vectors = clusteredVectors(ids.count, dimension: 4, seed: seed)
        return zip(ids, vectors).map { id, vector in
            let color = Self.colors[id % 3]
            let tags = id % 5 == 0 ? #"["a","b"]"# : #"["b"]"#
            return point(
                UInt64(id), vector,
                #"{"color":"\#(color)","size":\#(id % 100),"tags":\#(tags),"at":{"lat":\#(id % 90),"lon":\#(id % 180)}}"#
            )
        }
    }

    private func path(_ key: String) throws -> FieldPath { try FieldPath(parsing: key) }

    private func definition(_ key: String, _ type: FieldIndexType) throws -> FieldIndexDefinition {
        FieldIndexDefinition(path: try path(key), type: type)
    }

    private func string(_ text: String) -> MatchValue { .string(Array(text.utf8)) }

    private func filters() throws -> [Filter] {
        let ten = RangeTest.Bound(value: ExactNumber(10 as Int64), isInclusive: true)
        let circle = GeoShape.radius(center: GeoPoint(latitude: 40, longitude: 40), metres: 2_000_000)
        return [
            Filter(must: [.matchAny(try path("color"), [string("red")])]),
            Filter(must: [.range(try path("size"), RangeTest(kind: .number, lower: nil, upper: ten))]),
            Filter(
                must: [.matchExcept(try path("tags"), [string("b")])],
                mustNot: [.matchAny(try path("color"), [string("blue")])]),
            Filter(must: [.geo(try path("at"), circle), .matchAny(try path("color"), [string("green")])]),
            Filter(should: [.hasID([PointID(3), PointID(4)]), .isEmpty(try path("color"))]),
            Filter(must: [.valuesCount(try path("tags"), RangeTest(kind: .number, lower: nil, upper: ten))]),
        ]
    }

    /// Everything that a filter decides.
    private func answers(_ collection: Collection) throws -> [[PointID]] {
        var answers: [[PointID]] = []
        for filter in try filters() {
            let all = try collection.scrollAll(limit: 300, filter: filter).map(\.id)
            #expect(try collection.count(filter) == all.count)
            let found = try collection.search([1, 0.5, -0.2, 0.1], limit: 20, filter: filter).ids
            #expect(found.count == min(20, all.count))
            answers += [all, found]
        }
        return answers
    }

    private func indexFiles(_ database: TestDatabase) throws -> [String] {
        try database.disk.list("db/collections").flatMap { name in
            try database.disk.list("db/collections/\(name)").filter { $0.hasSuffix(".fields") }
                .map { "db/collections/\(name)/\($0)" }
        }
    }

    private let keys: [(String, FieldIndexType)] = [
        ("color", .keyword), ("size", .integer), ("tags", .keyword), ("at", .geo),
    ]

    /// The same writes with and without indexes: growing, frozen, sealed and merged, opened again and after a crash.
    @Test func indexesChangeNoAnswer() throws {
        var options = TestDatabase.smallOptions
        options.growingRows = 1500
        let plain = try TestDatabase(options: options)
        let indexed = try TestDatabase(options: options)
        _ = try plain.create()
        let collection = try indexed.create()
        for (key, type) in keys.prefix(2) { _ = try collection.createIndex(definition(key, type)) }
        func both(_ body: (Collection) throws -> Void) throws {
            try body(try plain.collection())
            try body(try indexed.collection())
        }
        func compare(_ what: String) throws {
            #expect(try answers(indexed.collection()) == answers(plain.collection()), "\(what)")
        }
        try both { _ = try $0.upsert(points(0..<1000)) }
        try compare("growing, not indexed yet")
        indexed.settle()
        plain.settle()
        for (key, type) in keys.suffix(2) { _ = try indexed.collection().createIndex(definition(key, type)) }
        try both { _ = try $0.upsert(points(800..<6000, seed: 2)) }
        try both { _ = try $0.delete(.filter(filters()[0])) }
        try compare("several segments")
        indexed.settle()
        plain.settle()
        try compare("sealed")
        #expect(try !indexFiles(indexed).isEmpty)
        #expect(try indexed.collection().listIndexes().allSatisfy { $0.state == .ready })
        try both { _ = try $0.upsert(points(5900..<6100, seed: 3)) }
        try indexed.reopen()
        try plain.reopen()
        try compare("opened again")
        var random = SeededGenerator(seed: 4)
        try indexed.crash(nil, using: &random)
        try compare("after a crash")
        #expect(try indexed.collection().listIndexes().map(\.definition.path.text) == keys.map(\.0))
        _ = try indexed.collection().optimize()
        indexed.settle()
        try compare("merged")
        let sealed = try indexed.collection().describe().segments.count { $0.state == .sealed }
        #expect(try indexFiles(indexed).count == sealed * keys.count, "one file for an index and a segment")
    }

    @Test func aDroppedIndexIsGoneForGood() throws {
        let database = try TestDatabase()
        let collection = try database.create()
        try collection.upsert(points(0..<500))
        let (lsn, job) = try collection.createIndex(definition("color", .keyword))
        #expect(lsn > .zero && collection.job(job.id)?.state == .running)
        _ = collection.optimize()
        database.settle()
        #expect(collection.job(job.id)?.state == .done)
        #expect(try indexFiles(database).count == 1)
        let error = #expect(throws: DatabaseError.self) {
            try collection.createIndex(definition("color", .bool))
        }
        #expect(error?.kind == .alreadyExists && error?.at == "key")
        #expect(try collection.dropIndex(path("\"color\"")) > lsn)
        #expect(collection.listIndexes().isEmpty)
        let missing = #expect(throws: DatabaseError.self) { try collection.dropIndex(path("color")) }
        #expect(missing?.kind == .notFound && missing?.at == "key")
        database.settle()
        #expect(try indexFiles(database).isEmpty)
        try database.reopen()
        #expect(try database.collection().listIndexes().isEmpty)
        // Another of the same name has nothing of the first one.
        _ = try database.collection().createIndex(definition("color", .bool))
        database.settle()
        #expect(try database.collection().count(filters()[0]) == 167)
    }

    /// A crash before any checkpoint: the log alone says which indexes there are.
    @Test(arguments: [LossModel?.none, .all])
    func createdIndexesSurviveACrash(model: LossModel?) throws {
        let database = try TestDatabase()
        let collection = try database.create()
        try collection.upsert(points(0..<50))
        _ = try collection.createIndex(definition("color", .keyword))
        _ = try collection.createIndex(definition("size", .float))
        _ = try collection.dropIndex(path("color"))
        var random = SeededGenerator(seed: 1)
        try database.crash(model, using: &random)
        #expect(try database.collection().listIndexes().map(\.definition) == [definition("size", .float)])
    }

    @Test func damagedIndexesAreBuiltAgain() throws {
        let database = try TestDatabase()
        let collection = try database.create()
        _ = try collection.createIndex(definition("color", .keyword))
        try collection.upsert(points(0..<500))
        _ = collection.optimize()
        database.settle()
        let expected = try answers(collection)
        let file = try #require(try indexFiles(database).first)
        let whole = try #require(database.disk.content(of: file))
        for place in stride(from: 0, to: whole.count, by: 611) {
            var bytes = whole
            bytes[place] ^= 0x40
            try database.disk.unlink(file)
            database.disk.put(bytes, at: file)
            try database.reopen()
            #expect(try answers(database.collection()) == expected, "byte \(place)")
            database.settle()
            #expect(database.disk.content(of: file) == whole, "byte \(place)")
        }
        try database.disk.unlink(file)
        try database.reopen()
        #expect(try answers(database.collection()) == expected)
        database.settle()
        #expect(try indexFiles(database) == [file])
    }

    @Test func facetsCountWithAndWithoutAnIndex() throws {
        let database = try TestDatabase()
        let collection = try database.create()
        try collection.upsert(points(0..<300))
        try collection.upsert([point(1000, [1, 0, 0, 0], #"{"color":["red",1.0,"red"]}"#)])
        try collection.delete(.ids([PointID(0)]))
        func facets() throws -> [[FacetValue]] {
            try [nil, filters()[1]].map {
                try collection.facet(path("color"), filter: $0, limit: 3, context: OperationContext())
            }
        }
        let looked = try facets()
        #expect(
            looked[0] == [
                FacetValue(value: string("blue"), count: 100), FacetValue(value: string("green"), count: 100),
                FacetValue(value: string("red"), count: 100),
            ])
        _ = try collection.createIndex(definition("color", .keyword))
        _ = collection.optimize()
        database.settle()
        #expect(try facets() == looked)
        #expect(
            try collection.facet(path("color"), filter: nil, limit: 10, context: OperationContext()).last
                == FacetValue(value: .number(.unsigned(1)), count: 1))
    }
}
