import NeedleCore
import NeedleEngine

// Every key there is, in the order of `config.example.toml`. A new setting is one line here, one in
// `ServerConfiguration`, and its paragraph in the example file (a test insists).

extension ConfigurationKey {
    package static let all: [ConfigurationKey] =
        server + security + tls + http + storage + memory + limits + threads + search + quality + model + log

    private static let day = 86_400_000

    private static let server = [
        ConfigurationKey("server", "listen", .address(\.listen)),
        ConfigurationKey("server", "allow_remote", .flag(\.allowRemote)),
        ConfigurationKey("server", "connections", .integer(\.limits.connections, 1...1_000_000)),
        ConfigurationKey("server", "backlog", .integer(\.backlog, 1...65_535)),
        ConfigurationKey("server", "write_timeout_ms", .integer(\.limits.writeTimeoutMS, 100...day)),
        ConfigurationKey("server", "drain_ms", .integer(\.limits.drainMS, 0...day)),
    ]

    private static let security = [
        ConfigurationKey("security", "keys", .text(\.keysFile)),
        ConfigurationKey("security", "login_ms", .integer(\.loginMS, 100...day)),
    ]

    private static let tls = [
        ConfigurationKey("tls", "listen", .optionalAddress(\.tls.listen)),
        ConfigurationKey("tls", "certificate", .text(\.tls.certificate)),
        ConfigurationKey("tls", "private_key", .text(\.tls.privateKey)),
        ConfigurationKey("tls", "client_ca", .text(\.tls.clientAuthorities)),
    ]

    private static let http = [
        ConfigurationKey("http", "listen", .optionalAddress(\.http.listen)),
        ConfigurationKey("http", "allow_remote", .flag(\.http.allowRemote)),
        ConfigurationKey("http", "connections", .integer(\.http.connections, 1...100_000)),
        ConfigurationKey("http", "request_ms", .integer(\.http.requestMS, 100...day)),
        ConfigurationKey("http", "idle_ms", .integer(\.http.idleMS, 100...day)),
        ConfigurationKey("http", "hosts", .text(\.http.hosts)),
        ConfigurationKey("http", "origins", .text(\.http.origins)),
        ConfigurationKey("http", "metrics_collections", .integer(\.http.metricsCollections, 0...10_000)),
    ]

    private static let storage = [
        ConfigurationKey("storage", "data", .text(\.dataDirectory)),
        ConfigurationKey("storage", "growing_bytes", .integer(\.engine.growingBytes, 1 << 20...1 << 40)),
        ConfigurationKey("storage", "growing_rows", .integer(\.engine.growingRows, 1_024...100_000_000)),
        ConfigurationKey(
            "storage", "checkpoint_bytes", .integer(\.engine.checkpointBytes, 1 << 20...1 << 40)),
        ConfigurationKey("storage", "replay_seconds", .fraction(\.engine.replaySeconds, 0.1...3_600)),
        ConfigurationKey("storage", "idle_seal_seconds", .integer(\.engine.idleSealSeconds, 0...86_400)),
        ConfigurationKey("storage", "reserve_bytes", .integer(\.engine.reserveBytes, 0...1 << 36)),
        ConfigurationKey("storage", "low_water_bytes", .integer(\.engine.lowWaterBytes, 0...1 << 44)),
        ConfigurationKey("storage", "dead_share", .fraction(\.engine.deadShare, 0.01...1)),
        ConfigurationKey("storage", "log_archive", .text(\.engine.logArchive)),
        ConfigurationKey("storage", "log_archive_hours", .integer(\.engine.logArchiveHours, 1...1_000_000)),
        ConfigurationKey(
            "storage", "snapshot_bytes_per_second", .integer(\.snapshotBytesPerSecond, 0...1 << 40)),
        ConfigurationKey(
            "storage", "verify_bytes_per_second", .integer(\.engine.verifyBytesPerSecond, 1 << 20...1 << 40)),
        ConfigurationKey(
            "storage", "scrub_bytes_per_second", .integer(\.engine.scrubBytesPerSecond, 1 << 16...1 << 40)),
        ConfigurationKey("storage", "scrub_interval_ms", .integer(\.engine.scrubIntervalMS, 0...365 * day)),
    ]

    private static let memory = [
        ConfigurationKey("memory", "resident_bytes", .integer(\.residentBytes, 0...1 << 50)),
        ConfigurationKey("memory", "backlog_bytes", .integer(\.backlogBytes, 0...1 << 50)),
    ]

    private static let limits = [
        ConfigurationKey("limits", "line_bytes", .integer(\.limits.lineBytes, 1 << 10...1 << 30)),
        ConfigurationKey("limits", "in_flight", .integer(\.limits.inFlight, 1...65_536)),
        ConfigurationKey("limits", "server_bytes", .integer(\.limits.serverBytes, 1 << 20...1 << 42)),
        ConfigurationKey("limits", "batch_points", .integer(\.limits.batchPoints, 1...1_000_000)),
        ConfigurationKey("limits", "dimensions", .integer(\.limits.dimensions, 1...65_536)),
        ConfigurationKey("limits", "wait_ms", .integer(\.limits.waitMS, 0...day)),
        ConfigurationKey("limits", "op_key_ms", .integer(\.limits.opKeyMS, 0...day)),
        ConfigurationKey("limits", "cursor_ms", .integer(\.limits.cursorMS, 1_000...day)),
        ConfigurationKey("limits", "cursors", .integer(\.limits.cursors, 1...10_000_000)),
        ConfigurationKey("limits", "collections", .integer(\.limits.collections, 1...1_000_000)),
        ConfigurationKey("limits", "spaces", .integer(\.limits.spaces, 1...1_024)),
    ]

    private static let threads = [
        ConfigurationKey("threads", "io", .integer(\.ioThreads, 0...1_024)),
        ConfigurationKey("threads", "io_poll_us", .integer(\.pollMicroseconds, 0...10_000)),
        ConfigurationKey("threads", "search", .integer(\.searchThreads, 0...1_024)),
        ConfigurationKey("threads", "embedding", .integer(\.embeddingThreads, 0...1_024)),
        ConfigurationKey("threads", "write", .integer(\.writeThreads, 1...1_024)),
        ConfigurationKey("threads", "maintenance", .integer(\.maintenanceThreads, 0...1_024)),
        ConfigurationKey("threads", "queued_requests", .integer(\.queuedRequests, 1...10_000_000)),
    ]

    private static let search = [
        ConfigurationKey("search", "default_ef", .integer(\.engine.defaultEF, 1...10_000)),
        ConfigurationKey("search", "exact_rows", .integer(\.engine.exactRows, 0...1_000_000)),
        ConfigurationKey("search", "measure_share", .fraction(\.engine.measureShare, 0...1)),
    ]

    private static let quality = [
        ConfigurationKey("quality", "interval_ms", .integer(\.engine.quality.intervalMS, 0...365 * day)),
        ConfigurationKey("quality", "sample", .integer(\.engine.quality.sample, 50...10_000)),
        ConfigurationKey("quality", "norm_drift", .fraction(\.engine.quality.normDrift, 0...100)),
        ConfigurationKey("quality", "centroid_shift", .fraction(\.engine.quality.centroidShift, 0...100)),
        ConfigurationKey("quality", "near_duplicates", .fraction(\.engine.quality.nearDuplicates, 0...1)),
        ConfigurationKey("quality", "coherence", .fraction(\.engine.quality.coherence, 0...1)),
        ConfigurationKey("quality", "hubness", .fraction(\.engine.quality.hubness, 0...1_000)),
        ConfigurationKey("quality", "low_confidence", .fraction(\.engine.quality.lowConfidence, 0...1)),
        ConfigurationKey("quality", "p99_ms", .fraction(\.engine.quality.p99MS, 0...86_400_000)),
    ]

    private static let model = [
        ConfigurationKey("model", "directory", .text(\.model.directory)),
        ConfigurationKey("model", "weights", .choice(\.model.weights, ["float32", "int8"])),
        ConfigurationKey("model", "dimensions", .integer(\.model.dimensions, 0...65_536)),
        ConfigurationKey("model", "query_prefix", .text(\.model.queryPrefix)),
        ConfigurationKey("model", "passage_prefix", .text(\.model.passagePrefix)),
        ConfigurationKey("model", "batch_wait_ms", .fraction(\.model.batchWaitMS, 0...1_000)),
        ConfigurationKey("model", "cache_bytes", .integer(\.model.cacheBytes, 0...1 << 42)),
        ConfigurationKey("model", "cache_file_bytes", .integer(\.model.cacheFileBytes, 0...1 << 44)),
        ConfigurationKey("model", "more", .text(\.model.more)),
        ConfigurationKey("model", "reembed_share", .fraction(\.engine.reembedShare, 0.01...1)),
        ConfigurationKey("model", "rollback_ms", .integer(\.engine.reembedKeptMS, 0...365 * day)),
    ]

    private static let log = [
        ConfigurationKey("log", "level", .level(\.logLevel))
    ]
}
