/// Whether a difference of means over the same queries may be chance: Fisher's randomization test, two-sided (Smucker,
/// Allan and Carterette, "A comparison of statistical significance tests for information retrieval evaluation", 2007).
///
/// If both rankings were equally good, each query's difference might as well have the other sign. The p-value is the share of
/// such exchanges in which the mean differs at least as much as it does.
package struct PairedTest: Hashable, Sendable {
    /// Of the means, second less first.
    package var difference: Double
    /// 0 … 1.
    package var p: Double

    /// Up to so many differences, all exchanges are looked at; beyond, that many at random.
    private static let exactLimit = 16
    private static let rounds = 20_000
    /// Sums of the same numbers in another order differ by this much.
    private static let tolerance = 1e-12

    /// - Precondition: as many of one as of the other, one at least.
    package init(_ first: [Double], _ second: [Double], seed: UInt64) {
        precondition(first.count == second.count && !first.isEmpty)
        let differences = zip(first, second).map { $1 - $0 }
        difference = differences.reduce(0, +) / Double(differences.count)
        let nonzero = differences.filter { $0 != 0 }.map(\.magnitude)
        let observed = differences.reduce(0, +).magnitude - Self.tolerance
        guard nonzero.count > Self.exactLimit else {
            let all = UInt32(1) << UInt32(nonzero.count)
            let extreme = (0..<all).count { Self.sum(nonzero, signs: UInt64($0)).magnitude >= observed }
            p = Double(extreme) / Double(all)
            return
        }
        var state = seed
        let extreme = (0..<Self.rounds).count { _ in
            var sum = 0.0
            for start in stride(from: 0, to: nonzero.count, by: 64) {
                sum += Self.sum(nonzero[start..<min(start + 64, nonzero.count)], signs: Self.next(&state))
            }
            return sum.magnitude >= observed
        }
        // What was observed is one of the exchanges.
        p = Double(extreme + 1) / Double(Self.rounds + 1)
    }

    private static func sum(_ values: some Sequence<Double>, signs: UInt64) -> Double {
        var (sum, signs) = (0.0, signs)
        for value in values {
            sum += signs & 1 == 0 ? value : -value
            signs >>= 1
        }
        return sum
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    private static func next(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
