package import NeedleCore
package import NeedleStorage
import NeedleVectors

/// What the engine is told by the configuration. Values only; defaults are those of `config.example.toml`.
package struct EngineOptions: Sendable {
    package var limits = Limits()
    /// The models that fill spaces from texts.
    package var embedders = Embedders()
    /// Vector bytes a growing segment takes before it is sealed.
    package var growingBytes = 512 << 20
    /// Most rows of a growing segment.
    package var growingRows = 1_000_000
    /// A growing segment is sealed at the latest when this many bytes were logged since the last checkpoint.
    package var checkpointBytes = 1 << 30
    /// … or when replaying what was logged since then would take about this long.
    package var replaySeconds = 10.0
    /// … or when nothing was written for so long and there are enough rows to be worth it; 0 = never.
    package var idleSealSeconds = 60
    /// Beam width that reaches a recall of 0.97 where nothing was measured yet: rather too wide than too narrow.
    package var defaultEF = 160
    /// Share of a core that measuring recall may take in idle time; 0 measures nothing at all.
    package var measureShare = 0.1
    /// Stored points that recall is measured with at first, and when there is time.
    package var firstRecallSample = 96
    package var recallSample = 384
    /// Recent queries kept of each space, to measure with.
    package var recallQueries = 256
    /// When vectors and answers are looked at as a whole, and what is worth an alert.
    package var quality = QualityOptions()
    /// Searches that a snapshot keeps with their answers, at most.
    package var snapshotProbes = 100
    /// Segments with fewer rows than this are scanned, not traversed.
    package var exactRows = 1_000
    /// Rows that the codes of a growing quantized space are trained with: its graph begins when they are there.
    package var trainingRows = 1_024
    /// Rows behind the last stripe of a field index in a segment that takes writes, before another one is built.
    package var stripeRows = 4_096
    /// Sealed segments with fewer rows than this get no sketches.
    package var sketchedRows = SketchTraining.leastRows
    /// Bytes that all sealed segments together may take in memory beyond their mappings: sketches, and copies of
    /// graphs' nodes on large pages.
    package var residentBytes = Int.max
    /// Bytes of memory that full segments of all collections may take while they wait to be indexed and sealed; new
    /// rows are refused beyond.
    package var backlogBytes = Int.max
    /// Graphs whose nodes take fewer bytes than this stay in the mapping: few pages hold them.
    package var residentFrom = 8 << 20
    /// Bytes of disk kept for what frees space when the disk is full; 0 keeps none. The server's default is in
    /// its configuration: a database in a test has its simulated disk for itself.
    package var reserveBytes = 0
    /// Below so many free bytes of disk, new data is refused. See `reserveBytes` for the default.
    package var lowWaterBytes = 0
    /// Share of a core's time that embedding the texts of collections with another model may take.
    package var reembedShare = 0.5
    /// Milliseconds for which the old vectors are kept after a cutover.
    package var reembedKeptMS = 86_400_000
    /// Share of dead rows from which a segment is rewritten.
    package var deadShare = 0.2
    /// Bytes of changed payloads beside a segment from which it is rewritten, if they are a quarter of its file.
    package var overlayBytes = 64 << 20
    /// The directory that log files are kept in when the collection needs them no more; empty for none.
    package var logArchive = ""
    /// How long they are kept there.
    package var logArchiveHours = 168
    /// Bytes a second that the check of all blocks after opening may read.
    package var verifyBytesPerSecond = 1 << 30
    /// Bytes a second that scrub may read.
    package var scrubBytesPerSecond = 32 << 20
    /// Milliseconds between two scrubs of a collection; 0: only on demand.
    package var scrubIntervalMS = 7 * 24 * 3_600_000
    /// Sizes of the log's files and its buffer.
    package var log = LogOptions()
    /// What stands between a collection and its log in that directory, if anything: tests put something there that
    /// breaks promises.
    package var wrapLog: (@Sendable (_ log: any CommitLog, _ directory: String) -> any CommitLog)?
    /// Seed of everything random below: graph levels, cursor tokens.
    package var seed: UInt64 = 0x6E65_6564_6C65_7461

    package init() {}

    /// Rows a growing segment of this configuration has room for: at least 1,024, unless `growingRows` says less.
    func growingCapacity(for config: CollectionConfig) -> Int {
        let rowBytes = config.spaces.reduce(0) { $0 + $1.size * 4 }
        return min(growingRows, max(1_024, growingBytes / max(1, rowBytes)))
    }
}
