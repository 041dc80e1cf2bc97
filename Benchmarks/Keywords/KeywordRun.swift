import Glibc
import NeedleCore
import NeedlePayloads

/// Builds an index, asks it, compares with a scan.
struct KeywordRun {
    private let texts: [String]
    private let analysis: TextAnalysis
    private let index: TextIndex

    init(texts: [String], analysis: TextAnalysis) throws {
        self.texts = texts
        self.analysis = analysis
        let start = Self.seconds()
        var builder = TextIndexBuilder(analysis: analysis)
        for text in texts { builder.append([text]) }
        let bytes = try builder.finish()
        let took = Self.seconds() - start
        index = try TextIndex(bytes)
        print(
            "stemming \(analysis.stemming.rawValue): \(texts.count) texts, \(index.totalLength) words,",
            terminator: " ")
        print("\(index.termCount) terms, \(bytes.count) bytes, built in \(Self.rounded(took)) s")
    }

    func report(queries count: Int) throws {
        let queries = queries(count)
        var different = 0
        let read = scannedRows()
        for text in queries.prefix(300) where try search(text) != scan(text, read) { different += 1 }
        print("  top 10 of \(min(300, count)) queries against a scan: \(different) differ")
        var times: [Double] = []
        let start = Self.seconds()
        for text in queries {
            let begun = Self.seconds()
            _ = try search(text)
            times.append(Self.seconds() - begun)
        }
        let took = Self.seconds() - start
        times.sort()
        print(
            "  \(Int(Double(count) / took)) queries/s, one thread; median \(Self.micros(times[count / 2])),",
            terminator: " ")
        print("p99 \(Self.micros(times[count * 99 / 100])), slowest \(Self.micros(times[count - 1]))")
    }

    private func search(_ text: String) throws -> [RankedRow] {
        let query = KeywordQuery(text: text, analyses: [analysis])
        var statistics = KeywordStatistics(query)
        try statistics.add(index, field: 0, of: query)
        var search = KeywordSearch(BM25(query, statistics), limit: 10, context: OperationContext()) {
            $0.row < $1.row
        }
        try search.search(KeywordSegment(number: 0, stripes: [[index]], scanned: []), for: query) { _ in true
        }
        return search.finish()
    }

    // MARK: Scan

    /// The texts' words, analysed once.
    private func scannedRows() -> [TextTerms] {
        texts.map { text in
            var terms = TextTerms()
            analysis.append(text.utf8.span, to: &terms)
            return terms
        }
    }

    private func scan(_ text: String, _ rows: [TextTerms]) -> [RankedRow] {
        let query = KeywordQuery(text: text, analyses: [analysis])
        var statistics = KeywordStatistics(query)
        var scanned: [ScannedRow] = []
        for (row, terms) in rows.enumerated() {
            var read = ScannedRow(row: UInt32(row), query: query)
            read.add(terms, field: 0, of: query)
            statistics.add(read, field: 0, of: query)
            scanned.append(read)
        }
        let scores = BM25(query, statistics)
        let ranked = scanned.map { RankedRow(segment: 0, row: $0.row, score: scores.score($0)) }
        return Array(
            ranked.filter { $0.score > 0 }.sorted { ($1.score, $0.row) < ($0.score, $1.row) }.prefix(10))
    }

    // MARK: Queries

    private func queries(_ count: Int) -> [String] {
        var random = SeededGenerator(seed: 1)
        var result: [String] = []
        while result.count < count {
            let words = texts[Int.random(in: 0..<texts.count, using: &random)].split(separator: " ")
            let length = Int.random(in: 2...4, using: &random)
            guard words.count >= length else { continue }
            let start = Int.random(in: 0...(words.count - length), using: &random)
            result.append(words[start..<(start + length)].joined(separator: " "))
        }
        return result
    }

    private static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func micros(_ seconds: Double) -> String { "\(Int(seconds * 1e6)) µs" }
    private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
