// How good the vectors of a collection and the answers from them are, over time.

import NeedleCore

/// A vector space at one moment, by a sample of its vectors and by the searches since the moment before. Distances are
/// those between vectors as the metric sees them: of unit length for cosine.
public struct QualityMeasurement: Hashable, Sendable {
    /// What searches took, in microseconds.
    public struct Latency: Hashable, Sendable {
        /// Half of them took no longer.
        public var p50: Int
        /// 95 of 100 took no longer.
        public var p95: Int
        /// 99 of 100 took no longer.
        public var p99: Int

        package init(p50: Int, p95: Int, p99: Int) {
            self.p50 = p50
            self.p95 = p95
            self.p99 = p99
        }
    }

    /// When, in milliseconds since 1970.
    public var atMS: Int
    /// Points of the collection.
    public var points: Int
    /// Vectors in the sample.
    public var sampled: Int
    /// Mean length of the vectors as they were sent.
    public var norm: Double
    /// The standard deviation of that length.
    public var normDeviation: Double
    /// How far the centroid is from the baseline's, in mean distances of the baseline's vectors from theirs.
    public var centroidShift: Double
    /// Share of vectors that have another one nearer than a twentieth of the mean distance from the centroid, 0 … 1.
    public var nearDuplicates: Double
    /// 1 − mean distance of a vector from its ten nearest in the sample / mean distance of two of the sample: 0 for
    /// vectors without groups, near 1 for tight ones.
    public var coherence: Double
    /// Skewness of how often a vector of the sample is among the ten nearest of another one. Beyond about 5 a few
    /// vectors are answers to everything.
    public var hubness: Double
    /// Searches without a filter that came in the time.
    public var queries: Int
    /// Share of them whose best point scored worse than 95 % of the baseline's did, 0 … 1; `nil` for too few.
    public var lowConfidence: Double?
    /// Median difference between the score of the best point and of the tenth or last, on the metric's scale; `nil` for
    /// too few.
    public var scoreGap: Double?
    /// Of all searches in the time; `nil` for none.
    public var latency: Latency?

    package init(
        atMS: Int, points: Int, sampled: Int, norm: Double, normDeviation: Double, centroidShift: Double,
        nearDuplicates: Double, coherence: Double, hubness: Double, queries: Int,
        lowConfidence: Double? = nil,
        scoreGap: Double? = nil, latency: Latency? = nil
    ) {
        self.atMS = atMS
        self.points = points
        self.sampled = sampled
        self.norm = norm
        self.normDeviation = normDeviation
        self.centroidShift = centroidShift
        self.nearDuplicates = nearDuplicates
        self.coherence = coherence
        self.hubness = hubness
        self.queries = queries
        self.lowConfidence = lowConfidence
        self.scoreGap = scoreGap
        self.latency = latency
    }
}

/// Something about a vector space that has become worse than the server's configuration allows.
public struct QualityAlert: Hashable, Sendable {
    /// `norm_drift`, `centroid_shift`, `near_duplicates`, `coherence`, `hubness`, `low_confidence` or `latency`.
    public var kind: String
    /// Empty for the only, unnamed space.
    public var space: String
    /// A sentence with both figures.
    public var message: String

    package init(kind: String, space: String, message: String) {
        self.kind = kind
        self.space = space
        self.message = message
    }
}

/// How good a vector space is, and was.
public struct SpaceQuality: Hashable, Sendable {
    /// Empty for the only, unnamed space.
    public var space: String
    /// What everything is compared with; `nil` until there was something to measure.
    public var baseline: QualityMeasurement?
    /// By time, the newest last; those of long ago are thinned out.
    public var history: [QualityMeasurement]
    /// What has become worse.
    public var alerts: [QualityAlert]

    package init(
        space: String, baseline: QualityMeasurement? = nil, history: [QualityMeasurement] = [],
        alerts: [QualityAlert] = []
    ) {
        self.space = space
        self.baseline = baseline
        self.history = history
        self.alerts = alerts
    }
}

/// What quality is to be compared with.
public enum QualityBaseline: String, Hashable, Sendable, CaseIterable {
    /// The newest measurement of each vector space.
    case now
}

extension NeedletailClient {
    /// Changes what the quality of a collection is compared with from now on: after a change that was meant, what was
    /// worse than before is as it should be.
    ///
    /// Nothing changes where nothing was measured yet.
    ///
    /// - Returns: the collection's latest log sequence number.
    @discardableResult
    public func updateCollection(
        _ name: String, qualityBaseline: QualityBaseline, timeout: Timeout = .standard
    ) async throws -> UInt64 {
        let request = OutgoingRequest("collection.update", repeatability: .onlyIfUnsent) { writer in
            writer.collection(name)
            writer.key("quality_baseline")
            writer.write(qualityBaseline.rawValue)
        }
        return try ResultObject(try await perform(request, timeout: timeout)).lsn()
    }
}

extension SpaceQuality {
    init(_ result: ResultObject) throws(NeedletailError) {
        space = try result.string("space")
        baseline = try result.optional("baseline").map(QualityMeasurement.init)
        history = try result.objects("history").map(QualityMeasurement.init)
        alerts = try QualityAlert.all(in: result)
    }
}

extension QualityAlert {
    /// Absent where there are none.
    static func all(in result: ResultObject) throws(NeedletailError) -> [QualityAlert] {
        guard result.object["alerts"] != nil else { return [] }
        return try result.objects("alerts").map { (alert) throws(NeedletailError) in
            QualityAlert(
                kind: try alert.string("kind"), space: try alert.string("space"),
                message: try alert.string("message"))
        }
    }
}

extension QualityMeasurement {
    init(_ result: ResultObject) throws(NeedletailError) {
        atMS = try result.int("at_ms")
        points = try result.int("points")
        sampled = try result.int("sampled")
        norm = try result.number("norm")
        normDeviation = try result.number("norm_deviation")
        centroidShift = try result.number("centroid_shift")
        nearDuplicates = try result.number("near_duplicates")
        coherence = try result.number("coherence")
        hubness = try result.number("hubness")
        queries = try result.int("queries")
        lowConfidence = result.object["low_confidence"]?.doubleValue
        scoreGap = result.object["score_gap"]?.doubleValue
        latency = try result.optional("latency").map { (latency) throws(NeedletailError) in
            Latency(
                p50: try latency.int("p50_us"), p95: try latency.int("p95_us"), p99: try latency.int("p99_us")
            )
        }
    }
}
