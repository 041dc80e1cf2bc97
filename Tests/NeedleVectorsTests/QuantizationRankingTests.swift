import NeedleCore
import NeedleVectors
import Testing

/// What a search needs of codes: that the nearest are among the first by the estimate.
@Suite struct QuantizationRankingTests {
    /// The part of the true 10 nearest that are among the first `count` by the estimate.
    private func found(_ count: Int, metric: Metric, kind: CodeKind) throws -> Double {
        let rows = clusteredVectors(2000, dimension: 128, clusters: 50, seed: 21)
        let queries = clusteredVectors(40, dimension: 128, clusters: 50, seed: 22)
        let coded = try CodedTable(rows, metric: metric, kind: kind)
        var hits = 0
        for vector in queries {
            let query = coded.query(vector)
            let prepared = coded.quantizer.prepare(query)
            var best = TopK(capacity: count)
            for row in rows.indices {
                best.offer(
                    Neighbour(distance: Double(coded.distance(row, to: prepared)), row: UInt32(row)),
                    precedes: <)
            }
            let first = Set(best.sorted(precedes: <).map(\.row))
            hits += try coded.owned.nearest(query, k: 10).filter { first.contains($0.row) }.count
        }
        return Double(hits) / Double(10 * queries.count)
    }

    @Test(arguments: Metric.allCases)
    func int8Ranks(metric: Metric) throws {
        #expect(try found(30, metric: metric, kind: .int8) >= 0.999)
    }

    @Test(arguments: Metric.allCases)
    func binaryRanks(metric: Metric) throws {
        #expect(try found(200, metric: metric, kind: .binary) >= 0.99)
    }
}
