// The rows of a report on quality: what each is called, where its value is, how it is written.

import NeedleClient

/// One figure of a measurement.
struct QualityMeasure: Sendable {
    /// How a figure and its change are written.
    enum Form {
        /// Whole; changes in per cent.
        case count
        /// On a scale that depends on the vectors; changes in per cent.
        case length
        /// On a scale of its own; changes by differences.
        case index
        /// 0 … 1, in per cent; changes in percentage points.
        case share
        /// Microseconds; changes in per cent.
        case time
    }

    var title: String
    var form: Form
    /// The kind of alert that is about it.
    var alert: String?
    var value: @Sendable (QualityMeasurement) -> Double?

    static let all = [
        QualityMeasure(title: "points", form: .count) { Double($0.points) },
        QualityMeasure(title: "norm", form: .length, alert: "norm_drift") { $0.norm },
        QualityMeasure(title: "norm deviation", form: .length) { $0.normDeviation },
        QualityMeasure(title: "centroid shift", form: .index, alert: "centroid_shift") { $0.centroidShift },
        QualityMeasure(title: "near-duplicates", form: .share, alert: "near_duplicates") {
            $0.nearDuplicates
        },
        QualityMeasure(title: "coherence", form: .index, alert: "coherence") { $0.coherence },
        QualityMeasure(title: "hubness", form: .index, alert: "hubness") { $0.hubness },
        QualityMeasure(title: "queries", form: .count) { Double($0.queries) },
        QualityMeasure(title: "low confidence", form: .share, alert: "low_confidence") { $0.lowConfidence },
        QualityMeasure(title: "score gap", form: .length) { $0.scoreGap },
        QualityMeasure(title: "latency p50", form: .time, alert: "latency") {
            $0.latency.map { Double($0.p50) }
        },
        QualityMeasure(title: "latency p95", form: .time, alert: "latency") {
            $0.latency.map { Double($0.p95) }
        },
        QualityMeasure(title: "latency p99", form: .time, alert: "latency") {
            $0.latency.map { Double($0.p99) }
        },
    ]

    /// What stands where nothing is known.
    static let unknown = "–"

    /// The figure of a measurement.
    func text(_ measurement: QualityMeasurement?) -> String {
        guard let value = measurement.flatMap(value) else { return Self.unknown }
        switch form {
        case .count: return Numbers.grouped(Int(exactly: value) ?? .max)
        case .length: return Numbers.fixed(value, 4)
        case .index: return Numbers.fixed(value, 3)
        case .share: return Numbers.fixed(value * 100, 2) + " %"
        case .time: return Numbers.microseconds(value)
        }
    }

    /// How far a measurement is from the baseline.
    func change(from baseline: QualityMeasurement?, to now: QualityMeasurement?) -> String {
        guard let before = baseline.flatMap(value), let after = now.flatMap(value) else {
            return Self.unknown
        }
        switch form {
        case .count, .length, .time:
            if after == before { return "0.0 %" }
            return before == 0 ? Self.unknown : Self.signed((after / before - 1) * 100, 1) + " %"
        case .index: return Self.signed(after - before, 3)
        case .share: return Self.signed((after - before) * 100, 2) + " pp"
        }
    }

    private static func signed(_ value: Double, _ places: Int) -> String {
        let text = Numbers.fixed(value, places)
        return value > 0 && text.contains { ("1"..."9").contains($0) } ? "+" + text : text
    }
}
