import NeedleCore
import NeedleEngine
import Testing

/// Merges go on from the largest input's graph: what they find, and what is left of what died.
@Suite struct MergeBaseTests {
    private let size = 24

    private func exactIDs(_ collection: Collection, _ query: [Float]) throws -> Set<PointID> {
        Set(try collection.search(query, limit: 10, effort: .exact).ids)
    }

    private func recall(_ collection: Collection) throws -> Double {
        var found = 0
        let queries = clusteredVectors(40, dimension: size, seed: 400)
        for query in queries {
            let result = try collection.search(query, limit: 10, effort: .ef(48))
            #expect(result.strategy == .graph)
            found += try exactIDs(collection, query).intersection(result.ids).count
        }
        return Double(found) / Double(10 * queries.count)
    }

    private func settle(_ database: TestDatabase, _ collection: Collection) {
        _ = collection.optimize()
        database.settle()
    }

    @Test(arguments: QuantizationKind.allCases)
    func aSmallSegmentJoinsALargeOne(quantization: QuantizationKind) throws {
        let database = try TestDatabase()
        let collection = try database.create(size: size, quantization: quantization)
        let vectors = clusteredVectors(900, dimension: size, seed: 401)
        try collection.upsert(vectors[..<700].enumerated().map { point(UInt64($0), $1) })
        settle(database, collection)
        try collection.upsert(vectors[700...].enumerated().map { point(UInt64(700 + $0), $1) })
        settle(database, collection)
        #expect(collection.describe().segments.filter { $0.rows > 0 }.count == 1)
        #expect(collection.describe().indexedPoints == 900)
        let floor = quantization == .binary ? 0.85 : 0.95
        #expect(try recall(collection) >= floor)
        for id in [0, 350, 699, 700, 899] {
            let hit = try collection.search(vectors[id], limit: 1, effort: .ef(48)).ids
            #expect(hit == [PointID(UInt64(id))])
        }
    }

    @Test func replacedAndDeletedRowsLeaveNoTrace() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: size)
        let vectors = clusteredVectors(600, dimension: size, seed: 402)
        for round in 0..<3 {
            for start in stride(from: 0, to: 600, by: 150) {
                try collection.upsert(
                    (start..<start + 150).map { i in
                        point(UInt64(i), vectors[round == 2 ? i : (i * 7 + round) % 600])
                    })
                settle(database, collection)
            }
        }
        let dead = (0..<600).filter { $0 % 10 < 3 }
        _ = try collection.delete(.ids(dead.map { PointID(UInt64($0)) }))
        settle(database, collection)
        let description = collection.describe()
        #expect(description.points == 420 && description.segments.reduce(0) { $0 + $1.rows } == 420)
        #expect(try recall(collection) >= 0.95)
        for query in clusteredVectors(20, dimension: size, seed: 403) {
            let ids = try collection.search(query, limit: 50, effort: .ef(64)).ids
            #expect(ids.allSatisfy { id in dead.allSatisfy { PointID(UInt64($0)) != id } })
        }
    }
}
