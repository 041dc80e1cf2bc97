import NeedleCore
import NeedleVectors
import Testing

@Suite struct MarginalRelevanceTests {
    /// Points on a line; alike when near.
    private let places = [0.0, 0.01, 0.5, 0.02, 1]
    private let relevance = [1, 0.99, 0.9, 0.89, 0.5]

    private func choose(_ limit: Int, lambda: Double) -> [Int] {
        MarginalRelevance.choose(limit: limit, relevance: relevance, lambda: lambda) {
            1 - abs(places[$0] - places[$1])
        }
    }

    @Test func relevanceAloneKeepsTheOrder() {
        #expect(choose(5, lambda: 1) == [0, 1, 2, 3, 4])
        #expect(choose(2, lambda: 1) == [0, 1])
    }

    @Test func twinsOfTheChosenComeLater() {
        #expect(choose(5, lambda: 0.5) == [0, 4, 2, 1, 3])
        #expect(choose(3, lambda: 0).first == 0)
        #expect(choose(3, lambda: 0) == [0, 4, 2])
    }

    @Test func thereMayBeFewerThanWanted() {
        #expect(choose(0, lambda: 0.5) == [])
        #expect(choose(50, lambda: 0.5).sorted() == [0, 1, 2, 3, 4])
        #expect(MarginalRelevance.choose(limit: 3, relevance: [], lambda: 0.5) { _, _ in 0 } == [])
    }

    /// Against the definition, candidate by candidate.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func followsTheDefinition(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...12, using: &random)
        let lambda = Double.random(in: 0...1, using: &random)
        let relevance = (0..<count).map { _ in Double.random(in: 0...1, using: &random) }.sorted(by: >)
        let alike = (0..<count * count).map { _ in Double.random(in: -1...1, using: &random) }
        func similarity(_ a: Int, _ b: Int) -> Double { alike[min(a, b) * count + max(a, b)] }
        var expected: [Int] = []
        while expected.count < count {
            let rest = (0..<count).filter { !expected.contains($0) }
            func value(_ candidate: Int) -> Double {
                let nearest = expected.map { similarity(candidate, $0) }.max() ?? 0
                return lambda * relevance[candidate] - (1 - lambda) * nearest
            }
            let best = rest.map(value).max()
            expected += rest.filter { value($0) == best }.prefix(1)
        }
        #expect(
            MarginalRelevance.choose(
                limit: count, relevance: relevance, lambda: lambda, similarity: similarity)
                == expected)
    }
}
