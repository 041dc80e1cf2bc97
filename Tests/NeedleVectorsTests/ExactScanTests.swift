import NeedleCore
import NeedleVectors
import Testing

@Suite struct ExactScanTests {
    @Test(arguments: Metric.allCases, [1, 3, 48])
    func agreesWithTheDefinition(metric: Metric, dimension: Int) throws {
        let rows = clusteredVectors(600, dimension: dimension, clusters: 5, seed: 8)
        let owned = try OwnedTable(rows, metric: metric)
        let vector = uniformVectors(1, dimension: dimension, seed: 9)[0]
        let query = PreparedQuery(vector, metric: metric)
        var seen = 5
        try ExactScan.scan(5..<600, of: owned.table, query: query, context: OperationContext()) {
            first, distances in
            #expect(first == UInt32(seen))
            for i in distances.indices {
                let expected = naiveDistance(vector, rows[seen], metric)
                #expect(abs(Double(distances[i]) - expected) < 1e-4)
                seen += 1
            }
        }
        #expect(seen == 600)
    }

    @Test(arguments: Metric.allCases)
    func aListGivesTheBitsOfARange(metric: Metric) throws {
        let owned = try OwnedTable(uniformVectors(700, dimension: 19, seed: 10), metric: metric)
        let query = PreparedQuery(uniformVectors(1, dimension: 19, seed: 11)[0], metric: metric)
        let context = OperationContext()
        var all: [Float] = []
        try ExactScan.scan(0..<700, of: owned.table, query: query, context: context) { _, distances in
            for i in distances.indices { all.append(distances[i]) }
        }
        let list = (0..<700).filter { $0 % 7 != 2 }.map { UInt32($0) }.reversed() + [3, 3]
        var listed: [(UInt32, Float)] = []
        try ExactScan.scan(list: list.span, of: owned.table, query: query, context: context) {
            rows, distances in
            for i in rows.indices { listed.append((rows[i], distances[i])) }
        }
        #expect(listed.map(\.0) == list)
        #expect(listed.allSatisfy { $0.1.bitPattern == all[Int($0.0)].bitPattern })
    }

    @Test func anEmptyRangeAndAnEmptyListGiveNothing() throws {
        let owned = try OwnedTable([[1, 2]], metric: .dot)
        let query = PreparedQuery([1, 1], metric: .dot)
        try ExactScan.scan(0..<0, of: owned.table, query: query, context: OperationContext()) { _, _ in
            Issue.record("a block of an empty range")
        }
        try ExactScan.scan(list: [UInt32]().span, of: owned.table, query: query, context: OperationContext())
        { _, _ in
            Issue.record("a block of an empty list")
        }
    }

    @Test func stopsWhenCancelledBetweenBlocks() throws {
        let owned = try OwnedTable(uniformVectors(600, dimension: 2, seed: 1), metric: .euclid)
        let context = OperationContext()
        var blocks = 0
        #expect(throws: DatabaseError.self) {
            try ExactScan.scan(
                0..<600, of: owned.table, query: PreparedQuery([0, 0], metric: .euclid), context: context
            ) { _, _ in
                blocks += 1
                context.cancel()
            }
        }
        #expect(blocks == 1)
    }

    @Test(arguments: Metric.allCases)
    func exactDistancesDoNotDependOnTheTier(metric: Metric) throws {
        let rows = clusteredVectors(50, dimension: 45, clusters: 3, seed: 12)
        let owned = try OwnedTable(rows, metric: metric)
        let query = PreparedQuery(rows[7], metric: metric)
        for row in 0..<UInt32(50) {
            let distances = DistanceKernels.available.map {
                ExactDistance.distance(of: row, in: owned.table, to: query, kernels: $0)
            }
            #expect(Set(distances.map(\.bitPattern)).count == 1)
            #expect(abs(distances[0] - naiveDistance(rows[7], rows[Int(row)], metric)) < 1e-12)
        }
    }
}

/// Vectors whose squares overflow or vanish in single precision.
@Suite struct WideScanTests {
    private static let huge = Float.greatestFiniteMagnitude
    private static let tiny = Float.leastNonzeroMagnitude

    @Test func whichNormsAreWide() {
        #expect(VectorNorms.isWide(norm: 0, metric: .cosine))
        #expect(!VectorNorms.isWide(norm: 0, metric: .euclid))
        #expect(!VectorNorms.isWide(norm: 1e-9, metric: .dot) && !VectorNorms.isWide(norm: 1e9, metric: .dot))
        #expect(
            VectorNorms.isWide(norm: 0.9e-9, metric: .euclid) && VectorNorms.isWide(norm: 1.1e9, metric: .dot)
        )
        #expect(VectorNorms.inverseNorm(norm: 4) == 0.25 && VectorNorms.inverseNorm(norm: 1e20) == 0)
    }

    @Test func normsOfExtremesAreExact() {
        let long = [Float](repeating: Self.huge, count: 65_536)
        #expect(abs(VectorNorms.norm(of: long.span) / (256 * Double(Self.huge)) - 1) < 1e-12)
        #expect(VectorNorms.norm(of: [Self.tiny, 0].span) == Double(Self.tiny))
        #expect(PreparedQuery(long, metric: .cosine).isWide)
    }

    @Test(arguments: Metric.allCases)
    func distancesOfExtremesAreRight(metric: Metric) throws {
        let rows: [[Float]] = [
            [Self.huge, Self.huge, Self.huge], [-Self.huge, Self.huge, 0], [Self.tiny, 2 * Self.tiny, 0],
            [1, 2, 3], [1e-30, 0, 1e-30], [Self.huge, Self.tiny, 1], [1e20, -1e20, 1e19],
        ]
        let owned = try OwnedTable(rows, metric: metric)
        for vector in rows {
            let query = PreparedQuery(vector, metric: metric)
            var found = 0
            try WideScan.scan(0..<7, of: owned.table, query: query, context: OperationContext()) {
                neighbour in
                let expected = naiveDistance(vector, rows[Int(neighbour.row)], metric)
                #expect(neighbour.distance.isFinite)
                #expect(abs(neighbour.distance - expected) <= 1e-12 * abs(expected))
                found += 1
            }
            #expect(found == 7)
        }
    }

    @Test func cosineOfAVectorWithItselfIsOneAtAnyScale() throws {
        let direction: [Float] = [3, -1, 2, 0.5]
        let rows = [Float(1e-38), 1e-20, 1, 1e20, 1e37].map { scale in direction.map { $0 * scale } }
        let owned = try OwnedTable(rows, metric: .cosine)
        for vector in rows {
            let query = PreparedQuery(vector, metric: .cosine)
            let list: [UInt32] = [4, 0, 2, 1, 3]
            var order: [UInt32] = []
            try WideScan.scan(list: list.span, of: owned.table, query: query, context: OperationContext()) {
                #expect(abs($0.distance + 1) < 1e-6 && $0.distance >= -1)
                order.append($0.row)
            }
            #expect(order == list)
        }
    }

    @Test func aZeroVectorHasCosineZero() throws {
        let owned = try OwnedTable([[0, 0], [1, 0]], metric: .cosine)
        let query = PreparedQuery([2, 0], metric: .cosine)
        #expect(ExactDistance.distance(of: 0, in: owned.table, to: query) == 0)
        #expect(ExactDistance.distance(of: 1, in: owned.table, to: query) == -1)
    }
}
