import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

@Suite struct DocumentTests {
    @Test func aDocumentBecomesPoints() throws {
        let bench = try DocumentBench()
        let text = "# Birds\nThe swift flies.\n\nÉtés — so warm.\n"
        let receipt = try bench.upsert("a/b.md", text, .markdown, payload: #"{"lang":"en","n":1.50}"#)
        #expect((receipt.created, receipt.updated, receipt.deleted) == (2, 0, 0))
        let points = try bench.chunks("a/b.md")
        #expect(points.map(\.id) == [PointID("a/b.md#0"), PointID("a/b.md#1")])
        #expect(points.allSatisfy { $0.version == receipt.lsn })
        let payload = try #require(points[1].payload).text
        let now = bench.database.clock.wallMilliseconds()
        #expect(
            payload.hasPrefix(
                #"{"lang":"en","n":1.50,"document_id":"a/b.md","chunk_index":1,"start":26,"end":45,"#
                    + #""heading_path":["Birds"],"content_hash":""#))
        #expect(payload.hasSuffix(#"","text":"Étés — so warm.","embedded_at":\#(now)}"#), "\(payload)")
        #expect(String(decoding: Array(text.utf8)[26..<45], as: UTF8.self) == "Étés — so warm.")
        #expect(try bench.texts("a/b.md") == ["The swift flies.", "Étés — so warm."])
        #expect(bench.embedder.taken() == ["Birds\nThe swift flies.", "Birds\nÉtés — so warm."])
        #expect(try bench.chunks("a/b.m").isEmpty && bench.chunks("b.md").isEmpty)
        // They are points like others.
        let hits = try bench.collection.search(LineEmbedder.vector(of: "Birds\nThe swift flies."), limit: 1)
        #expect(hits.ids == [PointID("a/b.md#0")])
    }

    @Test func anUnchangedDocumentWritesNothing() throws {
        let bench = try DocumentBench()
        let documents = [
            DocumentWrite(id: "a", text: "one\ntwo", payload: Payload(#"{"k":[1]}"#)),
            DocumentWrite(id: "b", text: "three"),
        ]
        let first = try bench.upsert(documents)
        _ = bench.embedder.taken()
        bench.database.clock.advance(1_000)
        for _ in 0..<2 {
            let again = try bench.upsert(documents)
            #expect(again.lsn == first.lsn)
            #expect((again.created, again.updated, again.deleted) == (0, 3, 0))
            try bench.database.reopen()
        }
        #expect(bench.embedder.taken().isEmpty)
        #expect(try bench.chunks("a").allSatisfy { $0.version == first.lsn })
    }

    @Test func onlyWhatIsNewIsEmbedded() throws {
        let bench = try DocumentBench()
        try bench.upsert("a", (0..<20).map { "line \($0)" }.joined(separator: "\n"))
        _ = bench.embedder.taken()
        let before = try bench.chunks("a")
        bench.database.clock.advance(5_000)
        // At the top: all chunks move, one is new.
        let lines = ["new"] + (0..<20).map { "line \($0)" }
        let receipt = try bench.upsert("a", lines.joined(separator: "\n"))
        #expect((receipt.created, receipt.updated, receipt.deleted) == (1, 20, 0))
        #expect(bench.embedder.taken() == ["new"])
        #expect(try bench.texts("a") == lines)
        // The time of embedding moves with the content.
        func time(_ record: PointRecord) throws -> Int? {
            try record.members["embedded_at"]?.integerValue
        }
        let after = try bench.chunks("a")
        #expect(try time(after[0]) == time(before[0]).map { $0 + 5_000 })
        #expect(try after.dropFirst().map(time) == before.map(time))
    }

    @Test func whatIsGoneIsDeleted() throws {
        let bench = try DocumentBench()
        try bench.upsert("a", "one\ntwo\nthree\nfour")
        let receipt = try bench.upsert("a", "one\nfour")
        #expect((receipt.created, receipt.updated, receipt.deleted) == (0, 2, 2))
        #expect(try bench.texts("a") == ["one", "four"])
        #expect(try bench.collection.count() == 2)
        #expect(try bench.upsert("a", "\n\n").deleted == 2)
        #expect(try bench.collection.count() == 0 && bench.chunks("a").isEmpty)
        let empty = try bench.upsert("a", "")
        #expect((empty.created, empty.updated, empty.deleted) == (0, 0, 0))
    }

    @Test func anotherPayloadEmbedsNothing() throws {
        let bench = try DocumentBench()
        try bench.upsert("a", "one\ntwo", payload: #"{"v":1}"#)
        _ = bench.embedder.taken()
        let receipt = try bench.upsert("a", "one\ntwo", payload: #"{"v":2}"#)
        #expect((receipt.created, receipt.updated) == (0, 2))
        #expect(bench.embedder.taken().isEmpty)
        #expect(try bench.chunks("a").allSatisfy { $0.payload?.text.hasPrefix(#"{"v":2,"#) == true })
        #expect(try bench.chunks("a").allSatisfy { $0.version == receipt.lsn })
    }

    @Test func deletedDocumentsAreCountedByChunks() throws {
        let bench = try DocumentBench()
        try bench.upsert("a", "one\ntwo")
        try bench.upsert("b", "one")
        #expect(try bench.delete(["a", "none", "a"]).deleted == 2)
        let lsn = try bench.collection.visibleLSN
        #expect(try bench.delete(["a"]).lsn == lsn, "nothing to delete is no write")
        #expect(try bench.texts("b") == ["one"])
    }

    /// Points can be deleted one by one: what is left is found all the same.
    @Test func aGapHidesNothing() throws {
        let bench = try DocumentBench()
        let lines = (0..<12).map { "line \($0)" }
        try bench.upsert("a", lines.joined(separator: "\n"))
        try bench.collection.delete(.ids((0..<9).map { PointID("a#\($0)") }))
        #expect(try bench.chunks("a").map(\.id) == (9..<12).map { PointID("a#\($0)") })
        _ = bench.embedder.taken()
        let receipt = try bench.upsert("a", lines.joined(separator: "\n"))
        #expect((receipt.created, receipt.updated) == (9, 3))
        #expect(try bench.texts("a") == lines)
        try bench.collection.delete(.ids([PointID("a#0")]))
        #expect(try bench.delete(["a"]).deleted == 11)
    }

    /// Ids that look like a chunk's, and documents whose ids look like chunks of others.
    @Test func whatIsNotADocumentsOwnIsLeftAlone() throws {
        let bench = try DocumentBench()
        let collection = try bench.collection
        func own(_ id: String) -> PointWrite {
            PointWrite(id: PointID(id), vectors: .single([1, 2, 3, 4]), payload: Payload(#"{"mine":true}"#))
        }
        try collection.upsert(["a#7", "a#x", "a#", "a#01", "#1"].map(own))
        try bench.upsert("a", "one\ntwo")
        try bench.upsert("a#1", "nested one\nnested two")
        try bench.upsert("a", "one")
        #expect(try bench.texts("a#1") == ["nested one", "nested two"])
        #expect(try bench.delete(["a"]).deleted == 1)
        #expect(try bench.texts("a#1").count == 2)
        #expect(try collection.get([PointID("a#7"), PointID("a#x"), PointID("a#01")]).missing.isEmpty)
        #expect(try bench.delete(["a#1", ""]).deleted == 2)
        #expect(try collection.count() == 5)
    }

    @Test func chunksAreFoundInSealedSegmentsToo() throws {
        let bench = try DocumentBench {
            $0.growingRows = 64
            $0.exactRows = 10
            $0.trainingRows = 16
        }
        var expected: [String: [String]] = [:]
        var generator = SeededGenerator(seed: 3)
        for round in 0..<60 {
            let id = "doc-\(Int.random(in: 0..<9, using: &generator))"
            let lines = (0..<Int.random(in: 0..<14, using: &generator)).map { line in
                "\(id) line \(line) \(Int.random(in: 0..<3, using: &generator))"
            }
            try bench.upsert(id, lines.joined(separator: "\n"))
            expected[id] = lines
            if round % 7 == 0 { bench.database.settle() }
            if round % 20 == 19 {
                _ = try bench.collection.optimize()
                bench.database.settle()
                try bench.database.reopen()
            }
        }
        #expect(try bench.collection.describe().segments.contains { $0.state == .sealed })
        for (id, lines) in expected { #expect(try bench.texts(id) == lines) }
        #expect(try bench.collection.count() == expected.values.reduce(0) { $0 + $1.count })
        _ = bench.embedder.taken()
        for (id, lines) in expected { try bench.upsert(id, lines.joined(separator: "\n")) }
        #expect(bench.embedder.taken().isEmpty)
    }

    @Test func theLastOfTwoWithOneIDWins() throws {
        let bench = try DocumentBench()
        let receipt = try bench.upsert([
            DocumentWrite(id: "a", text: "one\ntwo"), DocumentWrite(id: "b", text: "b"),
            DocumentWrite(id: "a", text: "three"),
        ])
        #expect(receipt.created == 2)
        #expect(try bench.texts("a") == ["three"])
    }

    /// Whichever of two is committed last, all of the document is its.
    @Test func documentsWrittenAtOnceAreOneOfThemWhole() throws {
        for order in [[0, 1], [1, 0]] {
            let bench = try DocumentBench()
            try bench.upsert("a", "start\nshared\nend")
            let texts = ["x1\nshared", "y1\ny2\nshared\ny4\nend"]
            let writes = try texts.map { try bench.prepare([DocumentWrite(id: "a", text: $0)]) }
            let collection = try bench.collection
            for number in order { _ = try collection.commit([writes[number]])[0].get() }
            #expect(try bench.texts("a").joined(separator: "\n") == texts[order[1]])
        }
        // The same one twice: the second finds nothing to change.
        let bench = try DocumentBench()
        let writes = try (0..<2).map { _ in try bench.prepare([DocumentWrite(id: "a", text: "one\ntwo")]) }
        let receipts = try bench.collection.commit(writes).map { try $0.get() }
        #expect(receipts[0].lsn == receipts[1].lsn && receipts[1].created == 2)
    }

    @Test func aRepeatedOperationAnswersTheFirstResult() throws {
        let bench = try DocumentBench()
        try bench.upsert("a", "one\ntwo")
        let first = try bench.upsert("a", "one\nthree\nfour", opKey: "k")
        try bench.upsert("a", "other")
        try bench.database.reopen()
        #expect(try bench.upsert("a", "one\nthree\nfour", opKey: "k") == first)
        #expect((first.created, first.updated, first.deleted) == (2, 1, 0))
        #expect(try bench.texts("a") == ["other"])
    }

    @Test func everySpaceWithAModelGetsTheVector() throws {
        let bench = try DocumentBench(creates: false)
        let spaces = ["a", "b", "own"].map {
            SpaceConfig(name: $0, size: $0 == "own" ? 2 : 0, model: $0 == "own" ? nil : "lines")
        }
        _ = try bench.database.database.createCollection(
            named: "c", config: CollectionConfig(spaces: spaces, textKey: "body"))
        try bench.upsert("d", "one")
        try bench.upsert("d", "zero\none")
        let chunk = try #require(try bench.chunks("d").last)
        #expect(chunk.vectors?.map(\.space) == ["a", "b"])
        #expect(chunk.payload?.text.contains(#""body":"one""#) == true)
        #expect(bench.embedder.taken() == ["one", "zero"])
    }
}
