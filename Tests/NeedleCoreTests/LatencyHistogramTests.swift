import NeedleCore
import Testing

@Suite struct LatencyHistogramTests {
    @Test func quantilesAreThoseOfTheSortedValuesOrAtMostAnEighthMore() throws {
        var generator = SeededGenerator(seed: 7)
        let histogram = LatencyHistogram()
        var values: [Int] = []
        for _ in 0..<5_000 {
            let value = Int.random(
                in: 0..<(1 << Int.random(in: 1...24, using: &generator)), using: &generator)
            values.append(value)
            histogram.add(microseconds: value)
        }
        values.sort()
        let counts = histogram.take()
        #expect(counts.total == 5_000)
        for share in [0.001, 0.1, 0.5, 0.95, 0.99, 1] {
            let exact = values[Int((share * 5_000).rounded(.up)) - 1]
            let found = try #require(counts.quantile(share))
            #expect(found >= exact && found <= exact + exact / 8)
        }
    }

    @Test func smallValuesAreExact() {
        for value in 0..<16 {
            let histogram = LatencyHistogram()
            histogram.add(microseconds: value)
            #expect(histogram.take().quantile(0.5) == value)
        }
    }

    @Test func whatIsTakenIsCountedOnce() {
        let histogram = LatencyHistogram()
        histogram.add(microseconds: 5)
        #expect(histogram.take().total == 1)
        let empty = histogram.take()
        #expect(empty.total == 0 && empty.quantile(0.5) == nil)
    }

    @Test func whatCannotBeIsCountedAtTheEnds() throws {
        let histogram = LatencyHistogram()
        histogram.add(microseconds: -1)
        #expect(histogram.take().quantile(1) == 0)
        histogram.add(microseconds: .max)
        #expect(try #require(histogram.take().quantile(1)) == (1 << 32) - 1)
    }

    @Test func whatIsReadStaysAndIsExactAtPowersOfTwo() {
        var generator = SeededGenerator(seed: 8)
        let histogram = LatencyHistogram()
        var values: [Int] = []
        for _ in 0..<2_000 {
            let value = Int.random(
                in: 0..<(1 << Int.random(in: 1...30, using: &generator)), using: &generator)
            values.append(value)
            histogram.add(microseconds: value)
        }
        for _ in 0..<2 {
            let counts = histogram.counts
            #expect(counts.total == 2_000)
            for exponent in 3...31 {
                #expect(counts.count(below: 1 << exponent) == values.count { $0 < 1 << exponent })
            }
        }
    }

    @Test func durationsAreAddedUp() {
        let meter = DurationMeter()
        for nanoseconds: UInt64 in [1_500, 2_000_000, 3_000_000_000] { meter.add(nanoseconds: nanoseconds) }
        #expect(meter.counts.total == 3 && meter.counts.count(below: 8) == 1)
        #expect(abs(meter.seconds - 3.0020015) < 1e-9)
    }
}
