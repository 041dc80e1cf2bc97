// The Prometheus text format, version 0.0.4: HELP, TYPE, then the samples of one family after the other.

package import NeedleCore

/// Writes families. Each may be written once.
package struct MetricsText: Sendable {
    package typealias Labels = [(name: String, value: String)]

    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Bounds of histograms: powers of two, in which `LatencyHistogram` counts exactly, from 32 µs to 67 s.
    package static let bounds = (5...26).map { 1 << $0 }

    private var text = ""
    private var written: Set<String> = []

    package init() {}

    package var bytes: [UInt8] { Array(text.utf8) }

    /// Begins a family, which stands there also without samples.
    package mutating func family(_ family: MetricFamily, _ samples: (inout Samples) -> Void) {
        precondition(written.insert(family.name).inserted, "\(family.name) is written once")
        text += "# HELP \(family.name) \(Self.escaped(family.help, quotes: false))\n"
        text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
        var samplesOfFamily = Samples(name: family.name)
        samples(&samplesOfFamily)
        text += samplesOfFamily.text
    }

    /// A family of one sample without labels.
    package mutating func family(_ family: MetricFamily, _ value: Double) {
        self.family(family) { $0.add([], value) }
    }

    /// The samples of one family.
    package struct Samples: Sendable {
        fileprivate let name: String
        fileprivate var text = ""

        package mutating func add(_ labels: Labels, _ value: Double) {
            line("", labels, MetricsText.number(value))
        }

        package mutating func add(_ labels: Labels, _ value: Int) {
            line("", labels, String(value))
        }

        /// The buckets of a histogram, its sum and its count.
        package mutating func add(_ labels: Labels, _ meter: DurationMeter) {
            let counts = meter.counts
            for bound in MetricsText.bounds {
                let le = MetricsText.number(Double(bound) / 1e6)
                line("_bucket", labels + [(name: "le", value: le)], String(counts.count(below: bound)))
            }
            line("_bucket", labels + [(name: "le", value: "+Inf")], String(counts.total))
            line("_sum", labels, MetricsText.number(meter.seconds))
            line("_count", labels, String(counts.total))
        }

        private mutating func line(_ suffix: String, _ labels: Labels, _ value: String) {
            text += name + suffix
            if !labels.isEmpty {
                let pairs = labels.map { "\($0.name)=\"\(MetricsText.escaped($0.value, quotes: true))\"" }
                text += "{\(pairs.joined(separator: ","))}"
            }
            text += " \(value)\n"
        }
    }

    fileprivate static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return "\(value)"
    }

    fileprivate static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
