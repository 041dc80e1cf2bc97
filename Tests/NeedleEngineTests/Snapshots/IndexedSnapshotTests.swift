import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// Snapshots of collections with field indexes.
@Suite struct IndexedSnapshotTests {
    private static let keys: [(String, FieldIndexType)] = [
        ("color", .keyword), ("size", .integer), ("name", .text),
    ]

    private func points(_ ids: Range<Int>) -> [PointWrite] {
        ids.map { id in
            let name = ["connecting", "the dots", "rare fox", "Über foxes"][id % 4]
            return point(
                UInt64(id), [1, Float(id % 7), Float(id % 11), Float(id)],
                #"{"color":"\#(["red", "green", "blue"][id % 3])","size":\#(id % 10),"name":"\#(name) \#(id)"}"#
            )
        }
    }

    private func definition(_ key: String, _ type: FieldIndexType) -> FieldIndexDefinition {
        let text = TextIndexOptions(stemming: .english, stopWords: ["the"])
        return FieldIndexDefinition(path: FieldPath(key: key), type: type, text: type == .text ? text : nil)
    }

    /// What filters and words find.
    private func answers(_ collection: Collection) throws -> [[PointID]] {
        var answers: [[PointID]] = []
        let five = RangeTest.Bound(value: ExactNumber(5 as Int64), isInclusive: true)
        func words(_ kind: WordTest.Kind, _ text: String) -> Condition {
            .words(FieldPath(key: "name"), WordTest(kind, Array(text.utf8)))
        }
        let conditions: [Condition] = [
            .matchAny(FieldPath(key: "color"), [.string(Array("red".utf8))]),
            .range(FieldPath(key: "size"), RangeTest(kind: .number, lower: five, upper: nil)),
            words(.text, "connected"), words(.text, "the"), words(.phrase, "rare foxes"),
            words(.prefix, "rare 1"),
        ]
        for condition in conditions {
            let filter = Filter(must: [condition])
            answers.append(try collection.scrollAll(limit: 100, filter: filter).map(\.id))
            #expect(try collection.count(filter) == answers[answers.count - 1].count)
        }
        let found = try collection.search([1, 2, 3, 4], limit: 50, effort: .exact) {
            $0.hybrid = HybridSearch(text: "uber fox 17", fusion: .weighted(vector: 0.2, text: 0.8))
        }
        return answers + [found.ids]
    }

    private func indexFiles(_ database: TestDatabase) throws -> Int {
        try database.disk.list("db/collections").reduce(0) { sum, name in
            try sum + database.disk.list("db/collections/\(name)").count { $0.hasSuffix(".fields") }
        }
    }

    @Test func indexesComeAlong() throws {
        let database = try TestDatabase(options: TestDatabase.snapshotOptions)
        let collection = try database.create()
        try collection.upsert(points(0..<300))
        for (key, type) in Self.keys { _ = try collection.createIndex(definition(key, type)) }
        _ = collection.optimize()
        database.settle()
        try collection.upsert(points(290..<340))
        let before = try answers(collection)
        let files = try indexFiles(database)
        #expect(before.dropLast().map(\.isEmpty) == [false, false, false, true, false, false] && files == 3)
        let snapshot = try database.database.snapshot()

        // What happens to the indexes later does not concern the snapshot.
        for (key, _) in Self.keys { _ = try collection.dropIndex(FieldPath(key: key)) }
        try collection.delete(.all)
        database.settle()
        try database.reopen()
        _ = try database.database.verify(snapshot.name)
        try database.database.restore(snapshot.name, as: "d")
        let restored = try database.collection("d")
        #expect(try answers(restored) == before)
        #expect(
            restored.listIndexes().map(\.definition) == Self.keys.map { definition($0.0, $0.1) }
                && restored.listIndexes().allSatisfy { $0.state == .ready })
        #expect(try indexFiles(database) == files, "the files were restored, not made again")
        database.settle()
        try database.reopen()
        #expect(try answers(database.collection("d")) == before)
        _ = try database.collection("d").optimize()
        database.settle()
        #expect(try answers(database.collection("d")).dropLast() == before.dropLast())
    }

    /// Indexes that come and go between a snapshot and the point that is restored.
    @Test func aPointInTimeHasTheIndexesOfThen() throws {
        let database = try TestDatabase(options: TestDatabase.snapshotOptions)
        let collection = try database.create()
        try collection.upsert(points(0..<50))
        _ = try collection.createIndex(definition("color", .keyword))
        database.settle()
        let snapshot = try database.database.snapshot()
        let (named, _) = try collection.createIndex(definition("name", .text))
        _ = try collection.dropIndex(FieldPath(key: "color"))
        try collection.upsert(points(50..<60))
        try database.database.restore(snapshot.name, as: "then", to: .lsn(named))
        #expect(
            try database.collection("then").listIndexes().map(\.definition)
                == [definition("color", .keyword), definition("name", .text)])
        let words = Filter(must: [.words(FieldPath(key: "name"), WordTest(.text, Array("connected".utf8)))])
        #expect(try database.collection("then").count(words) == 13)
    }
}
