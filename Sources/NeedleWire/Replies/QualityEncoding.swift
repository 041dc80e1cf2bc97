// How good spaces are, and were: a member of what `collection.get` and `server.health` answer.

import NeedleCore

extension JSONWriter {
    mutating func writeList(_ spaces: [QualityDescription]) {
        key("quality")
        array(spaces) { json, space in
            json.object { json in
                json.string("space", space.space)
                json.key("baseline")
                if let baseline = space.baseline { json.write(baseline) } else { json.writeNull() }
                json.key("history")
                json.array(space.history) { $0.write($1) }
                json.writeList(space.alerts)
            }
        }
    }

    mutating func writeList(_ alerts: [QualityAlert]) {
        key("alerts")
        array(alerts) { json, alert in
            json.object { json in
                json.string("kind", alert.kind.rawValue)
                json.string("space", alert.space)
                json.string("message", alert.message)
            }
        }
    }

    private mutating func write(_ measurement: QualityMeasurement) {
        object { json in
            json.key("at_ms")
            json.write(measurement.atMS)
            json.integer("points", measurement.points)
            json.integer("sampled", measurement.sampled)
            json.number("norm", measurement.norm)
            json.number("norm_deviation", measurement.normDeviation)
            json.number("centroid_shift", measurement.centroidShift)
            json.number("near_duplicates", measurement.nearDuplicates)
            json.number("coherence", measurement.coherence)
            json.number("hubness", measurement.hubness)
            json.integer("queries", measurement.queries)
            json.number("low_confidence", measurement.lowConfidence)
            json.number("score_gap", measurement.scoreGap)
            json.key("latency")
            json.write(measurement.latency)
        }
    }

    private mutating func write(_ latency: QualityMeasurement.Latency?) {
        guard let latency else { return writeNull() }
        object { json in
            json.integer("p50_us", latency.p50)
            json.integer("p95_us", latency.p95)
            json.integer("p99_us", latency.p99)
        }
    }

    /// - Precondition: finite.
    private mutating func number(_ name: StaticString, _ value: Double?) {
        key(name)
        if let value { write(value) } else { writeNull() }
    }
}
