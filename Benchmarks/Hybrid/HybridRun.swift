import NeedleCore
import NeedleEmbedding
import NeedlePayloads
import TextFiles
import VectorFiles

/// The two sides of hybrid search and what becomes of them.
struct HybridRun {
    private struct Question {
        let text: String
        let expected: Set<UInt64>
        let vector: [Float]
    }

    /// How deep each side is asked before fusing.
    private static let depth = 100

    /// Lucene's for English.
    private static let stopWords = [
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no",
        "not",
        "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to",
        "was",
        "will", "with",
    ]

    private let texts: [String]
    private let vectors: VectorFile
    private let questions: [Question]

    init(packages: TextFile, vectors: VectorFile, questions: TextFile, model: LocalModel) throws {
        texts = try packages.texts("text")
        self.vectors = vectors
        precondition(vectors.rows == texts.count, "a vector for each package")
        let names = try packages.texts("name")
        let rows = Dictionary(
            names.enumerated().map { ($1, UInt64($0)) }, uniquingKeysWith: { first, _ in first })
        self.questions = try questions.objects().map { object in
            let text = object["query"]?.stringValue ?? ""
            let wanted = (object["expected"]?.arrayValue ?? []).compactMap {
                $0.stringValue.flatMap { rows[$0] }
            }
            precondition(!text.isEmpty && !wanted.isEmpty, "a query with packages that exist")
            let batch = try model.embed([text], kind: .query, context: OperationContext())
            return Question(text: text, expected: Set(wanted), vector: batch.vectors[0])
        }
    }

    func report() throws {
        print("\(questions.count) queries over \(texts.count) packages")
        print("method                                  MRR   recall@10")
        let byVector = questions.map { nearest($0.vector) }
        line("vector", byVector)
        let analyses = [
            ("", TextAnalysis.plain), (", stop words", TextAnalysis(stopWords: Self.stopWords)),
            (", stop words, stemmed", TextAnalysis(stemming: .english, stopWords: Self.stopWords)),
        ]
        for (name, analysis) in analyses {
            let byWords = try keywordAnswers(analysis)
            line("BM25\(name)", byWords)
            let pairs = Array(zip(byVector, byWords))
            line("rrf\(name)", pairs.map { RankFusion.reciprocal([$0.map(\.id), $1.map(\.id)]) })
            for share in [0.7, 0.5, 0.3] {
                let fused = pairs.map { RankFusion.weighted([($0, share), ($1, 1 - share)]) }
                line("weighted \(share)/\(((1 - share) * 10).rounded() / 10)\(name)", fused)
            }
        }
    }

    private func line(_ name: String, _ answers: [[RankFusion.Entry]]) {
        var reciprocal = 0.0
        var recall = 0.0
        for (question, answer) in zip(questions, answers) {
            let ids = answer.prefix(10).map { entry -> UInt64 in
                if case .integer(let row) = entry.id { row } else { .max }
            }
            if let place = ids.firstIndex(where: question.expected.contains) {
                reciprocal += 1 / Double(place + 1)
            }
            let found = ids.count { question.expected.contains($0) }
            recall += Double(found) / Double(question.expected.count)
        }
        let count = Double(questions.count)
        let padded = name + String(repeating: " ", count: max(1, 40 - name.count))
        print(padded + "\(Self.rounded(reciprocal / count))   \(Self.rounded(recall / count))")
    }

    // MARK: The two sides

    private func nearest(_ query: [Float]) -> [RankFusion.Entry] {
        var scores: [(row: Int, score: Float)] = []
        vectors.values.withUnsafeBufferPointer { values in
            for row in 0..<vectors.rows {
                var sum: Float = 0
                for place in query.indices { sum += query[place] * values[row * query.count + place] }
                scores.append((row, sum))
            }
        }
        scores.sort { ($1.score, $0.row) < ($0.score, $1.row) }
        return scores.prefix(Self.depth).map {
            RankFusion.Entry(id: .integer(UInt64($0.row)), score: Double($0.score))
        }
    }

    private func keywordAnswers(_ analysis: TextAnalysis) throws -> [[RankFusion.Entry]] {
        var builder = TextIndexBuilder(analysis: analysis)
        for text in texts { builder.append([text]) }
        let index = try TextIndex(try builder.finish())
        return try questions.map { question in
            let query = KeywordQuery(text: question.text, analyses: [analysis])
            var statistics = KeywordStatistics(query)
            try statistics.add(index, field: 0, of: query)
            var search = KeywordSearch(
                BM25(query, statistics), limit: Self.depth, context: OperationContext()
            ) { $0.row < $1.row }
            try search.search(KeywordSegment(number: 0, stripes: [[index]], scanned: []), for: query) { _ in
                true
            }
            return search.finish().map { RankFusion.Entry(id: .integer(UInt64($0.row)), score: $0.score) }
        }
    }

    private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
