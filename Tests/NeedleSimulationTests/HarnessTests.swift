import NeedleCore
import SimulationKit
import Testing

/// What simulated runs are made of.
@Suite struct HarnessTests {
    @Test(arguments: 0..<20 as Range<UInt64>) func operationsAreReadAsTheyArePrinted(seed: UInt64) throws {
        let (operations, _) = Run.seeded(seed)
        #expect(try Operation.parse(operations.map(\.description).joined(separator: "\n")) == operations)
    }

    @Test(arguments: [
        "write 0", "write 0 upsert 1", "crash never seed=1", "fault ioError", "hop 3", "create x",
    ])
    func whatIsNoOperationIsRefused(line: String) {
        #expect(throws: UnreadableOperation.self) { try Operation.parse(line) }
    }

    @Test func aSeedGivesTheSameRun() throws {
        let (operations, setup) = Run.seeded(7)
        #expect(operations == Run.seeded(7).0)
        func trace() throws -> [String] {
            let world = World(setup)
            world.disk.startTrace()
            try world.start()
            for operation in operations { try world.perform(operation) }
            return world.disk.trace
        }
        let (first, second) = (try trace(), try trace())
        #expect(first == second && first.count > 500)
    }

    @Test func aListIsSimplifiedToWhatFails() {
        let least = simplified(Array(0..<200)) { Set($0).isSuperset(of: [17, 101, 180]) }
        #expect(least == [17, 101, 180])
        #expect(
            simplified([1, 2, 3]) { _ in true } == [3] || simplified([1, 2, 3]) { _ in true }.count == 1)
        #expect(simplified([1, 2, 3]) { $0.count == 3 } == [1, 2, 3])
    }

    @Test func aFailureOfManyOperationsIsSimplifiedToAFew() throws {
        var (operations, setup) = Run.seeded(3)
        PlantedBug.acknowledgedBeforeSync.plant(into: &setup)
        var seed: UInt64 = 3
        while Run.run(operations, setup).failure == nil {
            seed += 1
            (operations, setup) = Run.seeded(seed)
            PlantedBug.acknowledgedBeforeSync.plant(into: &setup)
        }
        let failure = try #require(Run.run(operations, setup).failure)
        let least = Run.simplify(failure, setup)
        #expect(least.operations.count <= 8, "\(least.trace)")
        #expect(Run.run(try Operation.parse(least.trace), setup).failure != nil, "the trace replays")
    }
}
