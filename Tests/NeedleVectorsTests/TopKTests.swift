import NeedleCore
import NeedleVectors
import Testing

@Suite struct TopKTests {
    /// Few distinct distances, so that ties decide much; the tie-break runs against the row order.
    @Test(arguments: [0, 1, 2, 10, 99, 100, 250])
    func keepsWhatSortingWouldKeep(k: Int) {
        var generator = SeededGenerator(seed: UInt64(k))
        let all = (0..<100).map { row in
            Neighbour(distance: Double(Int.random(in: 0..<12, using: &generator)), row: UInt32(row))
        }
        let expected = all.sorted { ($0.distance, $1.row) < ($1.distance, $0.row) }.prefix(k)
        for _ in 0..<3 {
            var top = TopK(capacity: k)
            for candidate in all.shuffled(using: &generator) { top.offer(candidate, precedes: >) }
            #expect(top.sorted(precedes: >) == Array(expected))
            #expect(top.count == min(k, 100))
        }
    }

    @Test func asksForTheTieBreakOnlyAtEqualDistances() {
        var top = TopK(capacity: 3)
        var asked: [[UInt32]] = []
        for (row, distance) in [5.0, 1, 4, 2, 3].enumerated() {
            top.offer(Neighbour(distance: distance, row: UInt32(row))) { a, b in
                asked.append([a, b])
                return a < b
            }
        }
        #expect(asked.isEmpty)
        #expect(top.sorted(precedes: <).map(\.row) == [1, 3, 4])
        #expect(top.bound == 3)
    }

    @Test func theBoundTellsWhatIsWorthOffering() {
        var none = TopK(capacity: 0)
        #expect(none.bound == -.infinity)
        none.offer(Neighbour(distance: -1, row: 0), precedes: <)
        #expect(none.sorted(precedes: <).isEmpty)
        var one = TopK(capacity: 1)
        #expect(one.bound == .infinity)
        one.offer([3, 1, 2].span, from: 10, precedes: <)
        #expect(one.bound == 1)
        #expect(one.sorted(precedes: <) == [Neighbour(distance: 1, row: 11)])
    }
}
