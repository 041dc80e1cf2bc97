import NeedleCore
import NeedleEngine
import Testing

/// Sketches come after a segment is sealed, and after it is opened; searches do with and without them.
@Suite struct SketchedSegmentTests {
    private let rows = 600
    private let size = 96

    /// Vectors that vary in few directions, as embeddings do.
    private func vectors(_ count: Int, seed: UInt64) -> [[Float]] {
        clusteredVectors(count, dimension: 8, seed: seed).map { latent in
            (0..<size).map { i in latent[i % 8] * Float(1 + i % 5) + latent[(i * 3 + 1) % 8] }
        }
    }

    private func filled(sketchedRows: Int) throws -> (TestDatabase, Collection) {
        var options = TestDatabase.smallOptions
        options.sketchedRows = sketchedRows
        let database = try TestDatabase(options: options)
        let collection = try database.create(size: size)
        try collection.upsert(vectors(rows, seed: 7).enumerated().map { point(UInt64($0), $1) })
        _ = collection.optimize()
        database.settle()
        return (database, collection)
    }

    private func recall(_ collection: Collection) throws -> Double {
        var found = 0
        let queries = vectors(30, seed: 8)
        for query in queries {
            let exact = try collection.search(query, limit: 10, effort: .exact).ids
            let result = try collection.search(query, limit: 10, effort: .ef(64))
            #expect(result.strategy == .graph)
            found += Set(result.ids).intersection(exact).count
        }
        return Double(found) / Double(10 * queries.count)
    }

    @Test func sealedSegmentsGetSketchesThatTakeMemoryAndKeepRecall() throws {
        let (_, plain) = try filled(sketchedRows: .max)
        let (database, sketched) = try filled(sketchedRows: 100)
        let added = sketched.describe().bytesInMemory - plain.describe().bytesInMemory
        #expect(added == rows * 64, "one sketch of 64 bytes a row")
        #expect(try recall(sketched) >= recall(plain) - 0.02)
        let before = try recall(sketched)
        try database.reopen()
        let again = try database.collection()
        #expect(again.describe().bytesInMemory < added, "nothing is made while opening")
        #expect(try recall(again) >= before - 0.02)
        database.settle()
        #expect(again.describe().bytesInMemory >= added)
        #expect(try recall(again) == before, "the same codes give the same sketches")
    }
}
