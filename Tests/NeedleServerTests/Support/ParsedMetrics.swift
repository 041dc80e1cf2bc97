// A strict reader of the Prometheus text format 0.0.4: what Prometheus would let pass with a shrug is an error here.

struct ParsedMetrics {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    struct Sample {
        /// With `_bucket`, `_sum` or `_count`.
        var name: String
        var labels: [String: String]
        var value: Double
    }

    struct Family {
        var type: String
        var samples: [Sample] = []
    }

    private(set) var families: [String: Family] = [:]
    private var current: String?
    private var awaitsType: String?
    private var seen: Set<String> = []

    /// - Throws: what is wrong with which line.
    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Failure(description: "the last line does not end") }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            do { try read(String(line)) } catch { throw Failure(description: "\(error) in: \(line)") }
        }
        for (name, family) in families where family.type == "histogram" { try checkHistogram(name, family) }
    }

    /// The value of a sample without labels, or of the one with these; 0 when there is none.
    subscript(name: String, labels: [String: String] = [:]) -> Double {
        let family = families.values.first { $0.samples.contains { $0.name == name } }
        return family?.samples.first { $0.name == name && $0.labels == labels }?.value ?? 0
    }

    // MARK: Lines

    private mutating func read(_ line: String) throws {
        if let match = line.wholeMatch(of: /# HELP ([a-z_][a-z0-9_]*) (\S.*)/) {
            let name = String(match.output.1)
            guard awaitsType == nil, families[name] == nil else {
                throw Failure(description: "a second HELP")
            }
            awaitsType = name
        } else if let match = line.wholeMatch(of: /# TYPE ([a-z_][a-z0-9_]*) (counter|gauge|histogram)/) {
            let (name, type) = (String(match.output.1), String(match.output.2))
            guard awaitsType == name else { throw Failure(description: "TYPE without HELP") }
            guard (type == "counter") == name.hasSuffix("_total") else {
                throw Failure(description: "counters, and nothing else, end with _total")
            }
            families[name] = Family(type: type)
            (current, awaitsType) = (name, nil)
        } else {
            guard let current, awaitsType == nil else { throw Failure(description: "no family") }
            let sample = try Self.sample(line)
            let suffixes = families[current]?.type == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
            guard suffixes.contains(where: { sample.name == current + $0 }) else {
                throw Failure(description: "a sample of another family")
            }
            let key = "\(sample.name) \(sample.labels.sorted { $0.key < $1.key })"
            guard seen.insert(key).inserted else { throw Failure(description: "a sample twice") }
            families[current]?.samples.append(sample)
        }
    }

    private static func sample(_ line: String) throws -> Sample {
        guard
            let match = line.wholeMatch(
                of: /([a-z_][a-z0-9_]*)(?:\{((?:[a-z_][a-z0-9_]*="(?:[^"\\\n]|\\[\\n"])*",?)+)\})? (\S+)/)
        else { throw Failure(description: "no sample") }
        var labels: [String: String] = [:]
        if let list = match.output.2 {
            guard !list.hasSuffix(",") else { throw Failure(description: "a comma too much") }
            for label in list.matches(of: /([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"/) {
                let name = String(label.output.1)
                guard labels.updateValue(String(label.output.2), forKey: name) == nil else {
                    throw Failure(description: "a label twice")
                }
            }
        }
        return Sample(name: String(match.output.1), labels: labels, value: try number(match.output.3))
    }

    private static func number(_ text: Substring) throws -> Double {
        switch text {
        case "+Inf": return .infinity
        case "-Inf": return -.infinity
        case "NaN": return .nan
        default:
            guard text.contains(where: \.isNumber), let value = Double(text) else {
                throw Failure(description: "no number")
            }
            return value
        }
    }

    // MARK: Histograms

    private func checkHistogram(_ name: String, _ family: Family) throws {
        let series = Dictionary(grouping: family.samples) { sample in
            sample.labels.filter { $0.key != "le" }.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        }
        for (labels, samples) in series {
            let buckets = samples.filter { $0.name == "\(name)_bucket" }
            let bounds = try buckets.map { try Self.number(Substring($0.labels["le"] ?? "")) }
            guard zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }), bounds.last == .infinity else {
                throw Failure(description: "bounds of \(name) \(labels) do not rise to +Inf")
            }
            guard zip(buckets, buckets.dropFirst()).allSatisfy({ $0.value <= $1.value }) else {
                throw Failure(description: "buckets of \(name) \(labels) are not cumulative")
            }
            let counts = samples.filter { $0.name == "\(name)_count" }.map(\.value)
            guard counts.count == 1, counts[0] == buckets.last?.value else {
                throw Failure(description: "the count of \(name) \(labels) is not that of +Inf")
            }
            guard samples.count(where: { $0.name == "\(name)_sum" }) == 1 else {
                throw Failure(description: "\(name) \(labels) has no sum")
            }
        }
    }
}
