import Glibc
import NeedleCore
import SimulationKit
import Testing

/// Random operations, crashes and failures against the reference model. `NEEDLETAIL_SEED=n` runs one seed,
/// `NEEDLETAIL_SEED=n-m` those from n to m; `NEEDLETAIL_SEEDS=n` the first n, where each takes long (sanitizers).
@Suite struct ModelTests {
    /// Seeds that one case runs through.
    static let seedsPerCase = 25

    static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// A variable that holds a number or two with `-` between them.
    static func range(_ name: String) -> ClosedRange<UInt64>? {
        let bounds = variable(name)?.split(separator: "-").compactMap { UInt64($0) }
        guard let first = bounds?.first, let last = bounds?.last, first <= last else { return nil }
        return first...last
    }

    static var seeds: [UInt64] {
        if let range = range("NEEDLETAIL_SEED") { return Array(range) }
        return Array(0..<(variable("NEEDLETAIL_LONG") == "1" ? 20_000 : quickSeeds))
    }

    /// All that the quick form has, unless told otherwise.
    static let quickSeeds = variable("NEEDLETAIL_SEEDS").flatMap { UInt64($0) } ?? 500

    static var groups: [ArraySlice<UInt64>] {
        let seeds = seeds
        return Swift.stride(from: 0, to: seeds.count, by: seedsPerCase).map {
            seeds[$0..<min($0 + seedsPerCase, seeds.count)]
        }
    }

    @Test(arguments: groups) func acknowledgedIsFoundAndFoundWasAttempted(seeds: ArraySlice<UInt64>) {
        for seed in seeds {
            let (operations, setup) = Run.seeded(seed)
            let report = Run.run(operations, setup)
            if let failure = report.failure {
                let least = Run.simplify(failure, setup)
                Issue.record("seed \(seed): \(failure)\nsimplified: \(least)\n\(least.trace)")
            } else {
                #expect(report.crashesAndFaults >= 3, "seed \(seed) is too quiet")
            }
        }
    }
}
