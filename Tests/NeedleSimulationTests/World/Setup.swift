import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit

/// Under which conditions a run takes place.
struct Setup: Sendable {
    /// What a planted bug breaks.
    struct Plant: Sendable {
        /// Stands between the database and its disk.
        var watch: (@Sendable () -> any FileSystemWatch)?
        var splitsBatches = false
    }

    var options = EngineOptions()
    /// Of the four collections.
    var configs: [CollectionConfig] = []
    var plant = Plant()
    /// Whether the write order is checked too. It takes time, so every other seed does without.
    var checksOrder: Bool

    /// Small segments, small logs, early graphs; the rest differs from seed to seed.
    init(seed: UInt64) {
        var generator = SeededGenerator(seed: SeededGenerator.mix(seed ^ 0x5E70_0000))
        func pick<Value>(_ values: [Value]) -> Value {
            values[Int.random(in: 0..<values.count, using: &generator)]
        }
        checksOrder = seed % 2 == 1
        options.growingRows = pick([8, 16, 40, 200])
        options.checkpointBytes = pick([2_000, 8_000, 30_000])
        options.exactRows = pick([4, 8, 500])
        options.trainingRows = pick([4, 16])
        options.deadShare = pick([0.1, 0.2, 0.6])
        options.measureShare = pick([0, 0, 0, 0, 0, 0.5])
        options.firstRecallSample = 4
        options.recallSample = 8
        options.quality.sample = 12
        options.quality.intervalMS = 1_000
        options.log = LogOptions(
            rollBytes: pick([600, 2_500, 64 << 20]), bufferBytes: pick([64, 700, 1 << 20]))
        options.limits.opKeyMS = 30_000
        options.reserveBytes = 4_096
        options.lowWaterBytes = 4_096
        options.limits.cursorMS = 1 << 40
        let durability = pick([Durability.fsync, .fsync, .fsync, .os])
        let others = [pick([Durability.fsync, .os, .memory]), pick([.fsync, .os, .memory])]
        configs = ([durability] + others + [.fsync]).map { durability in
            Self.config(
                size: pick([2, 3, 4]), metric: pick(Metric.allCases),
                quantization: pick(QuantizationKind.allCases),
                durability: durability)
        }
        options.snapshotProbes = 8
        options.logArchive = pick(["", "archive"])
        options.stripeRows = pick([3, 10, 4_096])
    }

    static func config(
        size: Int, metric: Metric, quantization: QuantizationKind, durability: Durability
    ) -> CollectionConfig {
        CollectionConfig(
            spaces: [
                SpaceConfig(
                    name: CollectionConfig.defaultSpaceName, size: size, metric: metric,
                    quantization: quantization, hnsw: HNSWConfig(m: 4, efConstruct: 8))
            ],
            durability: durability)
    }

    static func name(of collection: Int) -> String { "c\(collection)" }
    static func name(ofAlias alias: Int) -> String { "alias\(alias)" }
}
