import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

/// What a client sees depends on what it wrote, and on nothing else: not on sizes of segments and logs, not on when
/// they are sealed and merged, not on quantization, not on restarts.
@Suite struct MetamorphicTests {
    /// One way of running the same operations.
    struct Variant: Sendable {
        var name: String
        var change: @Sendable (inout Setup) -> Void = { _ in }
        /// What is done after every so many operations.
        var between: (every: Int, operations: [Operation])?
        var isMaintained = true
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
    ]

    private static func quantize(_ setup: inout Setup, _ kind: QuantizationKind) {
        for index in setup.configs.indices { setup.configs[index].spaces[0].quantization = kind }
    }

    /// What is seen: every answer, and after every 20th operation all points and an exact search.
    private func observations(_ operations: [Operation], _ setup: Setup, _ variant: Variant) throws
        -> [String]
    {
        var setup = setup
        variant.change(&setup)
        let world = World(setup)
        world.isObserved = true
        try world.start()
        for (index, operation) in operations.enumerated() {
            if variant.isMaintained || !operation.isMaintenance { try world.perform(operation) }
            if let (every, more) = variant.between, index % every == every - 1 {
                for operation in more { try world.perform(operation) }
            }
            if index % 20 == 19 { try world.observeEverything() }
        }
        try world.finish()
        try world.observeEverything()
        return world.observations
    }

    static var seeds: Range<UInt64> { 0..<(ModelTests.variable("NEEDLETAIL_LONG") == "1" ? 100 : 4) }

    @Test(arguments: seeds) func everyConfigurationShowsTheSame(seed: UInt64) throws {
        var generator = OperationGenerator(seed: seed)
        let operations = generator.plainOperations(120).map(\.withoutTime)
        var setup = Setup(seed: seed)
        setup.options.limits.opKeyMS = 1 << 40
        for index in setup.configs.indices { setup.configs[index].durability = .fsync }
        let expected = try observations(operations, setup, Self.variants[0])
        #expect(expected.count > 60)
        for variant in Self.variants.dropFirst() {
            let seen = try observations(operations, setup, variant)
            let first = zip(seen, expected).first { $0 != $1 }.map { "\($0) in place of \($1)" }
            let isSame = seen == expected
            #expect(isSame, "seed \(seed), \(variant.name): \(first ?? "\(seen.count) of \(expected.count)")")
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
        guard case .write(let number, let writes) = self else { return self }
        return .write(
            number,
            writes.map { write in
                guard case .upsert(let items, let requirement) = write.kind else { return write }
                return Write(
                    .upsert(items.map { Item(id: $0.id, content: $0.content) }, requirement),
                    opKey: write.opKey)
            })
    }
}
