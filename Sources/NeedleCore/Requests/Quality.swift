// How good a space's vectors and the answers from them are, and were: what `collection.get` tells with `quality`, and
// what `server.health` says when it gets worse.

/// A space at one moment, by a sample of its vectors and by the searches since the moment before. Distances are those
/// between vectors as the metric sees them: of unit length for cosine.
package struct QualityMeasurement: Hashable, Sendable {
    /// Microseconds that searches took.
    package struct Latency: Hashable, Sendable {
        package var p50: Int
        package var p95: Int
        package var p99: Int

        package init(p50: Int, p95: Int, p99: Int) {
            self.p50 = p50
            self.p95 = p95
            self.p99 = p99
        }
    }

    /// Milliseconds since 1970.
    package var atMS: Int64
    /// Living points of the collection.
    package var points: Int
    /// Vectors in the sample.
    package var sampled: Int
    /// Mean length of the vectors as they were sent, and its standard deviation.
    package var norm: Double
    package var normDeviation: Double
    /// How far the centroid is from the baseline's, in mean distances of the baseline's vectors from theirs.
    package var centroidShift: Double
    /// Share of vectors that have another one nearer than a twentieth of the mean distance from the centroid.
    package var nearDuplicates: Double
    /// 1 − mean distance of a vector from its ten nearest in the sample / mean distance of two of the sample: 0 for
    /// vectors without groups, near 1 for tight ones.
    package var coherence: Double
    /// Skewness of how often a vector of the sample is among the ten nearest of another one. Beyond about 5 a few
    /// vectors are answers to everything.
    package var hubness: Double
    /// Searches without a filter that came in the time.
    package var queries: Int
    /// Share of them whose best point scored worse than 95 % of the baseline's did; `nil` for too few.
    package var lowConfidence: Double?
    /// Median difference between the score of the best point and of the tenth or last; `nil` for too few.
    package var scoreGap: Double?
    /// Of all searches in the time; `nil` for none.
    package var latency: Latency?

    package init(
        atMS: Int64, points: Int, sampled: Int, norm: Double, normDeviation: Double, centroidShift: Double,
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

/// Something about a space that has become worse than the configuration allows.
package struct QualityAlert: Hashable, Sendable {
    /// Raw values are names on the wire.
    package enum Kind: String, Sendable, CaseIterable {
        case normDrift = "norm_drift"
        case centroidShift = "centroid_shift"
        case nearDuplicates = "near_duplicates"
        case coherence
        case hubness
        case lowConfidence = "low_confidence"
        case latency
    }

    package var kind: Kind
    /// Empty for the only, unnamed space.
    package var space: String
    /// A sentence with both figures.
    package var message: String

    package init(kind: Kind, space: String, message: String) {
        self.kind = kind
        self.space = space
        self.message = message
    }
}

/// A space over time.
package struct QualityDescription: Hashable, Sendable {
    /// Empty for the only, unnamed space.
    package var space: String
    /// What everything is compared with; `nil` until there was something to measure.
    package var baseline: QualityMeasurement?
    /// By time, the newest last; those of long ago are thinned out.
    package var history: [QualityMeasurement]
    package var alerts: [QualityAlert]

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
