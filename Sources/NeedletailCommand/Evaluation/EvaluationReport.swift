// The result of an evaluation, for people and for programs.

package import NeedleClient

/// What one setting got, query by query.
package struct EvaluationResult: Sendable {
    package var setting: EvaluationSetting
    package var metrics: [RankingMetrics] = []
    package var latency = LatencyTally()

    package init(setting: EvaluationSetting) {
        self.setting = setting
    }

    func values(_ measure: EvaluationReport.Measure) -> [Double] { metrics.map { $0[keyPath: measure.path] } }

    func mean(_ measure: EvaluationReport.Measure) -> Double {
        values(measure).reduce(0, +) / Double(max(1, metrics.count))
    }
}

/// One setting, or two side by side.
package struct EvaluationReport: Sendable {
    struct Measure {
        var title: String
        var key: String
        var path: any KeyPath<RankingMetrics, Double> & Sendable
    }

    package var results: [EvaluationResult]
    package var k: Int
    /// Of the significance test.
    package var seed: UInt64

    /// A p-value below this is marked.
    private static let significance = 0.05

    package init(results: [EvaluationResult], k: Int, seed: UInt64) {
        precondition((1...2).contains(results.count))
        self.results = results
        self.k = k
        self.seed = seed
    }

    private var measures: [Measure] {
        [
            Measure(title: "recall@\(k)", key: "recall", path: \.recall),
            Measure(title: "MRR", key: "mrr", path: \.reciprocalRank),
            Measure(title: "nDCG@\(RankingMetrics.gainPlaces)", key: "ndcg", path: \.gain),
        ]
    }

    private static let percentiles: [(title: String, key: String, share: Double)] = [
        ("p50 ms", "p50_ms", 0.5), ("p95 ms", "p95_ms", 0.95),
    ]

    private func test(_ measure: Measure) -> PairedTest? {
        guard results.count == 2 else { return nil }
        return PairedTest(results[0].values(measure), results[1].values(measure), seed: seed)
    }

    package func lines(width: Int?, style: Style = .plain) -> [String] {
        var columns = [Table.Column("")] + results.map { Table.Column($0.setting.text, right: true) }
        let isPaired = results.count == 2
        if isPaired { columns += [Table.Column("difference", right: true), Table.Column("p", right: true)] }
        var table = Table(columns)
        for measure in measures {
            var row = [measure.title] + results.map { Numbers.fixed($0.mean(measure), 4) }
            if let test = test(measure) {
                let mark = test.p < Self.significance ? " *" : "  "
                row += [(test.difference > 0 ? "+" : "") + Numbers.fixed(test.difference, 4)]
                row += [Numbers.fixed(test.p, 4) + mark]
            }
            table.add(row)
        }
        for (title, _, share) in Self.percentiles {
            let row = [title] + results.map { Numbers.fixed($0.latency.percentile(share), 2) }
            table.add(row + (isPaired ? ["", ""] : []))
        }
        var lines = [Numbers.count(results[0].metrics.count, "query").replacing("querys", with: "queries")]
        lines += table.lines(width: width, style: style)
        if isPaired {
            lines.append("* differs: p < \(Self.significance), paired randomization test, two-sided")
        }
        return lines
    }

    package var json: JSONValue {
        var members: [JSONObject.Member] = [
            .init("queries", .integer(Int64(results[0].metrics.count))), .init("k", .integer(Int64(k))),
            .init("results", .array(results.map(json))),
        ]
        if results.count == 2 {
            members.append(.init("seed", .unsigned(seed)))
            let tests = measures.compactMap { measure in
                test(measure).map { test in
                    JSONObject.Member(
                        measure.key,
                        .object(
                            JSONObject([
                                .init("difference", .double(test.difference)), .init("p", .double(test.p)),
                            ])))
                }
            }
            members.append(.init("paired", .object(JSONObject(tests))))
        }
        return .object(JSONObject(members))
    }

    private func json(_ result: EvaluationResult) -> JSONValue {
        let means = measures.map { JSONObject.Member($0.key, .double(result.mean($0))) }
        let times = Self.percentiles.map {
            JSONObject.Member($0.key, .double(result.latency.percentile($0.share)))
        }
        return .object(JSONObject([.init("setting", .string(result.setting.text))] + means + times))
    }
}
