import NeedleCore
import NeedleWire

/// What is told of quality, and its text.
enum QualitySamples {
    static let quiet = QualityMeasurement(
        atMS: 1_800_000_000_000, points: 125_000, sampled: 2000, norm: 1, normDeviation: 0.125,
        centroidShift: 0, nearDuplicates: 0.0125, coherence: -0.25, hubness: 1.5, queries: 3)

    static let busy = QualityMeasurement(
        atMS: 1_800_003_600_000, points: 125_001, sampled: 2001, norm: 1.5, normDeviation: 0.25,
        centroidShift: 0.75, nearDuplicates: 1, coherence: 0.5, hubness: -2, queries: 512,
        lowConfidence: 0.0625, scoreGap: 0.1,
        latency: QualityMeasurement.Latency(p50: 400, p95: 900, p99: 2100))

    static let alerts = QualityAlert.Kind.allCases.map {
        QualityAlert(kind: $0, space: "b", message: "é \"\($0)\"")
    }

    static let summary = CollectionSummary(
        name: "a", points: 1, state: .ready, alerts: Array(alerts.suffix(2)))

    static let healthText =
        #"{"status":"ok","collections":{"a":{"state":"ready","alerts":["#
        + #"{"kind":"low_confidence","space":"b","message":"é \"lowConfidence\""},"#
        + #"{"kind":"latency","space":"b","message":"é \"latency\""}]}}}"#

    static let collection: CollectionDescription = {
        var collection = ReplySamples.collection
        collection.quality = [
            QualityDescription(space: "a"),
            QualityDescription(space: "b", baseline: quiet, history: [quiet, busy], alerts: alerts),
        ]
        return collection
    }()

    private static let quietText =
        #"{"at_ms":1800000000000,"points":125000,"sampled":2000,"norm":1.0,"norm_deviation":0.125,"#
        + #""centroid_shift":0.0,"near_duplicates":0.0125,"coherence":-0.25,"hubness":1.5,"queries":3,"#
        + #""low_confidence":null,"score_gap":null,"latency":null}"#

    private static let busyText =
        #"{"at_ms":1800003600000,"points":125001,"sampled":2001,"norm":1.5,"norm_deviation":0.25,"#
        + #""centroid_shift":0.75,"near_duplicates":1.0,"coherence":0.5,"hubness":-2.0,"queries":512,"#
        + #""low_confidence":0.0625,"score_gap":0.1,"latency":{"p50_us":400,"p95_us":900,"p99_us":2100}}"#

    private static let alertsText = [
        ("norm_drift", "normDrift"), ("centroid_shift", "centroidShift"),
        ("near_duplicates", "nearDuplicates"), ("coherence", "coherence"), ("hubness", "hubness"),
        ("low_confidence", "lowConfidence"), ("latency", "latency"),
    ].map { #"{"kind":"\#($0.0)","space":"b","message":"é \"\#($0.1)\""}"# }.joined(separator: ",")

    static let collectionText =
        String(ReplySamples.collectionText.dropLast())
        + #","quality":[{"space":"a","baseline":null,"history":[],"alerts":[]},{"space":"b","baseline":"#
        + #"\#(quietText),"history":[\#(quietText),\#(busyText)],"alerts":[\#(alertsText)]}]}"#
}
