import Foundation
import NeedleClient
import NeedletailCommand
import Testing

@Suite("Evaluation: measures with known values")
struct EvaluationTests {
    private func metrics(_ ranking: [JSONValue], _ grades: [JSONValue: Double], k: Int = 10) -> RankingMetrics
    {
        RankingMetrics(ranking: ranking, grades: grades, k: k)
    }

    private func isNear(_ value: Double, _ expected: Double) -> Bool { (value - expected).magnitude < 1e-9 }

    @Test("Recall, reciprocal rank and discounted gain")
    func measures() {
        let perfect = metrics([1, 2, 3], [1: 1, 2: 1, 3: 1])
        #expect(perfect.recall == 1 && perfect.reciprocalRank == 1 && isNear(perfect.gain, 1))
        let none = metrics([4, 5], [1: 1])
        #expect(none.recall == 0 && none.reciprocalRank == 0 && none.gain == 0)
        #expect(metrics([], [1: 1]).recall == 0)
        // 2/log2(2) + 3/log2(4) over 3/log2(2) + 2/log2(3) + 1/log2(4).
        let graded = metrics(["b", "x", "a"], ["a": 3, "b": 2, "c": 1])
        #expect(isNear(graded.gain, 3.5 / (3 + 2 / 1.5849625007211562 + 0.5)))
        #expect(isNear(graded.recall, 2.0 / 3) && graded.reciprocalRank == 1)
        #expect(metrics(["x", "y", "a"], ["a": 1]).reciprocalRank == 1.0 / 3)
        // Only the first k count for recall, only the first ten for the gain.
        let late = metrics((0..<12).map { .integer($0) }, [1: 1, 10: 1], k: 2)
        #expect(
            late.recall == 0.5 && isNear(late.gain, (1 / 1.5849625007211562) / (1 + 1 / 1.5849625007211562)))
    }

    @Test("Of several alike the first counts; a number is no string")
    func alike() {
        let values = metrics(["a", "a", "b", "a", "c"], ["c": 1], k: 3)
        #expect(values.recall == 1 && values.reciprocalRank == 1.0 / 3)
        #expect(metrics([7], ["7": 1]).recall == 0)
    }

    @Test("Percentiles are times that were measured")
    func latency() {
        var tally = LatencyTally()
        #expect(tally.percentile(0.5) == 0)
        for time in (1...100).reversed() { tally.add(milliseconds: Double(time)) }
        #expect(tally.percentile(0.5) == 50 && tally.percentile(0.95) == 95 && tally.percentile(1) == 100)
        #expect(tally.percentile(0) == 1)
    }

    @Test("The randomization test against values counted by hand")
    func significance() {
        func p(_ differences: [Double], seed: UInt64 = 1) -> Double {
            PairedTest(differences.map { _ in 0 }, differences, seed: seed).p
        }
        #expect(p([0, 0, 0]) == 1)
        #expect(p([1]) == 1)
        // All of n signs alike: two of 2^n exchanges are as extreme.
        #expect(p(Array(repeating: 0.25, count: 10)) == 2.0 / 1024)
        // |1+2+3-4| = 2: sums of ±1±2±3±4 below 2 in magnitude are the two that are 0.
        #expect(p([1, 2, 3, -4]) == 14.0 / 16)
        #expect(PairedTest([0.5, 0.5], [0.75, 0.25], seed: 1).difference == 0)
        // Beyond the exact ones by chance: near the normal approximation, the same for the same seed.
        let many = (0..<100).map { $0 % 10 < 6 ? 1.0 : -1.0 }
        let estimate = p(many)
        #expect((0.03...0.09).contains(estimate), "\(estimate)")
        #expect(p(many) == estimate)
        #expect(p(Array(repeating: 1, count: 100)) < 0.0001)
    }

    @Test("Judged queries, and what is wrong with a line")
    func queries() throws {
        let plain = try JudgedQuery(
            line: #"{"query":"a b","relevant":[7,"x",{"id":9,"grade":2.5},{"id":1,"grade":0}]}"#,
            relevantKey: "relevant")
        #expect(plain.grades == [7: 1, "x": 1, 9: 2.5])
        guard case .text("a b") = plain.query else {
            Issue.record("another query")
            return
        }
        let vector = try JudgedQuery(line: #"{"vector":[1,-0.5],"good":["x"],"more":1}"#, relevantKey: "good")
        guard case .vector([1, -0.5]) = vector.query else {
            Issue.record("another query")
            return
        }
        for line in [
            "", "[]", #"{"query":"a"}"#, #"{"query":"a","relevant":[]}"#, #"{"relevant":[1]}"#,
            #"{"query":"a","vector":[1],"relevant":[1]}"#, #"{"query":"a","relevant":[1,1]}"#,
            #"{"query":"a","relevant":[1.5]}"#, #"{"query":"a","relevant":[{"id":1}]}"#,
            #"{"query":"a","relevant":[{"id":1,"grade":0}]}"#, #"{"vector":["a"],"relevant":[1]}"#,
        ] {
            #expect(throws: Failure.self, "\(line)") { try JudgedQuery(line: line, relevantKey: "relevant") }
        }
        let path = FileManager.default.temporaryDirectory.appending(path: "needle-\(UUID().uuidString).jsonl")
            .path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("{\"query\":\"a\",\"relevant\":[1]}\n\n{\"query\":1}\n".utf8).write(to: URL(filePath: path))
        let failure = #expect(throws: Failure.self) {
            try JudgedQuery.all(in: InputLines(path), relevantKey: "relevant")
        }
        #expect(failure?.message.hasPrefix("\(path):3: ") == true)
    }

    @Test("Settings are read, and written as they are read")
    func settings() throws {
        let base = EvaluationSetting(collection: "docs")
        for text in ["docs", "docs2,using=title,ef=64,hybrid", "docs,exact", "docs,recall=0.9"] {
            #expect(try EvaluationSetting(parsing: text, base: base).text == text)
        }
        var hybrid = try EvaluationSetting(parsing: "hybrid,ef=9", base: base)
        #expect(hybrid.text == "docs,ef=9,hybrid")
        hybrid = try EvaluationSetting(parsing: "collection=exact,vectors,exact", base: hybrid)
        #expect(hybrid.text == "exact,exact")
        for text in ["", "docs,ef", "ef=0", "ef=x", "docs,other", "recall=inf", "exact=1"] {
            #expect(throws: Failure.self, "\(text)") { try EvaluationSetting(parsing: text, base: base) }
        }
        let vector = JudgedQuery(query: .vector([1]), grades: [1: 1])
        #expect(throws: Failure.self) {
            try EvaluationSetting(parsing: "hybrid", base: base).request(vector, limit: 10, payload: .none)
        }
    }

    @Test("Two settings side by side")
    func report() throws {
        var results = ["docs", "docs,exact"].map { text in
            EvaluationResult(
                setting: (try? EvaluationSetting(parsing: text, base: EvaluationSetting(collection: "docs")))
                    ?? EvaluationSetting(collection: "?"))
        }
        for number in 0..<8 {
            results[0].metrics.append(metrics([1, 2], [2: 1], k: 1))
            results[1].metrics.append(metrics([2, 1], [2: 1], k: 1))
            results[0].latency.add(milliseconds: Double(number) + 0.125)
            results[1].latency.add(milliseconds: 10)
        }
        let lines = EvaluationReport(results: results, k: 1, seed: 1).lines(width: nil)
        #expect(lines[0] == "8 queries")
        #expect(
            lines.contains {
                $0.hasPrefix("recall@1") && $0.contains("0.0000") && $0.contains("+1.0000  0.0078 *")
            })
        #expect(lines.contains { $0.hasPrefix("MRR") && $0.contains("0.5000") })
        #expect(lines.contains { $0.hasPrefix("p50 ms") && $0.contains("3.13") && $0.contains("10.00") })
        let json = EvaluationReport(results: results, k: 1, seed: 1).json
        #expect(json["paired"]?["mrr"]?["difference"] == 0.5 && json["queries"] == 8)
        #expect(json["results"]?.arrayValue?.last?["p95_ms"] == 10.0)
        let alone = EvaluationReport(results: [results[0]], k: 1, seed: 1)
        #expect(alone.json["paired"] == nil && !alone.lines(width: nil).joined().contains("difference"))
    }
}
