import NeedleCore
import NeedleEngine
import Testing

@Suite struct AnswerWatchTests {
    private func hits(_ scores: [Double]) -> [SearchHit] {
        scores.enumerated().map { place, score in
            SearchHit(
                record: PointRecord(
                    id: PointID(UInt64(place)), version: LSN(1), expiresAt: nil, payload: nil, vectors: nil),
                score: score)
        }
    }

    @Test func aTwentiethOfTheBaselineIsLow() throws {
        let watch = AnswerWatch(seed: 1)
        for place in 0..<200 { watch.note(hits([Double(place) / 200, 0]), metric: .cosine) }
        let baseline = watch.take(lowScore: nil)
        #expect(baseline.queries == 200)
        #expect(baseline.lowScore == 0.05)
        #expect(baseline.lowConfidence == 0.05)
        for place in 0..<200 { watch.note(hits([Double(place) / 2_000, 0]), metric: .cosine) }
        let later = watch.take(lowScore: baseline.lowScore)
        #expect(later.lowConfidence == 0.5)
    }

    /// Distances are better when they are smaller.
    @Test func theSignOfScoresIsTheMetrics() throws {
        let watch = AnswerWatch(seed: 1)
        for place in 0..<100 { watch.note(hits([Double(place), Double(place) + 3]), metric: .euclid) }
        let near = watch.take(lowScore: nil)
        #expect(near.scoreGap == 3)
        for place in 0..<100 { watch.note(hits([Double(place) + 1_000]), metric: .euclid) }
        #expect(watch.take(lowScore: near.lowScore).lowConfidence == 1)
    }

    @Test func theGapIsToTheTenth() {
        let watch = AnswerWatch(seed: 1)
        for _ in 0..<100 { watch.note(hits((0..<50).map { 1 - Double($0) / 100 }), metric: .dot) }
        #expect(abs((watch.take(lowScore: nil).scoreGap ?? 0) - 0.09) < 1e-9)
    }

    @Test func fewSearchesSayNothingAndWhatIsTakenIsGone() {
        let watch = AnswerWatch(seed: 1)
        for _ in 0..<(AnswerWatch.fewest - 1) { watch.note(hits([1]), metric: .cosine) }
        watch.note([], metric: .cosine)
        watch.latency.add(microseconds: 10)
        let figures = watch.take(lowScore: 0.5)
        #expect(figures.queries == AnswerWatch.fewest - 1)
        #expect(figures.lowConfidence == nil && figures.scoreGap == nil && figures.lowScore == nil)
        #expect(figures.latency == QualityMeasurement.Latency(p50: 10, p95: 10, p99: 10))
        let empty = watch.take(lowScore: nil)
        #expect(empty.queries == 0 && empty.latency == nil)
    }

    /// Of many searches a sample stands for all.
    @Test func manyArePutInASample() throws {
        let watch = AnswerWatch(seed: 3)
        for place in 0..<20_000 { watch.note(hits([Double(place) / 20_000]), metric: .cosine) }
        let figures = watch.take(lowScore: 0.3)
        #expect(figures.queries == 20_000)
        #expect(abs(try #require(figures.lowConfidence) - 0.3) < 0.06)
    }
}
