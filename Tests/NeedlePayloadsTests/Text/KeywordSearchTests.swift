import Glibc
import NeedleCore
import NeedlePayloads
import Testing

/// BM25 through indexes against the formula applied to every text.
@Suite struct KeywordSearchTests {
    /// Rows of segments, each with the values of each field.
    private struct Corpus {
        let segments: [[[[String]]]]
        /// The words of each row's field.
        let documents: [[[[String]]]]
        let fieldCount: Int

        init(_ texts: inout RandomTexts, segments: Int, rows: Int, fields: Int) {
            fieldCount = fields
            let all = (0..<segments).map { _ in
                (0..<texts.int(0..<(rows + 1))).map { _ in (0..<fields).map { _ in texts.values() } }
            }
            self.segments = all
            documents = all.map { $0.map { $0.map { $0.flatMap(Self.words) } } }
        }

        /// The formula, word by word, as it stands in the books.
        func scores(_ text: String) -> [[Double]] {
            let terms = Set(Self.words(text)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            var result = segments.map { [Double](repeating: 0, count: $0.count) }
            for field in 0..<fieldCount {
                let documents = documents.map { $0.map { $0[field] } }
                let held = documents.joined().filter { !$0.isEmpty }
                let average = Double(held.reduce(0) { $0 + $1.count }) / Double(max(held.count, 1))
                for term in terms {
                    let df = Double(held.count { $0.contains(term) }), n = Double(held.count)
                    let weight = log(1 + (n - df + 0.5) / (df + 0.5)) * 2.2
                    for (segment, rows) in documents.enumerated() {
                        for (row, words) in rows.enumerated() where words.contains(term) {
                            let tf = Double(words.count { $0 == term })
                            let norm = 1.2 * (1 - 0.75 + 0.75 * Double(words.count) / average)
                            result[segment][row] += weight * tf / (tf + norm)
                        }
                    }
                }
            }
            return result
        }

        static func words(_ text: String) -> [String] {
            text.split(separator: " ").flatMap { $0 == "漢字" ? ["漢", "字"] : [$0 == "É" ? "e" : String($0)] }
        }
    }

    /// Stripes of random lengths, different for each field, and the rest to be read.
    private func split(
        _ rows: [[[String]]], number: Int, query: KeywordQuery, statistics: inout KeywordStatistics,
        _ texts: inout RandomTexts
    ) throws -> KeywordSegment {
        var segment = KeywordSegment(number: number, stripes: [], scanned: [])
        for field in query.fields.indices {
            var stripes: [TextIndex] = []
            var start = 0
            while start < rows.count, !texts.chance(0.2) {
                let end = texts.int(start..<rows.count) + 1
                stripes.append(try TextIndex.build(rows[start..<end].map { $0[field] }, firstRow: start))
                try statistics.add(stripes[stripes.count - 1], field: field, of: query)
                start = end
            }
            segment.stripes.append(stripes)
        }
        var scratch = TextTerms()
        for row in segment.indexedRows..<max(segment.indexedRows, rows.count) {
            var scanned = ScannedRow(row: UInt32(row), query: query)
            for field in query.fields.indices {
                for text in rows[row][field] {
                    scanned.add(text.utf8.span, field: field, of: query, scratch: &scratch)
                }
                if row >= segment.stripes[field].last?.rows.upperBound ?? 0 {
                    statistics.add(scanned, field: field, of: query)
                }
            }
            segment.scanned.append(scanned)
        }
        return segment
    }

    private func isBefore(_ left: RankedRow, _ right: RankedRow) -> Bool {
        // Neither the order of rows nor that of segments.
        (left.row ^ 0x55, left.segment) < (right.row ^ 0x55, right.segment)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func findsWhatTheFormulaFinds(_ seed: UInt64) throws {
        var texts = RandomTexts(seed: seed, words: [8, 60, 1000][Int(seed % 3)])
        let corpus = Corpus(
            &texts, segments: texts.int(1..<4), rows: seed % 10 == 9 ? 5000 : 300, fields: texts.int(1..<4))
        for _ in 0..<(seed % 10 == 9 ? 3 : 12) {
            let text = (0..<texts.int(0..<5)).map { _ in texts.word() }.joined(separator: " ")
            let query = KeywordQuery(
                text: text,
                analyses: corpus.segments.isEmpty ? [] : (0..<corpus.fieldCount).map { _ in .plain })
            var statistics = KeywordStatistics(query)
            let segments = try corpus.segments.enumerated().map {
                try split($1, number: $0, query: query, statistics: &statistics, &texts)
            }
            let share = [0.0, 0.02, 0.3, 1][texts.int(0..<4)]
            let restriction = corpus.segments.map { rows in
                texts.chance(0.5)
                    ? nil : PointSet(rows.indices.filter { _ in texts.chance(share) }.map { UInt32($0) })
            }
            let hidden = UInt32(texts.int(2..<9))
            let limit = [1, 3, 10, 500][texts.int(0..<4)]

            var search = KeywordSearch(
                BM25(query, statistics), limit: limit, context: OperationContext(), precedes: isBefore)
            for (segment, rows) in zip(segments, restriction) {
                try search.search(segment, for: query, restriction: rows) { $0 % hidden != 1 }
            }
            let found = search.finish()

            var expected: [RankedRow] = []
            for (number, scores) in corpus.scores(text).enumerated() {
                for (row, score) in scores.enumerated()
                where score > 0 && UInt32(row) % hidden != 1
                    && restriction[number]?.contains(UInt32(row)) ?? true
                {
                    expected.append(RankedRow(segment: number, row: UInt32(row), score: Double(Float(score))))
                }
            }
            expected.sort { $0.score != $1.score ? $0.score > $1.score : isBefore($0, $1) }
            #expect(found == Array(expected.prefix(limit)), "\"\(text)\", limit \(limit)")
        }
    }

    @Test func aQueryWithoutWordsFindsNothing() throws {
        let query = KeywordQuery(text: "... !", analyses: [.plain, .plain])
        #expect(query.isVoid)
        let index = try TextIndex.build([["a"], ["b"]])
        var search = KeywordSearch(
            BM25(query, KeywordStatistics(query)), limit: 3, context: OperationContext(), precedes: isBefore)
        try search.search(KeywordSegment(number: 0, stripes: [[index], [index]], scanned: []), for: query) {
            _ in true
        }
        #expect(search.finish().isEmpty)
    }

    @Test func aRepeatedWordCountsOnce() {
        let query = KeywordQuery(text: "b A a b a", analyses: [.plain, TextAnalysis(stopWords: ["a"])])
        #expect(
            query.fields.map { $0.terms.map { String(decoding: $0, as: UTF8.self) } } == [["a", "b"], ["b"]])
        #expect(query.slotCount == 3)
    }

    @Test func aSearchCanBeBrokenOff() throws {
        let query = KeywordQuery(text: "a", analyses: [.plain])
        let index = try TextIndex.build([["a"]])
        var statistics = KeywordStatistics(query)
        try statistics.add(index, field: 0, of: query)
        let context = OperationContext()
        context.cancel()
        var search = KeywordSearch(BM25(query, statistics), limit: 3, context: context, precedes: isBefore)
        let error = #expect(throws: DatabaseError.self) {
            try search.search(KeywordSegment(number: 0, stripes: [[index]], scanned: []), for: query) { _ in
                true
            }
        }
        #expect(error?.kind == .cancelled)
    }

    /// Of a row whose text was changed the new text counts, whatever an index holds.
    @Test(arguments: [("fox", [2]), ("hen", [0, 1]), ("owl", [])] as [(String, [UInt32])])
    func replacedRowsAreNotWhatTheIndexSays(word: String, found: [UInt32]) throws {
        let query = KeywordQuery(text: word, analyses: [.plain])
        let stripe = try TextIndex.build([["fox"], ["hen"], ["fox"]], firstRow: 0)
        var statistics = KeywordStatistics(query)
        try statistics.add(stripe, field: 0, of: query)
        var changed = ScannedRow(row: 0, query: query)
        var scratch = TextTerms()
        changed.add("hen".utf8.span, field: 0, of: query, scratch: &scratch)
        statistics.add(changed, field: 0, of: query)
        let segment = KeywordSegment(
            number: 0, stripes: [[stripe]], scanned: [changed], replaced: PointSet([0]))
        for restriction in [nil, PointSet([0, 1, 2])] {
            var search = KeywordSearch(
                BM25(query, statistics), limit: 5, context: OperationContext()
            ) { $0.row < $1.row }
            try search.search(segment, for: query, restriction: restriction) { (_) throws(DatabaseError) in
                true
            }
            #expect(search.finish().map(\.row).sorted() == found)
        }
    }
}
