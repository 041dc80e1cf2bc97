import NeedleCore
import NeedleEngine
import Testing

/// The statistics of recall, by themselves.
@Suite struct RecallEstimateTests {
    private func point(_ ef: Int, k: Int = 10, _ recalls: [Double]) -> RecallPoint {
        var point = RecallPoint(ef: ef, k: k)
        for recall in recalls { point.add(recall) }
        return point
    }

    /// n queries that all had this recall but for a spread that keeps the mean.
    private func flat(_ ef: Int, _ recall: Double, n: Int = 400) -> RecallPoint {
        point(ef, (0..<n).map { recall + ($0 % 2 == 0 ? 0.01 : -0.01) })
    }

    @Test func theIntervalHoldsTheMeanAndNeverClaimsCertainty() {
        let mixed = point(10, [1, 1, 0.5, 0.9, 1, 0.7, 1, 1])
        #expect(abs(mixed.mean - 0.8875) < 1e-12)
        #expect(mixed.interval.lowerBound < mixed.mean && mixed.mean < mixed.interval.upperBound)
        // Standard deviation 0.1885, standard error 0.0667.
        #expect(abs(mixed.interval.lowerBound - (0.8875 - 1.96 * 0.0667)) < 0.005)
        let flawless = point(10, Array(repeating: 1, count: 100))
        #expect(flawless.isFlawless && flawless.interval.upperBound == 1)
        #expect(flawless.interval.lowerBound < 0.997 && flawless.interval.lowerBound > 0.99)
        let more = point(10, Array(repeating: 1, count: 400))
        #expect(more.interval.lowerBound > flawless.interval.lowerBound)
        #expect(RecallPoint(ef: 10, k: 10).interval == 0...1)
    }

    /// Queries differ in difficulty, so the interval must be wider than one of independent neighbours.
    @Test func theIntervalCoversTheTrueRecall() {
        var generator = SeededGenerator(seed: 90)
        var covered = 0
        for _ in 0..<400 {
            let sample = (0..<96).map { _ -> Double in
                // A tenth of the queries are hard: 0.2 … 0.8; the others miss nothing or one.
                if Int.random(in: 0..<10, using: &generator) == 0 {
                    return Double(Int.random(in: 2...8, using: &generator)) / 10
                }
                return Bool.random(using: &generator) ? 1 : 0.9
            }
            covered += point(10, sample).interval.contains(0.1 * 0.5 + 0.9 * 0.95) ? 1 : 0
        }
        #expect(covered >= 365 && covered < 400, "\(covered) of 400")
    }

    @Test func theSmallestProvedEffortIsChosen() {
        let curve = RecallCurve(k: 10, points: [flat(10, 0.80), flat(20, 0.90), flat(40, 0.96)])
        #expect(curve.ef(reaching: 0.5) == .ef(10))
        // Recall 0.90 was measured at 20, but proved is a little less, so somewhat more than 20 is taken.
        guard case .ef(let ef) = curve.ef(reaching: 0.90) else { Issue.record("reached"); return }
        #expect(ef > 20 && ef < 30)
        guard case .ef(let between) = curve.ef(reaching: 0.85) else { Issue.record("reached"); return }
        #expect(between > 13 && between < 17)
        #expect(curve.ef(reaching: 0.97) == .beyond(largest: 40))
        #expect(RecallCurve(k: 10).ef(reaching: 0.9) == nil)
        let targets = stride(from: 0.5, to: 0.95, by: 0.01)
        let efs = targets.map { target -> Int in
            if case .ef(let ef) = curve.ef(reaching: target) { ef } else { .max }
        }
        #expect(efs == efs.sorted())
    }

    @Test func aSampleWithoutAMissAllowsNoMore() {
        let curve = RecallCurve(
            k: 10, points: [flat(10, 0.9), point(20, Array(repeating: 1, count: 96))])
        #expect(curve.ef(reaching: 0.999) == .ef(20))
    }

    /// The bound says less of a small sample, so more effort is chosen.
    @Test func fewQueriesMeanMoreEffort() {
        func ef(_ n: Int) -> Int {
            let curve = RecallCurve(
                k: 10, points: [flat(10, 0.8, n: n), flat(40, 0.95, n: n), flat(160, 0.99, n: n)])
            if case .ef(let ef) = curve.ef(reaching: 0.94) { return ef }
            return .max
        }
        #expect(ef(50) > ef(500) && ef(500) > ef(50_000))
    }

    @Test func pointsOutOfOrderAreLeftOut() {
        let curve = RecallCurve(k: 10, points: [flat(20, 0.9), flat(10, 0.99), point(30, k: 100, [1])])
        #expect(curve.points.map(\.ef) == [20])
    }

    @Test func laddersBeginAtTheirDepthAndRise() {
        for k in EffortLadder.depths {
            let efs = EffortLadder.efs(for: k)
            #expect(efs.first == k && efs.last == 1_024 && efs == efs.sorted() && Set(efs).count == efs.count)
        }
        #expect(EffortLadder.isScanCheaper(ef: 64, m: 16, rows: 2_000))
        #expect(!EffortLadder.isScanCheaper(ef: 64, m: 16, rows: 3_000))
    }

    @Test func theReservoirIsBoundedRecentAndFreeOfRepetition() {
        let reservoir = QueryReservoir(dimension: 2, most: 64, seed: 7)
        for i in 0..<20_000 { reservoir.offer([Float(i), 1]) }
        let sample = reservoir.sample
        #expect(sample.queries.count == 64)
        #expect(Set(sample.queries).count == 64)
        // One in eight takes a random place: ages are spread around 64 · 8 queries.
        let ages = sample.queries.map { 20_000 - Int($0[0]) }
        #expect(ages.reduce(0, +) / 64 < 1_000 && (ages.max() ?? 0) > 600)
        let same = QueryReservoir(dimension: 2, most: 64, seed: 7)
        for _ in 0..<1_000 { same.offer([1, 2]) }
        #expect(same.sample.queries == [[1, 2]] && same.taken == 1)
        #expect(QueryReservoir(dimension: 65_536, most: 256, seed: 1).capacity == 32)
        let again = QueryReservoir(dimension: 2, most: 64, seed: 7)
        for i in 0..<20_000 { again.offer([Float(i), 1]) }
        #expect(again.sample.queries == sample.queries)
    }
}
