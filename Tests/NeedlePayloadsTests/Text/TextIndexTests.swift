import NeedleCore
import NeedlePayloads
import Testing

@Suite struct TextIndexTests {
    /// Certain rows, and those candidates that a look at the texts confirms.
    private func found(_ matcher: WordMatcher, in index: TextIndex, _ rows: [[String]]) throws -> [UInt32] {
        let match = try index.rows(matching: matcher)
        #expect(match.certain.intersection(match.candidates).isEmpty)
        let confirmed = match.candidates.filter { row in
            rows[Int(row)].contains { matcher.matches($0.utf8.span) }
        }
        return (Array(match.certain) + confirmed).sorted()
    }

    private func scanned(_ matcher: WordMatcher, _ rows: [[String]]) -> [UInt32] {
        rows.indices.filter { row in rows[row].contains { matcher.matches($0.utf8.span) } }.map { UInt32($0) }
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func matchesWhatAScanMatches(_ seed: UInt64) throws {
        var texts = RandomTexts(seed: seed, words: [3, 60, 4000][Int(seed % 3)])
        let analysis =
            seed % 2 == 0 ? TextAnalysis.plain : TextAnalysis(stemming: .english, stopWords: ["w0x0"])
        let rows = (0..<[0, 1, 130, 900][Int(seed % 4)]).map { _ in texts.values() }
        // Some of the rows belong to another stripe.
        let first = min(rows.count, Int(seed % 5))
        let index = try TextIndex.build(rows[first...], analysis, firstRow: first)
        #expect(index.rows == first..<rows.count)
        for _ in 0..<60 {
            let kind = WordMatcher.Kind.allCases[texts.int(0..<3)]
            var wanted = (0..<texts.int(0..<4)).map { _ in texts.word() }.joined(separator: " ")
            if kind == .prefix { wanted = String(wanted.dropLast(texts.int(0..<3))) }
            let matcher = WordMatcher(kind, text: wanted, analysis: analysis)
            #expect(
                try found(matcher, in: index, rows) == scanned(matcher, rows).filter { $0 >= first },
                "\(kind) \(wanted)")
        }
    }

    /// Lists of every length around the size of a block, with gaps of every width.
    @Test func listsOfAllLengths() throws {
        var rows: [[String]] = []
        for row in 0..<70_000 {
            var words: [String] = []
            for (name, count, stride) in [
                ("a", 127, 1), ("b", 128, 3), ("c", 129, 511), ("d", 256, 2), ("e", 1, 1),
            ]
            where row % stride == 0 && row / stride < count {
                words += repeatElement(name, count: row == 126 ? 70_000 : row % 3 + 1)
            }
            rows.append(words.isEmpty ? [] : [words.joined(separator: " ")])
        }
        rows.append(["z"])
        let index = try TextIndex.build(rows)
        for (word, expected) in [
            ("a", (0..<127).map { $0 }), ("b", (0..<128).map { 3 * $0 }), ("c", (0..<129).map { 511 * $0 }),
            ("d", (0..<256).map { 2 * $0 }), ("e", [0]), ("z", [70_000]), ("aa", []), ("", []),
        ] {
            let match = try index.rows(matching: WordMatcher(.text, text: word))
            #expect(match.certain.map { Int($0) } == expected)
        }
    }

    @Test func equalRowsGiveEqualBytes() throws {
        func bytes() throws -> [UInt8] {
            var texts = RandomTexts(seed: 3)
            var builder = TextIndexBuilder(analysis: .plain)
            for _ in 0..<500 { builder.append(texts.values()) }
            return try builder.finish()
        }
        #expect(try bytes() == bytes())
    }

    /// Words that share beginnings, of all lengths, in many groups of the dictionary.
    @Test func everyTermIsFoundAndNoOther() throws {
        var random = SeededGenerator(seed: 11)
        let words = Set(
            (0..<800).map { _ in
                String(
                    (0..<Int.random(in: 1...9, using: &random)).map { _ in
                        "ab\u{7A}é漢".randomElement(using: &random)!
                    })
            }.filter { TextAnalysis.plain.terms(of: $0).count == 1 })
        let index = try TextIndex.build(words.map { [$0] })
        let terms = Set(words.map { TextAnalysis.plain.terms(of: $0).term(0) })
        #expect(index.termCount == terms.count)
        for term in terms {
            let text = String(decoding: term, as: UTF8.self)
            #expect(try index.rows(matching: WordMatcher(.text, text: text)).certain.count > 0)
            let prefixed = terms.count { $0.starts(with: term) }
            let rows = try index.rows(matching: WordMatcher(.prefix, text: text)).certain.count
            #expect(rows >= prefixed)
            #expect(try index.rows(matching: WordMatcher(.text, text: text + "q")).certain.isEmpty)
        }
    }

    // MARK: Damage

    /// Asks an index everything; rows that it names exist.
    private func exercise(_ bytes: [UInt8], words: [String]) throws(DatabaseError) {
        let index = try TextIndex(bytes)
        for word in words {
            for kind in WordMatcher.Kind.allCases {
                let match = try index.rows(matching: WordMatcher(kind, text: word))
                #expect(match.certain.allSatisfy { index.rows.contains(Int($0)) })
            }
        }
        let query = KeywordQuery(text: words.joined(separator: " "), analyses: [.plain])
        var statistics = KeywordStatistics(query)
        try statistics.add(index, field: 0, of: query)
        var search = KeywordSearch(BM25(query, statistics), limit: 5, context: OperationContext()) {
            $0.row < $1.row
        }
        try search.search(KeywordSegment(number: 0, stripes: [[index]], scanned: []), for: query) { _ in true
        }
        for row in search.finish() { #expect(index.rows.contains(Int(row.row))) }
    }

    @Test func damageNeverTraps() throws {
        var texts = RandomTexts(seed: 5, words: 30)
        let rows = (0..<150).map { _ in texts.values() }
        var builder = TextIndexBuilder(analysis: .plain)
        for values in rows { builder.append(values) }
        let whole = try builder.finish()
        let words = ["w0x0", "w1x1 w2x2", "w", "É"]
        try exercise(whole, words: words)
        var refused = 0
        for place in whole.indices {
            var damaged = whole
            damaged[place] ^= [0x01, 0x80, 0xFF][place % 3]
            do throws(DatabaseError) {
                try exercise(damaged, words: words)
            } catch {
                #expect(error.kind == .corruption)
                refused += 1
            }
        }
        #expect(refused > 100)
        for length in stride(from: 0, to: whole.count, by: 7) {
            #expect(throws: DatabaseError.self) {
                try exercise(Array(whole[..<length]), words: words)
            }
        }
    }

    @Test func anotherAnalysisIsRefused() throws {
        var bytes = try TextIndexBuilder(analysis: .plain).finish()
        #expect(try TextIndex(bytes).rowCount == 0)
        bytes[8] += 1
        #expect(throws: DatabaseError.self) { try TextIndex(bytes) }
    }
}
