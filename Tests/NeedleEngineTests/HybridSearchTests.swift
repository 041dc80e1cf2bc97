import NeedleCore
import NeedleEngine
import Testing

/// Searches for words beside vectors, and for points that are unlike each other.
@Suite struct HybridSearchTests {
    private static let words = ["red", "green", "Blue", "connecting", "connected", "of", "über", "rare"]

    private func points(_ ids: Range<Int>, seed: UInt64) -> [PointWrite] {
        var random = SeededGenerator(seed: seed)
        let vectors = clusteredVectors(ids.count, dimension: 4, seed: seed)
        return zip(ids, vectors).map { id, vector in
            func text() -> String {
                (0..<Int.random(in: 0...6, using: &random)).map { _ in
                    Self.words[
                        min(Int.random(in: 0..<8, using: &random), Int.random(in: 0..<8, using: &random))]
                }.joined(separator: " ")
            }
            return point(UInt64(id), vector, #"{"body":["\#(text())","\#(text())"],"title":"\#(text())"}"#)
        }
    }

    private func path(_ key: String) throws -> FieldPath { try FieldPath(parsing: key) }

    private func hybrid(
        _ text: String, keys: [String]? = ["title", "body"], fusion: HybridSearch.Fusion = .reciprocal(k: 60)
    ) throws -> HybridSearch {
        HybridSearch(text: text, keys: try keys?.map { try path($0) }, fusion: fusion)
    }

    /// By words alone: the other side weighs nothing.
    private func byWords(
        _ collection: Collection, _ text: String, keys: [String]? = ["title", "body"], limit: Int = 25,
        filter: Filter? = nil
    ) throws -> [SearchHit] {
        let hybrid = try hybrid(text, keys: keys, fusion: .weighted(vector: 0, text: 1))
        return try collection.search([1, 2, 3, 4], limit: limit, effort: .exact, filter: filter) {
            $0.hybrid = hybrid
        }.hits.filter { $0.score > 0 }
    }

    /// Scores count what is stored, wherever the border between index and rows to be read runs.
    @Test func scoresDoNotDependOnIndexes() throws {
        let database = try TestDatabase()
        let collection = try database.create()
        try collection.upsert(points(0..<900, seed: 5))
        let queries = ["rare red", "uber connecting", "blue", "of of rare nothing"]
        let filter = Filter(must: [.words(try path("title"), WordTest(.text, Array("green".utf8)))])
        let expected = try queries.map { try byWords(collection, $0) }
        let filtered = try queries.map { try byWords(collection, $0, filter: filter) }
        #expect(expected.allSatisfy { $0.count > 10 } && filtered.allSatisfy { !$0.isEmpty })
        for key in ["body", "title"] {
            _ = try collection.createIndex(FieldIndexDefinition(path: path(key), type: .text))
            _ = collection.optimize()
            database.settle()
            for (index, query) in queries.enumerated() {
                let found = try byWords(collection, query)
                #expect(found.map(\.record.id) == expected[index].map(\.record.id), "\(query)")
                #expect(found.map(\.score) == expected[index].map(\.score))
                let some = try byWords(collection, query, filter: filter)
                #expect(some.map(\.record.id) == filtered[index].map(\.record.id))
            }
        }
    }

    /// Without keys: all that have a text index; before there is one, the text key.
    @Test func keysThatAreNotNamed() throws {
        let database = try TestDatabase()
        let collection = try database.create()
        try collection.upsert([
            point(1, [1, 0, 0, 0], #"{"text":"gimp","title":"paint"}"#),
            point(2, [0, 1, 0, 0], #"{"text":"paint","title":"gimp"}"#),
            point(3, [0, 0, 1, 0], #"{"other":"gimp"}"#),
        ])
        /// One by one, since the lowest of several has nothing left when scores are normalised.
        func found() throws -> [UInt64] {
            try (1...3).filter { id in
                let only = Filter(must: [.hasID([PointID(id)])])
                return try !byWords(collection, "gimp", keys: nil, filter: only).isEmpty
            }
        }
        #expect(try found() == [1])
        _ = try collection.createIndex(FieldIndexDefinition(path: path("title"), type: .text))
        #expect(try found() == [2])
        _ = try collection.createIndex(FieldIndexDefinition(path: path("other"), type: .text))
        #expect(try found() == [2, 3])
    }

    /// The fused ranking from the two rankings, as the definition says.
    @Test(arguments: [
        HybridSearch.Fusion.reciprocal(k: 60), .reciprocal(k: 0), .weighted(vector: 0.7, text: 0.3),
    ])
    func fusionIsWhatItSays(fusion: HybridSearch.Fusion) throws {
        for metric in Metric.allCases {
            let database = try TestDatabase()
            let collection = try database.create(metric: metric)
            try collection.upsert(points(0..<60, seed: 8))
            database.settle()
            let query: [Float] = [0.3, -1, 0.2, 0.5]
            let near = try collection.search(query, limit: 100, effort: .exact).hits
            let worded = try byWords(collection, "rare connecting", limit: 100)
            // What byWords shows is normalised, so the lowest one is lost among those that hold no word.
            var scores: [PointID: Double] = [:]
            switch fusion {
            case .reciprocal(let k):
                for (place, hit) in near.enumerated() {
                    scores[hit.record.id, default: 0] += 1 / Double(k + place + 1)
                }
                for (place, hit) in worded.enumerated() {
                    scores[hit.record.id, default: 0] += 1 / Double(k + place + 1)
                }
            case .weighted(let vector, let text):
                let values = near.map { metric == .euclid ? -$0.score : $0.score }
                let (low, high) = (values.min() ?? 0, values.max() ?? 1)
                for (hit, value) in zip(near, values) {
                    scores[hit.record.id, default: 0] += vector * (value - low) / (high - low)
                }
                for hit in worded { scores[hit.record.id, default: 0] += text * hit.score }
            }
            let expected = scores.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
                .prefix(12)
            let hybrid = try hybrid("rare connecting", fusion: fusion)
            let result = try collection.search(query, limit: 10, effort: .exact) {
                $0.hybrid = hybrid
                $0.offset = 2
            }
            #expect(result.hits.count == 10)
            for (hit, wanted) in zip(result.hits, expected.dropFirst(2)) {
                #expect(abs(hit.score - wanted.value) < 1e-5)
                #expect(abs((scores[hit.record.id] ?? 0) - hit.score) < 1e-5, "\(metric) \(hit.record.id)")
            }
            let threshold = result.hits[4].score
            let cut = try collection.search(query, limit: 10, effort: .exact) {
                $0.hybrid = hybrid
                $0.offset = 2
                $0.scoreThreshold = threshold
            }
            #expect(cut.ids == Array(result.ids.prefix { id in (scores[id] ?? 0) > threshold - 1e-7 }))
        }
    }

    @Test func asManyAsAreWantedComeBack() throws {
        let database = try TestDatabase()
        let collection = try database.create()
        try collection.upsert(points(0..<3000, seed: 9))
        database.settle()
        let hybrid = try hybrid("rare")
        for (limit, offset) in [(1, 0), (10, 5), (100, 100), (700, 0), (1000, 2000)] {
            let result = try collection.search([1, 0, 0, 1], limit: limit) {
                $0.hybrid = hybrid
                $0.offset = offset
            }
            #expect(result.hits.count == limit && Set(result.ids).count == limit)
        }
        let filter = Filter(must: [.hasID(Set((0..<40).map { PointID(UInt64($0)) }))])
        let few = try collection.search([1, 0, 0, 1], limit: 100, filter: filter) { $0.hybrid = hybrid }
        #expect(few.hits.count == 40)
    }

    @Test func aPointsOwnNeighboursLeaveItOutOfTheWordsToo() throws {
        let collection = try TestDatabase().create()
        try collection.upsert([
            point(1, [1, 0, 0, 0], #"{"text":"unique"}"#),
            point(2, [1, 1, 0, 0], #"{"text":"unique word"}"#),
            point(3, [0, 1, 0, 0], #"{"text":"word"}"#),
        ])
        var query = SearchQuery(target: .point(PointID(1)))
        query.hybrid = HybridSearch(text: "unique")
        #expect(try collection.search(query, context: OperationContext()).ids == [PointID(2), PointID(3)])
    }

    @Test func aTextWithoutAWordLeavesTheRankingByVectors() throws {
        let collection = try TestDatabase().create()
        try collection.upsert(points(0..<50, seed: 11))
        let plain = try collection.search([1, 0, 0, 0])
        let hybrid = try collection.search([1, 0, 0, 0]) { $0.hybrid = HybridSearch(text: "… !") }
        #expect(plain.ids == hybrid.ids)
    }

    /// Whatever segments there are, a tail that no index covers, a restart.
    @Test func answersDoNotDependOnWhereRowsLie() throws {
        var options = TestDatabase.smallOptions
        options.growingRows = 1500
        let plain = try TestDatabase()
        let indexed = try TestDatabase(options: options)
        for database in [plain, indexed] { _ = try database.create() }
        _ = try indexed.collection().createIndex(FieldIndexDefinition(path: path("title"), type: .text))
        func same(_ what: String) throws {
            for text in ["rare", "connecting red", "uber of"] {
                let left = try byWords(plain.collection(), text, limit: 30)
                let right = try byWords(indexed.collection(), text, limit: 30)
                #expect(left.map(\.record.id) == right.map(\.record.id), "\(what) \(text)")
                #expect(left.map(\.score) == right.map(\.score), "\(what) \(text)")
            }
        }
        for (round, ids) in [0..<2000, 2000..<5000, 5000..<5200].enumerated() {
            for database in [plain, indexed] {
                _ = try database.collection().upsert(points(ids, seed: UInt64(round)))
            }
            try same("\(round) just written")
            indexed.settle()
            try same("\(round) indexed")
            try indexed.reopen()
            try same("\(round) opened again")
        }
        // Dead rows count in the statistics until a merge drops them, so only what is found is compared.
        let dead = Set((0..<5200).filter { $0 % 3 == 0 }.map { PointID(UInt64($0)) })
        for database in [plain, indexed] {
            try database.collection().delete(.ids(dead.sorted()))
            let found = try byWords(database.collection(), "rare", limit: 500)
            #expect(found.count > 100 && found.allSatisfy { !dead.contains($0.record.id) })
        }
    }

    /// Of a changed payload the new words count, whatever an index holds of the row.
    @Test func changedTextsAreFoundByTheirNewWords() throws {
        let database = try TestDatabase()
        let collection = try database.create()
        _ = try collection.createIndex(FieldIndexDefinition(path: path("text"), type: .text))
        try collection.upsert(
            (0..<200).map { point(UInt64($0), [1, Float($0), 0, 0], #"{"text":"old word \#($0 % 10)"}"#) })
        _ = collection.optimize()
        database.settle()
        try collection.set(#"{"text":"new letters, new letters"}"#, .ids([PointID(3), PointID(4)]))
        for _ in 0..<2 {
            #expect(try byWords(database.collection(), "letters 3", keys: nil).first?.record.id == PointID(3))
            let old = try byWords(database.collection(), "old", keys: nil, limit: 200)
            #expect(old.count > 100 && !old.contains { [PointID(3), PointID(4)].contains($0.record.id) })
            _ = try database.collection().optimize()
            database.settle()
            try database.reopen()
        }
    }

    // MARK: Diversity

    @Test func lambdaOneIsTheRankingItself() throws {
        let collection = try TestDatabase().create()
        try collection.upsert(points(0..<200, seed: 12))
        let plain = try collection.search([1, 0, 0, 0], limit: 20)
        let diverse = try collection.search([1, 0, 0, 0], limit: 20) { $0.diversity = Diversity(lambda: 1) }
        #expect(plain.ids == diverse.ids && plain.scores == diverse.scores)
    }

    /// Against the definition, on vectors that tests compute with themselves.
    @Test(arguments: Metric.allCases)
    func itIsMaximalMarginalRelevance(metric: Metric) throws {
        let database = try TestDatabase()
        let collection = try database.create(metric: metric)
        let vectors = clusteredVectors(150, dimension: 4, seed: 13)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        database.settle()
        let query: [Float] = [0.2, 0.9, -0.4, 0.1]
        func likeness(_ a: [Float], _ b: [Float]) -> Double {
            let products = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            switch metric {
            case .dot: return products
            case .cosine:
                func norm(_ v: [Float]) -> Double {
                    v.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
                }
                return products / norm(a) / norm(b)
            case .euclid:
                return -zip(a, b).reduce(0.0) {
                    $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
                }
                .squareRoot()
            }
        }
        var rest = vectors.indices.sorted { likeness(vectors[$0], query) > likeness(vectors[$1], query) }
        rest = Array(rest.prefix(40))
        var chosen: [Int] = []
        while chosen.count < 12 {
            func value(_ i: Int) -> Double {
                let close = chosen.map { likeness(vectors[i], vectors[$0]) }.max() ?? 0
                return 0.3 * likeness(vectors[i], query) - (chosen.isEmpty ? 0 : 0.7 * close)
            }
            let best = rest.indices.max { value(rest[$0]) < value(rest[$1]) } ?? 0
            chosen.append(rest.remove(at: best))
        }
        let result = try collection.search(query, limit: 10, effort: .exact) {
            $0.diversity = Diversity(lambda: 0.3, candidates: 40)
            $0.offset = 2
        }
        #expect(result.ids == chosen.dropFirst(2).map { PointID(UInt64($0)) })
    }

    @Test func moreAreWantedThanCandidates() throws {
        let database = try TestDatabase()
        let collection = try database.create()
        try collection.upsert(points(0..<400, seed: 14))
        database.settle()
        let filter = Filter(must: [.hasID(Set((0..<30).map { PointID(UInt64($0)) }))])
        for (limit, wanted, filter) in [(50, 50, nil), (50, 30, filter)] {
            let result = try collection.search([1, 1, 0, 0], limit: limit, filter: filter) {
                $0.diversity = Diversity(lambda: 0, candidates: 3)
            }
            #expect(result.hits.count == wanted && Set(result.ids).count == wanted)
        }
    }

    @Test func diverseAndHybridInABatch() throws {
        let collection = try TestDatabase().create()
        try collection.upsert(points(0..<100, seed: 15))
        var query = SearchQuery(target: .vector([1, 0, 0, 0]), limit: 5)
        query.hybrid = try hybrid("rare")
        query.diversity = Diversity(lambda: 0.5)
        let alone = try collection.search(query, context: OperationContext())
        let batch = try collection.searchBatch([query, query], context: OperationContext())
        #expect(alone.hits.count == 5 && batch.map(\.ids) == [alone.ids, alone.ids])
    }
}
