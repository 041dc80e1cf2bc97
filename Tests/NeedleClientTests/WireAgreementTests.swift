import NeedleClient
import Testing

/// Both ends of the protocol were written apart: here the client's every request goes through the server's
/// strict decoder, and the server's every reply through the client.
@Suite("The client and the server's codec agree", .timeLimit(.minutes(1)))
struct WireAgreementTests {
    private func withServer(_ body: (NeedletailClient) async throws -> Void) async throws {
        let server = try await FakeServer.start(greeting: WireServer.greeting) {
            [.line(WireServer.answer($0.line))]
        }
        let client = NeedletailClient(ClientConfiguration(address: server.address))
        try await body(client)
        await client.close()
        await server.stop()
    }

    @Test("Server and collections")
    func collections() async throws {
        try await withServer { client in
            let greeting = try await client.connect()
            #expect(greeting.version == "0.1.0" && greeting.protocolVersions == 1...1)
            #expect(
                greeting.lineBytes == 64 << 20 && greeting.inFlight == 256 && greeting.batchPoints == 10_000)
            #expect(try await client.ping() == 1_700_000_000_000)
            let info = try await client.serverInfo()
            #expect(info.version == "0.1.0" && info.raw["memory"] != nil)
            #expect(info.embeddingCache?.misses == 2 && info.embeddingCache?.hitRate == 0.8)
            let health = try await client.health()
            #expect(health.status == "degraded")
            #expect(health.collections.first { $0.name == "bad" }?.reason == "damaged")
            #expect(health.damagedSnapshots == ["c-7": "its SNAPSHOT is damaged"])
            #expect(try await client.collections().map(\.name) == ["docs", "bad"])
            var space = VectorSpace(size: 3, metric: .euclid, quantization: .binary)
            space.m = 32
            space.efConstruct = 200
            #expect(try await client.createCollection("docs", space, durability: .memory, textKey: "t") == 1)
            #expect(try await client.createCollection("docs", VectorSpace(model: "m")) == 1)
            let spaces = [("b", VectorSpace(size: 3)), ("a", VectorSpace(size: 4))]
            #expect(try await client.createCollection("docs", spaces: spaces) == 2)
            try await client.deleteCollection("docs")
            #expect(try await client.optimize("docs") == "job-1")
            #expect(try await client.optimize("docs", wait: false) == "job-1")
            #expect(try await client.startReembedding("c", space: "a", model: "m") == "j1")
            let status = try await client.reembedding(of: "c")
            #expect(status.state == "ready" && status.model == "m" && status.fingerprint == "f")
            #expect(status.done == 3 && status.total == 3 && status.embedded == 2 && status.pending == 1)
            #expect(status.overlap == 0.5 && status.rankCorrelation == nil && status.rollbackUntilMS == nil)
            #expect(try await client.cutOver("c", force: true).rollbackUntilMS == 1_800_000_000_000)
            try await client.rollBack("c")
            let made = try await client.createSnapshot(of: "c")
            #expect(made.name == "c-7" && made.collection == "c" && made.lsn == 7 && made.bytes == 900)
            #expect(try await client.snapshots(of: "c").map(\.createdMS) == [1_800_000_000_000])
            try await client.deleteSnapshot("c-7")
            #expect(try await client.verifySnapshot("c-7").probes == 100)
            let restored = try await client.restoreSnapshot("c-7", as: "d", to: .lsn(9))
            #expect(restored.points == 3 && restored.lsn == 7)
            #expect(try await client.jobs().map(\.error) == ["damaged"])
            try await client.cancelJob("job-1")
        }
    }

    @Test("The description of a collection")
    func description() async throws {
        try await withServer { client in
            let named = try await client.collection("docs")
            #expect(named.spaces.map(\.name) == ["title", "body"])
            #expect(named.spaces[0].space.metric == .dot && named.spaces[0].space.quantization == .binary)
            #expect(named.spaces[1].space.model == "all-MiniLM-L6-v2" && named.spaces[1].space.m == 16)
            #expect((named.points, named.indexedPoints, named.segments, named.lsn) == (10, 9, 1, 5))
            #expect((named.bytesOnDisk, named.bytesInMemory) == (100, 200))
            #expect(named.durability == .os && named.textKey == "body" && named.state == "ready")
            let single = try await client.collection("single")
            #expect(single.spaces.map(\.name) == [""] && single.spaces[0].space.size == 5)
        }
    }

    @Test("Quality over time")
    func quality() async throws {
        try await withServer { client in
            #expect(try await client.collection("docs").quality.isEmpty)
            let spaces = try await client.collection("docs", quality: true).quality
            #expect(spaces.map(\.space) == ["title", "body"])
            #expect(spaces[0] == SpaceQuality(space: "title"))
            let quiet = QualityMeasurement(
                atMS: 1_800_000_000_000, points: 2, sampled: 1, norm: 1, normDeviation: 0.125,
                centroidShift: 0, nearDuplicates: 0.25, coherence: -0.5, hubness: 3, queries: 4)
            #expect(spaces[1].baseline == quiet && spaces[1].history.first == quiet)
            let busy = try #require(spaces[1].history.last)
            #expect((busy.lowConfidence, busy.scoreGap) == (0.5, 0.1))
            #expect(busy.latency == QualityMeasurement.Latency(p50: 1, p95: 2, p99: 3))
            let alert = QualityAlert(kind: "low_confidence", space: "body", message: "0.5, and 0.1 before")
            #expect(spaces[1].alerts == [alert])
            let health = try await client.health()
            #expect(health.collections.map(\.alerts) == [[alert], []])
            #expect(try await client.updateCollection("docs", qualityBaseline: .now) == 11)
        }
    }

    @Test("Points of every shape are accepted, and come back bit for bit")
    func points() async throws {
        try await withServer { client in
            var conditional = Point(
                id: "é\u{0}\"", vectors: ["a": [1, 2], "b\"": [3]], text: "line\n", payload: ["x": nil])
            conditional.ifVersion = 0
            conditional.expiresAt = 1
            let points = [
                Point(id: PointID(UInt64.max), vector: [0.1, -0.0, .greatestFiniteMagnitude]), conditional,
                Point(id: 3, text: "", payload: try Payload(json: #"{"big":12345678901234567890123}"#)),
            ]
            let written = try await client.upsert("docs", points)
            #expect((written.created, written.updated, written.lsn, written.durable) == (3, 1, 7, "fsync"))
            try await client.upsert(
                "docs", [points[0]], ifAbsent: true, opKey: String(repeating: "k", count: 64))

            let answer = try await client.get("docs", ids: ["a", 2, 3], withVector: true, minimumLSN: 1)
            #expect(answer.points.map(\.id) == ["a", 2] && answer.missing == [3])
            let point = try #require(answer.points.first)
            let expected: Vector = [0.1, -0.0, .leastNonzeroMagnitude]
            #expect(point.vector?.map(\.bitPattern) == expected.map(\.bitPattern))
            #expect((point.version, point.expiresAt, point.payload?.json) == (.max - 1, 12, #"{"n":1.50}"#))
            _ = try await client.get("docs", ids: [1], payload: .keys(["a", "b"]))
            _ = try await client.get("docs", ids: [1], payload: .none)

            let page = try await client.scroll("docs", filter: .match("a", 1), limit: 5, withVector: true)
            #expect(page.cursor == "next" && page.points.count == 1)
            _ = try await client.scroll(
                "docs", order: ScrollOrder("a", isDescending: true), cursor: "next")
            #expect(try await client.delete("docs", .ids([1, "x"])).deleted == 3)
            #expect(try await client.delete("docs", .all).durable == "os")
            #expect(try await client.delete("docs", .filter(.match("a", 1))).lsn == 8)
            let set = try await client.setPayload("docs", ["a": 1], of: .ids([1, "x"]), opKey: "k")
            #expect(set.changed == 5 && set.lsn == 9)
            let replaced = try await client.replacePayload("docs", with: [:], of: .filter(.match("a", 1)))
            #expect(replaced.changed == 4)
            #expect(try await client.deletePayload("docs", keys: ["a", "é"], of: .all).changed == 4)
            let vectors = [
                PointVectors(id: 1, vector: [1, -0.0]), PointVectors(id: "x", vectors: ["t": [1], "u": [2]]),
            ]
            #expect(try await client.setVectors("docs", vectors).changed == 2)
            #expect(try await client.count("docs") == 42)
            #expect(try await client.createIndex("docs", key: "a", type: .keyword, isTenant: true) == "j")
            let options = TextOptions(stemming: .english, stopWords: ["the"])
            #expect(try await client.createIndex("docs", key: "b", type: .text, text: options) == "j")
            try await client.deleteIndex("docs", key: "a")
            #expect(try await client.indexes("docs").isEmpty)
            let facet = try await client.facet("docs", key: "a", filter: .match("b", 1), limit: 3)
            #expect(facet.map(\.value) == ["x"] && facet.map(\.count) == [3])
        }
    }

    @Test("Documents")
    func documents() async throws {
        try await withServer { client in
            let documents = [
                Document(id: "a/é.md", text: "# A\n\"b\"", format: .markdown, payload: ["n": 1]),
                Document(id: "b", text: ""),
            ]
            let written = try await client.upsertDocuments(
                "docs", documents, sizes: ChunkSizes(maximum: 64, overlap: 5))
            #expect((written.lsn, written.durable, written.chunks) == (12, "fsync", 66))
            #expect((written.embedded, written.unchanged, written.deleted) == (2, 64, 5))
            let again = try await client.upsertDocuments("docs", documents, opKey: "k")
            #expect(again.unchanged == 0)
            let chunks = try await client.document("docs", id: "a/é.md", withVector: true, minimumLSN: 3)
            #expect(chunks.map(\.id) == ["a/é.md#0"] && chunks[0].vector?.count == 3)
            _ = try await client.document("docs", id: "b", payload: .keys(["start"]))
            #expect(try await client.deleteDocuments("docs", ids: ["a", "b"]).deleted == 2)
        }
    }

    @Test("Every condition that can be built is accepted")
    func filters() async throws {
        try await withServer { client in
            let filter = Filter(
                must: [
                    .match("a.b[].c", "x"), .match("n", 18_446_744_073), .match("f", 1.5), .match("t", true),
                    .match("k", any: ["a", 1]), .match("k", except: [false]),
                    .range("r", greaterThan: 1, lessThan: 2),
                    .range("d", atLeast: "2024-01-01T00:00:00Z", atMost: "2025-01-01T00:00:00+02:00"),
                    .hasID([1, "x", PointID(UInt64.max)]), .isNull("x"), .isEmpty(#""dotted.key".y"#),
                    .filter(.match("a", 1) || !.match("b", any: [2])),
                    .valuesCount("v", atLeast: 1, atMost: 3), .match("w", text: "some words"),
                    .geoRadius("g", latitude: 52.5, longitude: -13.25, metres: 1000),
                    .nested("items", .match("name", "x")),
                ], minimumShould: .init(conditions: [.isNull("a"), .isNull("b")], minimumCount: 1))
            let count = try await client.count("docs", filter: filter)
            #expect(count == 42)
            let error = await #expect(throws: NeedletailError.self) {
                _ = try await client.count("docs", filter: Filter(must: [.range("r")]))
            }
            #expect(error?.kind == .invalidParams)
            #expect(error?.at?.hasPrefix("filter.must[0]") == true)
        }
    }

    @Test("Searches of every kind")
    func searches() async throws {
        try await withServer { client in
            var request = SearchRequest(vector: [1, 2], limit: 3, filter: .match("a", 1))
            request.space = "title"
            request.offset = 4
            request.scoreThreshold = -1e-300
            request.effort = .ef(64)
            request.rescores = false
            request.oversampling = 2.5
            request.payload = .keys(["name"])
            request.withVector = true
            request.model = "m"
            let answer = try await client.search("docs", request, minimumLSN: 12)
            #expect(answer.hits.map(\.id) == [17] && answer.hits[0].score == 0.1)
            #expect(
                (answer.strategy, answer.isComplete, answer.tookMicroseconds) == ("filtered_graph", false, 3))
            var exact = SearchRequest(text: "words", limit: 7)
            exact.effort = .exact
            let batch = [exact, SearchRequest(point: "x", limit: 9), SearchRequest(point: 3, limit: 8)]
            #expect(try await client.search("docs", batch: batch).map(\.tookMicroseconds) == [7, 9, 8])
            let examples = SearchRequest(.examples(positive: [1, "x"], negative: [2]), limit: 6)
            #expect(try await client.search("docs", examples).tookMicroseconds == 6)
            let refused = await #expect(throws: NeedletailError.self) {
                try await client.search("docs", batch: [exact, examples])
            }
            #expect(refused?.kind == .invalidArgument)
            var hybrid = SearchRequest(text: "words", limit: 5)
            hybrid.hybrid = HybridSearch(keys: ["a.b"], fusion: .weighted(vector: 0.7, text: 0.3))
            hybrid.diversity = Diversity(lambda: 0.25, candidates: 50)
            hybrid.explains = true
            let explained = try await client.search("docs", hybrid)
            #expect(explained.tookMicroseconds == 5 && explained.explanation?["segments"] == [])
            var beside = SearchRequest(vector: [1], limit: 4)
            beside.hybrid = HybridSearch("words")
            #expect(try await client.search("docs", batch: [beside]).map(\.tookMicroseconds) == [4])
            let groups = try await client.searchGroups("docs", exact, by: "a.b[]", size: 5)
            #expect(groups.groups.map(\.value) == [5] && groups.groups[0].hits.map(\.id) == [17])
            #expect(groups.tookMicroseconds == 7)
            hybrid.hybrid?.text = "two texts"
            beside.hybrid?.text = nil
            for request in [hybrid, beside] {
                let wrong = await #expect(throws: NeedletailError.self) {
                    try await client.search("docs", request)
                }
                #expect(wrong?.kind == .invalidArgument && wrong?.at == "text")
            }
            let embedding = try await client.embed(["a", ""], model: "m", kind: .query)
            #expect(embedding.vectors == [[0.25, -1e-20], [0.25, -1e-20]])
            #expect(
                (embedding.model, embedding.dimensions, embedding.tokens, embedding.truncated) == (
                    "m", 2, 5, 1
                ))
        }
    }

    @Test("An import of more points than fit in one request")
    func importing() async throws {
        try await withServer { client in
            var options = ImportOptions()
            options.batchPoints = 20_000
            options.batchBytes = 64 << 20
            let points = (0..<12_000).map { Point(id: PointID(UInt64($0)), vector: [Float($0), 1]) }
            let result = try await client.importPoints(points, into: "docs", options: options)
            #expect((result.acknowledged, result.batches, result.created) == (12_000, 2, 12_000))
        }
    }
}
