import Glibc
import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

/// Many tenants in one collection, told apart by a key.
@Suite struct TenantTests {
    private static let tenants = getenv("NEEDLETAIL_LONG") == nil ? 600 : 10_000

    private func owner(_ tenant: Int) -> MatchValue { .string(Array("t\(tenant)".utf8)) }

    private func only(_ tenant: Int) -> Filter {
        Filter(must: [.matchAny(FieldPath(key: "owner"), [owner(tenant)])])
    }

    /// Points of all tenants mixed, each with its number in the id: id % tenants.
    private func points(_ ids: Range<Int>, tenants: Int, seed: UInt64) -> [PointWrite] {
        zip(ids, clusteredVectors(ids.count, dimension: 8, seed: seed)).map { id, vector in
            let payload = id % 1000 == 999 ? "{}" : #"{"owner":"t\#(id % tenants)"}"#
            return point(UInt64(id), vector, payload)
        }
    }

    private func createTenantIndex(_ collection: Collection) throws {
        _ = try collection.createIndex(
            FieldIndexDefinition(path: FieldPath(key: "owner"), type: .keyword, isTenant: true))
    }

    /// The tenants of a sealed segment's rows, in their order.
    private func rowsOfSegments(_ database: TestDatabase) throws -> [[String]] {
        var result: [[String]] = []
        for name in try database.disk.list("db/collections") {
            let folder = "db/collections/\(name)"
            let bytes = try #require(database.disk.content(of: "\(folder)/MANIFEST"))
            let manifest = try Manifest(decoding: bytes, file: "MANIFEST")
            for segment in manifest.segments {
                let reader = try SegmentReader(
                    database.disk, path: "\(folder)/\(segment.file)", incarnation: manifest.incarnation,
                    segmentID: segment.id)
                result.append(
                    try (0..<reader.rowCount).map { row in
                        let payload = Array(try reader.payload(at: row))
                        return try JSONValue(parsing: payload.span)["owner"]?.stringValue ?? ""
                    })
            }
        }
        return result
    }

    @Test func aMergePutsATenantsRowsSideBySide() throws {
        var options = TestDatabase.smallOptions
        // Room for all in one segment: a larger one is not merged with what came later.
        options.growingRows = 8192
        let database = try TestDatabase(options: options)
        let collection = try database.create(size: 8)
        try createTenantIndex(collection)
        for start in [0, 1250] {
            try collection.upsert(points(start..<(start + 1250), tenants: 40, seed: UInt64(start)))
            _ = collection.optimize()
            database.settle()
        }
        // Replaced and deleted rows do not come along.
        try collection.upsert(points(100..<300, tenants: 40, seed: 2))
        try collection.delete(.ids((500..<600).map { PointID(UInt64($0)) }))
        let before = try (0..<40).map { try collection.scrollAll(limit: 500, filter: only($0)) }
        _ = collection.optimize()
        database.settle()
        let segments = try rowsOfSegments(database)
        #expect(segments.count == 1 && segments[0].count == 2400)
        let runs = zip(segments[0], segments[0].dropFirst()).count { $0 != $1 } + 1
        #expect(runs == 41, "one run a tenant, and one of the points without one, the last")
        #expect(segments[0].last == "")
        for round in 0..<2 {
            let collection = try database.collection()
            for tenant in 0..<40 {
                let points = try collection.scrollAll(limit: 500, filter: only(tenant))
                #expect(points.map(\.id) == before[tenant].map(\.id), "\(round)")
                #expect(points.map(\.version) == before[tenant].map(\.version))
                #expect(points.map(\.payload) == before[tenant].map(\.payload))
            }
            try collection.upsert([point(9000, [1, 2, 3, 4, 5, 6, 7, 8], #"{"owner":"t3"}"#)])
            try collection.delete(.ids([PointID(9000)]))
            try database.reopen()
        }
        let snapshot = try database.database.snapshot()
        try database.database.restore(snapshot.name, as: "d")
        #expect(
            try database.collection("d").scrollAll(limit: 500, filter: only(7)).map(\.id)
                == before[7].map(\.id))
    }

    /// Merging again what was ordered by tenant, with what came since.
    @Test func mergesGoOnFromAnOrderedSegment() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 8)
        try createTenantIndex(collection)
        for round in 0..<4 {
            try collection.upsert(
                points((round * 500)..<(round * 500 + 500), tenants: 25, seed: UInt64(round)))
            _ = collection.optimize()
            database.settle()
        }
        let segments = try rowsOfSegments(database)
        #expect(segments.count == 1)
        #expect(zip(segments[0], segments[0].dropFirst()).count { $0 != $1 } + 1 == 26)
        let query = clusteredVectors(1, dimension: 8, seed: 3)[0]
        let exact = try collection.search(query, limit: 10, effort: .exact)
        let graph = try collection.search(query, limit: 10, effort: .ef(200))
        #expect(graph.strategy == .graph && Set(graph.ids).intersection(exact.ids).count >= 9)
    }

    /// 10,000 in the long form, which also says what a search of one tenant takes.
    @Test func manyTenantsHaveTheirOwnAnswers() throws {
        let perTenant = 6
        let database = try TestDatabase()
        let collection = try database.create(size: 8)
        try createTenantIndex(collection)
        let count = Self.tenants * perTenant
        for start in stride(from: 0, to: count, by: 4000) {
            let ids = start..<min(count, start + 4000)
            try collection.upsert(points(ids, tenants: Self.tenants, seed: UInt64(start)))
            database.settle()
        }
        _ = collection.optimize()
        database.settle()
        let queries = clusteredVectors(50, dimension: 8, seed: 0)
        var slowest = Duration.zero
        var whole = Duration.zero
        let searches = 300
        for number in 0..<searches {
            let tenant = number * 7919 % Self.tenants
            let mine = (0..<perTenant).map { tenant + $0 * Self.tenants }.filter { $0 % 1000 != 999 }
            let began = ContinuousClock.now
            let result = try collection.search(queries[number % 50], limit: 10, filter: only(tenant))
            let took = ContinuousClock.now - began
            (slowest, whole) = (max(slowest, took), whole + took)
            #expect(Set(result.ids) == Set(mine.map { PointID(UInt64($0)) }))
            #expect(try collection.count(only(tenant)) == mine.count)
        }
        if Self.tenants == 10_000 {
            print("10,000 tenants: \(whole / searches) a search, slowest \(slowest)")
        }
        let facet = try collection.facet(
            FieldPath(key: "owner"), filter: nil, limit: 10_000, context: OperationContext())
        // Some points belong to nobody, and so with 10,000 tenants some of these have none.
        let present = Set((0..<count).filter { $0 % 1000 != 999 }.map { $0 % Self.tenants })
        #expect(facet.count == present.count)
    }
}
