import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

/// What of sealed segments lies in memory beyond their mappings, and what `collection.get` says of it.
@Suite struct ResidenceTests {
    private let rows = 600
    private let size = 64

    private func options(budget: Int, sketchedRows: Int = .max) -> EngineOptions {
        var options = TestDatabase.smallOptions
        options.sketchedRows = sketchedRows
        options.residentFrom = 1
        options.residentBytes = budget
        return options
    }

    private func filled(_ options: EngineOptions) throws -> (TestDatabase, Collection) {
        let database = try TestDatabase(options: options)
        let collection = try database.create(size: size)
        try fill(collection)
        database.settle()
        return (database, collection)
    }

    private func fill(_ collection: Collection) throws {
        let vectors = clusteredVectors(rows, dimension: size, seed: 3)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        _ = collection.optimize()
    }

    private func answers(_ collection: Collection) throws -> [[PointID]] {
        try clusteredVectors(20, dimension: size, seed: 4).map { query in
            let result = try collection.search(query, limit: 10, effort: .ef(48))
            #expect(result.strategy == .graph)
            return result.ids
        }
    }

    private func part(_ name: SegmentPart.Name, of collection: Collection) throws -> SegmentPart {
        let segment = try #require(collection.describe().segments.first { $0.state == .sealed })
        return try #require(segment.parts.first { $0.name == name })
    }

    private func nodeSection(
        _ database: TestDatabase, of collection: Collection
    ) throws -> (path: String, range: Range<Int>) {
        let name = try #require(try database.disk.list("db/collections").first)
        let directory = "db/collections/\(name)"
        let file = try #require(try database.disk.list(directory).first { $0.hasSuffix(".segment") })
        let id = try #require(collection.describe().segments.first { $0.state == .sealed }).id
        let reader = try SegmentReader(
            database.disk, path: "\(directory)/\(file)", incarnation: try #require(Incarnation(hex: name)),
            segmentID: id)
        return ("\(directory)/\(file)", try #require(reader.section(.graphNodes, space: 0)).range)
    }

    @Test func nodesAreCopiedAfterSealingAndAfterOpeningAndAnswerTheSame() throws {
        let (_, mapped) = try filled(options(budget: 0))
        let (database, copied) = try filled(options(budget: .max))
        #expect(mapped.describe().bytesInMemory < copied.describe().bytesInMemory)
        let before = try answers(mapped)
        #expect(try answers(copied) == before)
        try database.reopen()
        let again = try database.collection()
        let opened = again.describe().bytesInMemory
        #expect(try answers(again) == before, "from the mapping, right after opening")
        database.settle()
        let bytes = again.describe().bytesInMemory - opened
        let graph = try part(.graph, of: again)
        #expect(bytes >= rows * size && bytes <= graph.bytes)
        #expect(try answers(again) == before, "from the copy")
        #expect(database.resident == bytes)
    }

    @Test func theBudgetIsKeptAndGivenBack() throws {
        let (database, first) = try filled(options(budget: .max))
        let one = database.resident
        #expect(one > 0 && first.describe().bytesInMemory >= one)

        let (small, _) = try filled(options(budget: one + one / 2))
        let second = try small.create("d", size: size)
        try fill(second)
        small.settle()
        #expect(small.resident == one, "the second finds no room")
        let before = try answers(second)
        try small.database.dropCollection(named: "c")
        small.settle()
        #expect(small.resident == one, "the second takes the room of the first")
        #expect(try answers(second) == before)
        try small.database.dropCollection(named: "d")
    }

    @Test func sketchesCountAndComeFirst() throws {
        let (database, collection) = try filled(options(budget: rows * 64, sketchedRows: 100))
        let sketches = try part(.sketches, of: collection)
        #expect(sketches.bytes == 0 || sketches.bytes == rows * 64)
        #expect(database.resident == sketches.bytes, "no room for the nodes beside them")
    }

    @Test func damagedNodesAreRebuiltBeforeTheyAreCopied() throws {
        let (database, collection) = try filled(options(budget: 0))
        let plain = try answers(collection)
        #expect(!plain.isEmpty)
        let (path, nodes) = try nodeSection(database, of: collection)
        database.options.residentBytes = .max
        database.disk.flip(path, at: nodes.lowerBound + nodes.count / 2)
        try database.reopen()
        #expect(database.resident == 0)
        database.settle()
        let rebuilt = try database.collection()
        #expect(try nodeSection(database, of: rebuilt).0 != path && rebuilt.describe().state == .ready)
        #expect(database.resident == nodes.count)
    }

    @Test func theDescriptionNamesAllParts() throws {
        let (_, collection) = try filled(options(budget: .max))
        try collection.upsert([point(9_999, clusteredVectors(1, dimension: size, seed: 5)[0])])
        for segment in collection.describe().segments {
            #expect(Set(segment.parts.map(\.name)) == Set(SegmentPart.Name.allCases))
            let total = segment.parts.reduce(0) { $0 + $1.bytes }
            #expect(total <= segment.bytes && total > 0, "\(segment.state)")
        }
        let originals = try part(.originals, of: collection)
        #expect(originals.bytes >= rows * size * 4)
        #expect(try part(.ids, of: collection).bytes >= rows * 24)
    }
}

extension TestDatabase {
    /// Bytes reserved for sealed segments beyond their mappings.
    fileprivate var resident: Int {
        database.memoryByPurpose().first { $0.purpose == "resident_segments" }?.bytes ?? -1
    }
}
