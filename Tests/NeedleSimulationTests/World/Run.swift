import NeedleCore
import SimulationKit

/// A run that met a violation.
struct Failure: CustomStringConvertible {
    var what: String
    /// The operation that met it; `nil` for the checks at the end.
    var operation: Int?
    var operations: [Operation]
    /// The last things done to the disk, of a run that kept them.
    var fileOperations: [String] = []

    var description: String {
        let place =
            operation.map { "operation \($0 + 1) of \(operations.count), \(operations[$0])" } ?? "the end"
        return "\(what)\n  at \(place)"
    }

    /// Everything that was done, as text that `Operation.parse` reads; and what that did to the disk, if it is known.
    var trace: String {
        (operations.prefix((operation ?? operations.count) + 1).map(\.description)
            + fileOperations.map { "# \($0)" }).joined(separator: "\n")
    }
}

/// What a run went through.
struct RunReport {
    var failure: Failure?
    /// Power cuts, kills, and file operations that were made to fail.
    var crashesAndFaults = 0
}

enum Run {
    /// Runs operations from an empty disk to the checks at the end.
    static func run(_ operations: [Operation], _ setup: Setup, isTraced: Bool = false) -> RunReport {
        let world = World(setup)
        if isTraced { world.disk.startTrace() }
        var current: Int?
        do {
            try world.start()
            for (index, operation) in operations.enumerated() {
                current = index
                try world.perform(operation)
            }
            current = nil
            try world.finish()
        } catch {
            let what = (error as? Violation)?.what ?? "\(error)"
            return RunReport(
                failure: Failure(
                    what: what, operation: current, operations: operations,
                    fileOperations: world.disk.trace.suffix(150)))
        }
        return RunReport(crashesAndFaults: world.crashes + world.disk.faultsStruck)
    }

    /// The operations and the setup of a seed.
    static func seeded(_ seed: UInt64, operations: Int = 200) -> ([Operation], Setup) {
        var generator = OperationGenerator(seed: seed)
        return (generator.operations(operations), Setup(seed: seed))
    }

    /// A failure with as few operations as are needed for one.
    static func simplify(_ failure: Failure, _ setup: Setup) -> Failure {
        let operations = Array(failure.operations.prefix((failure.operation ?? failure.operations.count) + 1))
        let least = simplified(operations, budget: 600) { run($0, setup).failure != nil }
        return run(least, setup, isTraced: true).failure ?? failure
    }
}
