import NeedleCore
import NeedlePayloads
import Testing

@Suite struct RankFusionTests {
    private func ids(_ values: UInt64...) -> [PointID] { values.map { .integer($0) } }

    private func entries(_ values: [(UInt64, Double)]) -> [RankFusion.Entry] {
        values.map { RankFusion.Entry(id: .integer($0.0), score: $0.1) }
    }

    @Test func reciprocalRanksAreSummedUp() {
        let fused = RankFusion.reciprocal([ids(1, 2, 3), ids(3, 4)], k: 60)
        #expect(fused.map(\.id) == ids(3, 1, 2, 4))
        let (first, second, third) = (1 / Double(61), 1 / Double(62), 1 / Double(63))
        let scores: [Double] = [third + first, first, second, second].map { Double(Float($0)) }
        #expect(fused.map(\.score) == scores)
        #expect(RankFusion.reciprocal([ids(5), ids(6, 5)], k: 0).map(\.score) == [1.5, 1])
    }

    @Test func tiesGoToTheSmallerID() {
        let fused = RankFusion.reciprocal([
            [.string(Array("b".utf8)), .integer(9)], [.integer(10), .integer(2)],
        ])
        #expect(fused.map(\.id) == [.integer(10), .string(Array("b".utf8)), .integer(2), .integer(9)])
        let weighted = RankFusion.weighted([(entries([(7, 1), (3, 1)]), 0.5), (entries([(1, 4)]), 0.5)])
        #expect(weighted.map(\.id) == ids(1, 3, 7))
        #expect(weighted.map(\.score) == [0.5, 0.5, 0.5])
    }

    @Test func weightedScoresAreNormalisedFirst() {
        let fused = RankFusion.weighted([
            (entries([(1, 0.9), (2, 0.7), (3, 0.5)]), 0.7), (entries([(3, 20), (2, 15), (4, 0)]), 0.3),
        ])
        #expect(fused.map(\.id) == ids(1, 2, 3, 4))
        let scores: [Double] = [0.7, 0.575, 0.3, 0]
        for (entry, score) in zip(fused, scores) { #expect(entry.score == Double(Float(score))) }
    }

    /// Distances are negated, so the nearest has the highest.
    @Test func negatedDistancesAreScores() {
        let fused = RankFusion.weighted([(entries([(1, -0.5), (2, -3)]), 1)])
        #expect(fused == entries([(1, 1), (2, 0)]))
    }

    @Test func hugeScoresDoNotOverflow() {
        let most = Double.greatestFiniteMagnitude
        let fused = RankFusion.weighted([(entries([(1, most), (2, 0), (3, -most)]), 1)])
        #expect(fused == entries([(1, 1), (2, 0.5), (3, 0)]))
    }

    @Test func emptyListsAddNothing() {
        #expect(RankFusion.reciprocal([[], []]).isEmpty)
        #expect(RankFusion.reciprocal([[], ids(1)]).map(\.id) == ids(1))
        #expect(RankFusion.weighted([([], 1), (entries([(1, 5)]), 0)]) == entries([(1, 0)]))
    }
}
