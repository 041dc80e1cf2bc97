import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// Words through the engine: with an index and without one, while it grows, sealed, opened again.
@Suite struct TextIndexTests {
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

    private func answers(_ collection: Collection) throws -> [[PointID]] {
        var answers: [[PointID]] = []
        let tests: [(WordTest.Kind, String)] = [
            (.text, "red BLUE"), (.phrase, "green red"), (.prefix, "red conn"), (.text, "uber"),
            (.text, "of"),
            (.text, "connect"), (.phrase, "red of blue"),
        ]
        for (kind, text) in tests {
            for key in ["title", "body"] {
                let test = WordTest(kind, Array(text.utf8))
                let filter = Filter(must: [.words(try path(key), test)])
                answers.append(try collection.scrollAll(limit: 300, filter: filter).map(\.id))
                #expect(try collection.count(filter) == answers[answers.count - 1].count)
            }
        }
        return answers
    }

    @Test func aTextIndexChangesNoAnswer() throws {
        var options = TestDatabase.smallOptions
        options.growingRows = 700
        let plain = try TestDatabase(options: options)
        let indexed = try TestDatabase(options: options)
        _ = try plain.create()
        _ = try indexed.create()
        _ = try indexed.collection().createIndex(FieldIndexDefinition(path: path("title"), type: .text))
        for (round, ids) in [0..<500, 450..<1800, 1750..<1900].enumerated() {
            for database in [plain, indexed] {
                _ = try database.collection().upsert(points(ids, seed: UInt64(round)))
            }
            for moment in ["just written", "indexed", "opened again"] {
                #expect(
                    try answers(indexed.collection()) == answers(plain.collection()), "\(round) \(moment)")
                if moment == "just written" { indexed.settle() } else { try indexed.reopen() }
            }
        }
        _ = try indexed.collection().createIndex(FieldIndexDefinition(path: path("body"), type: .text))
        indexed.settle()
        #expect(try answers(indexed.collection()) == answers(plain.collection()))
    }

    /// What the index was created with also decides what unindexed rows match.
    @Test func theAnalysisBelongsToTheKey() throws {
        let database = try TestDatabase()
        let collection = try database.create()
        _ = try collection.upsert([
            point(1, [1, 0, 0, 0], #"{"t":"connecting the dots"}"#),
            point(2, [0, 1, 0, 0], #"{"t":"the dot"}"#),
        ])
        func found(_ text: String) throws -> [PointID] {
            let test = WordTest(.text, Array(text.utf8))
            return try database.collection().scrollAll(
                limit: 10, filter: Filter(must: [.words(path("t"), test)])
            ).map(\.id)
        }
        #expect(try found("connected") == [] && found("the") == [PointID(1), PointID(2)])
        let options = TextIndexOptions(stemming: .english, stopWords: ["the"])
        _ = try collection.createIndex(FieldIndexDefinition(path: path("t"), type: .text, text: options))
        for _ in 0..<2 {
            #expect(try found("connected") == [PointID(1)] && found("the") == [])
            #expect(try found("dots") == [PointID(1), PointID(2)])
            _ = try database.collection().optimize()
            database.settle()
            try database.reopen()
        }
    }
}
