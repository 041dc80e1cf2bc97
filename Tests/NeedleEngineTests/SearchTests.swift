import NeedleCore
import NeedleEngine
import Testing

@Suite struct SearchTests {
    private func exactTop(_ vectors: [[Float]], _ query: [Float], _ k: Int, _ metric: Metric) -> [PointID] {
        func dot(_ a: [Float], _ b: [Float]) -> Double {
            zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        let scored = vectors.enumerated().map { index, vector -> (Double, UInt64) in
            let score =
                switch metric {
                case .cosine:
                    -dot(vector, query) / (dot(vector, vector).squareRoot() * dot(query, query).squareRoot())
                case .dot: -dot(vector, query)
                case .euclid:
                    zip(vector, query).reduce(0) {
                        $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
                    }
                }
            return (score, UInt64(index))
        }
        return scored.sorted { $0 < $1 }.prefix(k).map { PointID($0.1) }
    }

    @Test(arguments: Metric.allCases)
    func exactSearchIsExact(metric: Metric) throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 8, metric: metric)
        let vectors = clusteredVectors(500, dimension: 8, seed: 1)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        for query in clusteredVectors(20, dimension: 8, seed: 2) {
            let result = try collection.search(query, effort: .exact)
            #expect(result.ids == exactTop(vectors, query, 10, metric))
            #expect(result.strategy == .exact && result.complete)
            let ordered = metric == .euclid ? result.scores.sorted() : result.scores.sorted(by: >)
            #expect(result.scores == ordered)
        }
    }

    @Test(arguments: Metric.allCases)
    func graphSearchFindsAlmostEverything(metric: Metric) throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 16, metric: metric)
        let vectors = clusteredVectors(2_000, dimension: 16, seed: 3)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        database.settle()
        var found = 0
        let queries = clusteredVectors(50, dimension: 16, seed: 4)
        for query in queries {
            let result = try collection.search(query, effort: .ef(96))
            #expect(result.strategy == .graph)
            found += Set(result.ids).intersection(exactTop(vectors, query, 10, metric)).count
        }
        // Inner products of vectors of unequal length are no metric, and graphs find them harder (measured:
        // 0.952).
        let floor = metric == .dot ? 0.93 : 0.98
        #expect(Double(found) / Double(10 * queries.count) >= floor)
    }

    @Test func everyAcknowledgedPointIsFoundIndexedOrNot() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 8)
        let vectors = clusteredVectors(1_200, dimension: 8, seed: 5)
        for (index, vector) in vectors.enumerated() {
            try collection.upsert([point(UInt64(index), vector)])
            if index % 40 == 0 { _ = database.database.maintain(context: OperationContext()) }
            if index % 100 == 99 {
                #expect(try collection.search(vector, limit: 1).ids == [PointID(UInt64(index))])
            }
        }
        #expect(try collection.search(vectors[1_150], limit: 1, effort: .ef(96)).strategy == .mixed)
    }

    @Test func deletedPointsNeverComeBackAndKAreFoundWhenKAreThere() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 8)
        let vectors = clusteredVectors(1_500, dimension: 8, seed: 6)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        database.settle()
        // All but twelve die, so that a beam of the usual width meets hardly any that is alive.
        let dead = (0..<1_500).filter { $0 % 125 != 0 }.map { PointID(UInt64($0)) }
        try collection.delete(.ids(dead))
        let result = try collection.search(vectors[1], limit: 12)
        #expect(result.ids.count == 12)
        #expect(Set(result.ids).isDisjoint(with: dead))
        let replaced = try collection.upsert([point(0, vectors[1])])
        #expect(replaced.updated == 1)
        #expect(try collection.search(vectors[1], limit: 1).ids == [PointID(0)])
    }

    @Test func tiesAreInTheOrderOfIDs() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 2)
        var points = (1...300).map { point(UInt64($0), [1, 1]) }
        points.shuffle()
        points.append(PointWrite(id: PointID("a"), vectors: .single([2, 2])))
        try collection.upsert(points)
        let expected = (1...5).map { PointID(UInt64($0)) }
        #expect(try collection.search([3, 3], limit: 5).ids == expected)
        database.settle()
        #expect(try collection.search([3, 3], limit: 5, effort: .exact).ids == expected)
        #expect(try collection.search([1, 1], limit: 301, effort: .exact).ids.last == PointID("a"))
    }

    @Test func limitOffsetAndThresholdCutInThatOrder() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1, metric: .euclid)
        try collection.upsert((0..<20).map { point($0, [Float($0)]) })
        let page = try collection.search([0], limit: 4) { $0.offset = 3 }
        #expect(page.ids == [3, 4, 5, 6].map { PointID($0) })
        #expect(page.scores == [3, 4, 5, 6])
        #expect(try collection.search([0], limit: 10) { $0.scoreThreshold = 2 }.scores == [0, 1, 2])
        #expect(try collection.search([0], limit: 2) { $0.offset = 19 }.ids == [PointID(19)])
    }

    @Test func aPointsNeighboursLeaveOutThePoint() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1, metric: .euclid)
        try collection.upsert((0..<5).map { point($0, [Float($0)]) })
        #expect(
            try collection.search([0], limit: 2) { $0.target = .point(PointID(2)) }.ids == [
                PointID(1), PointID(3),
            ])
        let missing = #expect(throws: DatabaseError.self) {
            try collection.search([0]) { $0.target = .point(PointID(77)) }
        }
        #expect(missing?.kind == .notFound && missing?.at == "point_id")
    }

    @Test func filteredSearchesReturnWhatMatches() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 8)
        let vectors = clusteredVectors(900, dimension: 8, seed: 8)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1, #"{"g":\#($0 % 300)}"#) })
        database.settle()
        let filter = Filter(must: [.matchAny(try FieldPath(parsing: "g"), [.number(ExactNumber(7 as Int64))])]
        )
        let result = try collection.search(vectors[0], limit: 10, filter: filter)
        #expect(Set(result.ids) == [PointID(7), PointID(307), PointID(607)])
        #expect(try collection.count(filter) == 3)
        #expect(
            try collection.scrollAll(filter: filter).map(\.id) == [PointID(7), PointID(307), PointID(607)])
    }

    @Test func extremeVectorsHaveFiniteScoresInTheRightOrder() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 2, metric: .dot)
        let huge = Float.greatestFiniteMagnitude
        try collection.upsert([
            point(1, [huge, huge]), point(2, [huge, 0]), point(3, [1, 1]), point(4, [0, 0]),
        ])
        let result = try collection.search([huge, huge], limit: 4)
        #expect(result.ids == [1, 2, 3, 4].map { PointID($0) })
        #expect(result.scores.allSatisfy { $0.isFinite })
        let tiny = try database.create("tiny", size: 2)
        let small = Float.leastNormalMagnitude / 100
        try tiny.upsert([point(1, [small, 0]), point(2, [0, small]), point(3, [1e38, 1e38])])
        #expect(try tiny.search([1, 0], limit: 3).ids == [1, 3, 2].map { PointID($0) })
    }

    @Test func namedSpacesAreSearchedApart() throws {
        let database = try TestDatabase()
        let config = CollectionConfig(spaces: [
            SpaceConfig(name: "title", size: 2), SpaceConfig(name: "body", size: 1, metric: .euclid),
        ])
        _ = try database.database.createCollection(named: "n", config: config)
        let collection = try database.collection("n")
        try collection.upsert([
            PointWrite(id: PointID(1), vectors: .named([NamedVector(space: "title", vector: [1, 0])])),
            PointWrite(id: PointID(2), vectors: .named([NamedVector(space: "body", vector: [5])])),
            PointWrite(
                id: PointID(3),
                vectors: .named([
                    NamedVector(space: "body", vector: [4]), NamedVector(space: "title", vector: [0, 1]),
                ])),
        ])
        for _ in 0..<2 {
            #expect(try collection.search([1, 0]) { $0.space = "title" }.ids == [PointID(1), PointID(3)])
            #expect(try collection.search([5]) { $0.space = "body" }.ids == [PointID(2), PointID(3)])
            #expect(throws: DatabaseError.self) { try collection.search([5]) }
            #expect(throws: DatabaseError.self) { try collection.search([5]) { $0.space = "no" } }
            let record = try #require(try collection.get([PointID(3)]).points.first)
            #expect(record.vectors?.map(\.space) == ["title", "body"])
            _ = collection.optimize()
            database.settle()
        }
    }

    @Test func aSearchStopsAtItsDeadline() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 4)
        try collection.upsert(
            clusteredVectors(600, dimension: 4, seed: 9).enumerated().map { point(UInt64($0), $1) })
        let context = OperationContext(clock: database.clock, deadlineNanoseconds: 0)
        let error = #expect(throws: DatabaseError.self) {
            try collection.search(SearchQuery(target: .vector([1, 1, 1, 1])), context: context)
        }
        #expect(error?.kind == .deadline)
    }

    @Test func aBatchOfSearchesIsAllOrNothing() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1, metric: .euclid)
        try collection.upsert((0..<5).map { point($0, [Float($0)]) })
        let good = SearchQuery(target: .vector([0]), limit: 1)
        let results = try collection.searchBatch([good, good], context: OperationContext())
        #expect(results.map(\.ids) == [[PointID(0)], [PointID(0)]])
        let error = #expect(throws: DatabaseError.self) {
            try collection.searchBatch(
                [good, SearchQuery(target: .vector([0, 1]))], context: OperationContext())
        }
        #expect(error?.at == "searches[1].vector" && error?.kind == .dimensionMismatch)
    }
}
