import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

/// What a client sees depends on what it wrote, and on nothing else: not on sizes of segments and logs, not on when
/// they are sealed and merged, not on quantization, durability, or restarts, nor on how writes are put into batches.
@Suite struct MetamorphicTests {
    /// One way of running the same operations.
    struct Variant: Sendable {
        var name: String
        var change: @Sendable (inout Setup) -> Void = { _ in }
        /// What is done after every so many operations.
        var between: (every: Int, operations: [Operation])?
        var isMaintained = true
        /// What is done in place of an operation.
        var split: @Sendable (Operation) -> [Operation] = { [$0] }
    }

    static let variants = [
        Variant(name: "as it is"),
        Variant(
            name: "one large segment",
            change: {
                $0.options.growingRows = 1_000; $0.options.checkpointBytes = 1 << 30
            }),
        Variant(
            name: "tiny segments",
            change: {
                $0.options.growingRows = 6; $0.options.checkpointBytes = 600
            }),
        Variant(name: "tiny logs", change: { $0.options.log = LogOptions(rollBytes: 300, bufferBytes: 64) }),
        Variant(name: "nothing in the background", isMaintained: false),
        Variant(name: "merging all the time", between: (5, [.optimize(0), .optimize(1), .maintain(100)])),
        Variant(name: "float codes", change: { Self.quantize(&$0, .none) }),
        Variant(name: "binary codes", change: { Self.quantize(&$0, .binary) }),
        Variant(name: "int8 codes", change: { Self.quantize(&$0, .int8) }),
        Variant(name: "reopened", between: (7, [.reopen])),
        Variant(name: "killed", between: (11, [.kill])),
        Variant(name: "power cut", between: (13, [.crash(.none, seed: 1, again: nil)])),
        Variant(name: "one write a group", split: \.alone),
        Variant(name: "one write a group, killed", between: (11, [.kill]), split: \.alone),
    ]

    /// LSNs are reserved otherwise where writes are not synced.
    private static let promises = [Durability.os, .memory].map { durability in
        Variant(name: "durability \(durability)", change: { Self.promise(&$0, durability) })
    }

    private static func quantize(_ setup: inout Setup, _ kind: QuantizationKind) {
        for index in setup.configs.indices { setup.configs[index].spaces[0].quantization = kind }
    }

    private static func promise(_ setup: inout Setup, _ durability: Durability) {
        for index in setup.configs.indices { setup.configs[index].durability = durability }
    }

    /// What is seen: every answer, and after every 20th operation all points and an exact search.
    private func observations(
        _ operations: [Operation], _ setup: Setup, _ variant: Variant, withVersions: Bool = true
    ) throws -> [String] {
        var setup = setup
        variant.change(&setup)
        let world = World(setup)
        world.observed = withVersions ? .everything : .contents
        try world.start()
        for (index, operation) in operations.enumerated() {
            if variant.isMaintained || !operation.isMaintenance {
                // However many operations it becomes, the next one begins at the same time.
                let next = world.now + 10
                for part in variant.split(operation) { try world.perform(part) }
                world.clock.advance(Int(next - world.now))
            }
            if let (every, more) = variant.between, index % every == every - 1 {
                for operation in more { try world.perform(operation) }
            }
            if index % 20 == 19 { try world.observeEverything() }
        }
        try world.finish()
        try world.observeEverything()
        return world.observations
    }

    static var seeds: Range<UInt64> { 0..<(ModelTests.variable("NEEDLETAIL_LONG") == "1" ? 300 : 4) }

    private func drawn(_ seed: UInt64) -> ([Operation], Setup) {
        var generator = OperationGenerator(seed: seed)
        let operations = generator.plainOperations(120).map(\.withoutTime)
        var setup = Setup(seed: seed)
        setup.options.limits.opKeyMS = 1 << 40
        // A restore to a later write is to succeed whatever has become of the log.
        setup.options.logArchive = "archive"
        Self.promise(&setup, .fsync)
        return (operations, setup)
    }

    private func expectSame(_ seen: [String], _ expected: [String], _ what: String) {
        let first = zip(seen, expected).first { $0 != $1 }.map { "\($0) in place of \($1)" }
        let isSame = seen == expected
        #expect(isSame, "\(what): \(first ?? "\(seen.count) of \(expected.count)")")
    }

    @Test(arguments: seeds) func everyConfigurationShowsTheSame(seed: UInt64) throws {
        let (operations, setup) = drawn(seed)
        let expected = try observations(operations, setup, Self.variants[0])
        #expect(expected.count > 60)
        for variant in Self.variants.dropFirst() {
            expectSame(
                try observations(operations, setup, variant), expected, "seed \(seed), \(variant.name)")
        }
    }

    @Test(arguments: seeds) func durabilityShowsInVersionsOnly(seed: UInt64) throws {
        let (operations, setup) = drawn(seed)
        let expected = try observations(operations, setup, Self.variants[0], withVersions: false)
        for variant in Self.promises {
            expectSame(
                try observations(operations, setup, variant, withVersions: false), expected,
                "seed \(seed), \(variant.name)")
        }
    }

    /// The same points in batches of one: other LSNs, the same contents.
    @Test(arguments: seeds) func theSizeOfBatchesShowsInVersionsOnly(seed: UInt64) throws {
        var (operations, setup) = drawn(seed)
        operations = operations.map(\.withoutLaterRestores)
        let whole = try observations(operations, setup, Self.variants[0], withVersions: false)
        for name in ["as it is", "tiny segments", "killed"] {
            guard var variant = Self.variants.first(where: { $0.name == name }) else { continue }
            variant.split = { [$0.withSinglePoints] }
            expectSame(
                try observations(operations, setup, variant, withVersions: false), whole,
                "seed \(seed), points one by one, \(name)")
        }
    }
}

extension Operation {
    fileprivate var isMaintenance: Bool {
        switch self {
        case .maintain, .optimize: true
        default: false
        }
    }

    /// The same without points that expire: what is done in between takes time.
    fileprivate var withoutTime: Operation {
        changed { kind in
            guard case .upsert(let items, let requirement) = kind else { return [kind] }
            return [.upsert(items.map { Item(id: $0.id, content: $0.content) }, requirement)]
        }
    }

    /// Upserts without conditions as upserts of one point.
    fileprivate var withSinglePoints: Operation {
        changed { kind in
            guard case .upsert(let items, nil) = kind else { return [kind] }
            return items.map { .upsert([$0], nil) }
        }
    }

    /// A group as several, unless a condition speaks of the versions at its beginning.
    fileprivate var alone: [Operation] {
        guard case .write(let number, let writes) = self,
            writes.allSatisfy({ if case .upsert(_, .current?) = $0.kind { false } else { true } })
        else { return [self] }
        return writes.map { .write(number, [$0]) }
    }

    /// A restore to a later write counts writes.
    fileprivate var withoutLaterRestores: Operation {
        guard case .restore(let index, let number, _) = self else { return self }
        return .restore(index, as: number, to: nil)
    }

    /// A write with an `op_key` stays one.
    private func changed(_ change: (Write.Kind) -> [Write.Kind]) -> Operation {
        guard case .write(let number, let writes) = self else { return self }
        return .write(
            number,
            writes.flatMap { write in
                let kinds = change(write.kind)
                return kinds.count == 1 || write.opKey == nil
                    ? kinds.map { Write($0, opKey: write.opKey) } : [write]
            })
    }
}
