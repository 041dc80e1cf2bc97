/// How much would be replayed if the collection had to be opened now.
struct ReplayCost {
    private(set) var bytes = 0
    /// Rows written and ids deleted.
    private(set) var rows = 0

    /// What replaying takes, the log's checks and its new file included: 200,000 rows of 128 floats, 0.72 s on
    /// a busy core of 2020 or so (`reopen-benchmark`, docs/status.md).
    private static let nanosecondsPerRow = 2_000.0
    private static let nanosecondsPerByte = 3.0

    mutating func add(bytes: Int = 0, rows: Int = 0) {
        self.bytes += bytes
        self.rows += rows
    }

    /// An estimate.
    var seconds: Double {
        (Double(rows) * Self.nanosecondsPerRow + Double(bytes) * Self.nanosecondsPerByte) / 1e9
    }

    /// Whether a checkpoint is due, so that opening stays quick.
    func isLong(_ options: EngineOptions) -> Bool {
        bytes >= options.checkpointBytes || seconds >= options.replaySeconds
    }
}
