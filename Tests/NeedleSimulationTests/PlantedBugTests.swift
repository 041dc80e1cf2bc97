import SimulationKit
import Testing

/// A run that finds nothing could be a run that can find nothing.
@Suite struct PlantedBugTests {
    @Test(arguments: PlantedBug.allCases) func isFoundWithinFiveHundredSeeds(bug: PlantedBug) {
        let found = (0..<500 as Range<UInt64>).first { seed in
            var (operations, setup) = Run.seeded(seed)
            bug.plant(into: &setup)
            return Run.run(operations, setup).failure != nil
        }
        #expect(found != nil, "\(bug) was not found")
    }

    /// The same runs are quiet without the bug, the checking layer left out.
    @Test func noFalseAlarm() {
        for seed in 0..<20 as Range<UInt64> {
            var (operations, setup) = Run.seeded(seed)
            setup.checksOrder = false
            #expect(Run.run(operations, setup).failure == nil, "seed \(seed)")
        }
    }

    /// What stands between database and disk notices them where it can, without any crash.
    @Test(arguments: [
        PlantedBug.acknowledgedBeforeSync, .noDirectorySync, .manifestBeforeData, .staleManifestKept,
        .writeLostOnRotation, .failedSyncIgnored,
    ]) func isNoticedByTheCheckingLayer(bug: PlantedBug) {
        let found = (0..<200 as Range<UInt64>).first { seed in
            var (operations, setup) = Run.seeded(seed)
            bug.plant(into: &setup)
            setup.checksOrder = true
            operations.removeAll {
                if case .crash = $0 { true } else if case .crashLater = $0 { true } else { false }
            }
            return Run.run(operations, setup).failure?.what.hasPrefix("rule") ?? false
        }
        #expect(found != nil, "\(bug) was not noticed")
    }
}
