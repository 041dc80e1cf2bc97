// Every metric there is. docs/metrics.md says the same for people, and a test compares the two.

/// A name with its samples' type and meaning.
package struct MetricFamily: Sendable {
    package enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
    }

    package let name: String
    package let kind: Kind
    /// One sentence, without a line break.
    package let help: String

    private init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = "needletail_\(name)"
        self.kind = kind
        self.help = help
    }

    // MARK: Requests and connections

    static let requests = MetricFamily(
        "requests_total", .counter, "Requests by method and outcome (ok or the kind of error).")
    static let requestDuration = MetricFamily(
        "request_duration_seconds", .histogram,
        "Time from a request's last byte until its result was handed to the connection.")
    static let queued = MetricFamily(
        "queued_requests", .gauge, "Requests that wait for a thread, by the threads they wait for.")
    static let connections = MetricFamily("connections", .gauge, "Connections that are open.")
    static let connectionsOpened = MetricFamily(
        "connections_opened_total", .counter, "Connections that were accepted.")
    static let connectionsRefused = MetricFamily(
        "connections_refused_total", .counter, "Connections that were closed because there were too many.")
    static let received = MetricFamily("received_bytes_total", .counter, "Bytes that clients sent.")
    static let sent = MetricFamily("sent_bytes_total", .counter, "Bytes that were sent to clients.")
    static let httpResponses = MetricFamily(
        "http_responses_total", .counter, "Answers of the HTTP side by route and status.")
    static let ready = MetricFamily(
        "ready", .gauge, "1 while all collections are loaded and requests are accepted, else 0.")

    // MARK: Collections

    static let collections = MetricFamily("collections", .gauge, "Collections by state.")
    static let points = MetricFamily("collection_points", .gauge, "Points that were not deleted.")
    static let segments = MetricFamily("collection_segments", .gauge, "Segments by kind.")
    static let segmentBytes = MetricFamily(
        "collection_segment_bytes", .gauge,
        "Bytes of segments: memory of those that grow, files of those that are sealed.")
    static let logBytes = MetricFamily(
        "collection_log_bytes", .gauge, "Bytes of log that a start would read.")
    static let recall = MetricFamily(
        "recall_ratio", .gauge,
        "Share of the ten nearest that searches at the standard recall found when measured.")
    static let logSync = MetricFamily(
        "log_sync_duration_seconds", .histogram, "Syncs of logs that writes waited for.")
    static let logWritten = MetricFamily(
        "log_written_bytes_total", .counter, "Bytes that writes brought to the logs.")

    // MARK: Quality

    static let qualityNorm = MetricFamily(
        "quality_norm", .gauge, "Mean length of the vectors as they were sent.")
    static let qualityShift = MetricFamily(
        "quality_centroid_shift", .gauge,
        "How far the centre is from the baseline's, in mean distances from it.")
    static let qualityDuplicates = MetricFamily(
        "quality_near_duplicates_ratio", .gauge, "Share of vectors that have a near duplicate.")
    static let qualityCoherence = MetricFamily(
        "quality_coherence", .gauge,
        "How much nearer the ten nearest are than any other: 0 for vectors without groups.")
    static let qualityHubness = MetricFamily(
        "quality_hubness", .gauge, "Skewness of how often a vector is among the ten nearest of others.")
    static let qualityLowConfidence = MetricFamily(
        "quality_low_confidence_ratio", .gauge,
        "Share of searches whose best point is worse than 95 % of the baseline's.")
    static let qualityScoreGap = MetricFamily(
        "quality_score_gap", .gauge, "Median difference between the best score and the tenth.")
    static let qualityMeasured = MetricFamily(
        "quality_measured_timestamp_seconds", .gauge, "When the quality figures were measured.")
    static let qualityAlerts = MetricFamily(
        "quality_alerts", .gauge, "1 for each figure that is worse than the configuration allows.")

    // MARK: The rest of the house

    static let memory = MetricFamily("memory_bytes", .gauge, "Memory by what it is for.")
    static let cacheHits = MetricFamily(
        "embedding_cache_hits_total", .counter, "Texts whose vector was known, by where it was.")
    static let cacheMisses = MetricFamily(
        "embedding_cache_misses_total", .counter, "Texts that the model had to embed.")
    static let cacheEntries = MetricFamily("embedding_cache_entries", .gauge, "Vectors of texts in memory.")
    static let cacheBytes = MetricFamily("embedding_cache_bytes", .gauge, "Bytes of vectors of texts.")
    static let jobs = MetricFamily("jobs", .gauge, "Jobs that are remembered, by kind and state.")
    static let jobProgress = MetricFamily("job_progress_ratio", .gauge, "How far running jobs are.")
    static let resident = MetricFamily("process_resident_bytes", .gauge, "Resident memory of the process.")
    static let cpu = MetricFamily("process_cpu_seconds_total", .counter, "Processor time of the process.")
    static let openFiles = MetricFamily("process_open_files", .gauge, "Files and sockets that are open.")
    static let maximumFiles = MetricFamily("process_max_files", .gauge, "How many may be open.")
    static let uptime = MetricFamily("process_uptime_seconds", .gauge, "Time since the server started.")
    static let build = MetricFamily("build_info", .gauge, "1, with what the server is.")

    package static let all = [
        build, uptime, cpu, resident, openFiles, maximumFiles, ready, requests, requestDuration, queued,
        connections, connectionsOpened, connectionsRefused, received, sent, httpResponses, logSync,
        logWritten,
        collections, points, segments, segmentBytes, logBytes, recall, qualityNorm, qualityShift,
        qualityDuplicates, qualityCoherence, qualityHubness, qualityLowConfidence, qualityScoreGap,
        qualityMeasured, qualityAlerts, memory, cacheHits, cacheMisses, cacheEntries, cacheBytes, jobs,
        jobProgress,
    ]
}
