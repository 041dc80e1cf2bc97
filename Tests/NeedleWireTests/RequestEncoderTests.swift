import NeedleCore
import NeedleWire
import Testing

@Suite("Requests from the client's side")
struct RequestEncoderTests {
    private func path(_ text: String) throws -> FieldPath { try FieldPath(parsing: text) }

    /// Calls that use every field.
    private func calls() throws -> [Call] {
        let moment = try #require(DateTime("0999-03-01T23:59:59.000125Z")).exactNumber
        let (north, south) = (
            GeoPoint(latitude: 60.5, longitude: 170), GeoPoint(latitude: -1, longitude: -175)
        )
        let ring = try #require(GeoRing([north, south, GeoPoint(latitude: 0, longitude: 179)]))
        let one = RangeTest(
            kind: .number, lower: RangeTest.Bound(value: .unsigned(1), isInclusive: true), upper: nil)
        let filter = Filter(
            must: [
                .geo(try path("g"), .radius(center: north, metres: 1.5)),
                .geo(try path("g"), .box(topLeft: north, bottomRight: south)),
                .geo(try path("g"), .polygon(exterior: ring, interiors: [ring])),
                .valuesCount(try path("c"), one), .words(try path("w"), WordTest(.phrase, Array("é b".utf8))),
                .nested(try path("i[]"), Filter(must: [.isNull(try path("x"))])),
                .matchAny(try path("a"), [.string(Array("é".utf8))]),
                .matchAny(try path("a"), [.bool(true), .number(.negative(-4))]),
                .matchExcept(try path("a.\"b.c\"[]"), [.number(.double(1.5)), .number(.unsigned(.max))]),
            ],
            should: [.filter(Filter(must: [.isEmpty(try path("e"))])), .hasID([PointID("3")])],
            mustNot: [
                .range(
                    try path("t"),
                    RangeTest(
                        kind: .dateTime, lower: RangeTest.Bound(value: moment, isInclusive: false),
                        upper: RangeTest.Bound(value: .unsigned(1_795_249_700_000_000), isInclusive: true))),
                .range(
                    try path("n"),
                    RangeTest(
                        kind: .number, lower: nil,
                        upper: RangeTest.Bound(value: .negative(-7), isInclusive: false))),
            ],
            minimumShould: Filter.MinimumShould(conditions: [.isNull(try path("x"))], minimumCount: 1))
        let point = PointWrite(
            id: PointID("p"), vectors: .single([1, -0.1]), text: "t", payload: ReplySamples.payload,
            ifVersion: LSN(3),
            expiresAt: 9)
        let named = PointWrite(
            id: .integer(4),
            vectors: .named([NamedVector(space: "a", vector: [1]), NamedVector(space: "b", vector: [])]))
        var query = SearchQuery(
            target: .vector([1, 2]), space: "s", limit: 3, offset: 4, scoreThreshold: 0.25, filter: filter,
            effort: .recall(0.9), selection: PointSelection(payload: .keys(["a"]), withVector: true),
            model: "m")
        query.oversampling = 1.5
        query.rescores = false
        let search = Search(query: query, vectorEncoding: .base64)
        let plain = Search(query: SearchQuery(target: .point(.integer(1)), effort: .exact))
        return [
            .ping, .info, .health, .listCollections, .cancel(RequestID("x")), .login(apiKey: "k"),
            .createCollection(
                CreateCollection(name: "c", spaces: [SpaceDefinition(size: 4, metric: .euclid)])),
            .createCollection(
                CreateCollection(
                    name: "c",
                    spaces: [
                        SpaceDefinition(
                            name: "a", size: 4, quantization: .none, hnsw: HNSWConfig(m: 4, efConstruct: 8)),
                        SpaceDefinition(name: "b", metric: .dot, quantization: .binary, model: "m"),
                    ], durability: .memory, textKey: "body")),
            .getCollection(GetCollection(collection: "c", minimumLSN: LSN(1))),
            .getCollection(GetCollection(collection: "c", quality: true)),
            .deleteCollection(DeleteCollection(collection: "c")),
            .updateCollection(UpdateCollection(collection: "c", acceptsQuality: true)),
            .optimizeCollection(OptimizeCollection(collection: "c", wait: true)),
            .createIndex(
                CreateIndex(
                    collection: "c",
                    definition: FieldIndexDefinition(path: try path("a.b[]"), type: .keyword, isTenant: true))
            ),
            .createIndex(
                CreateIndex(
                    collection: "c",
                    definition: FieldIndexDefinition(
                        path: try path("a"), type: .text,
                        text: TextIndexOptions(stemming: .english, stopWords: ["the"])))),
            .deleteIndex(DeleteIndex(collection: "c", path: try path("a"))),
            .listIndexes(ListIndexes(collection: "c", minimumLSN: LSN(2))),
            .facetPoints(
                FacetPoints(
                    collection: "c", path: try path("a"), filter: filter, limit: 5, minimumLSN: LSN(1))),
            .startReembedding(StartReembedding(collection: "c", model: "m")),
            .startReembedding(StartReembedding(collection: "c", space: "a", model: "m")),
            .reembeddingStatus("c"), .cutOver(CutOver(collection: "c")),
            .cutOver(CutOver(collection: "c", force: true)), .rollBack("c"),
            .createSnapshot(CreateSnapshot(collection: "c")), .listSnapshots(ListSnapshots()),
            .listSnapshots(ListSnapshots(collection: "c")), .deleteSnapshot("c-1"), .verifySnapshot("c-1"),
            .restoreSnapshot(RestoreSnapshot(snapshot: "c-1", name: "d")),
            .restoreSnapshot(RestoreSnapshot(snapshot: "c-1", name: "d", point: .lsn(LSN(.max)))),
            .restoreSnapshot(RestoreSnapshot(snapshot: "c-1", name: "d", point: .time(-5))),
            .listJobs, .getJob("j"), .cancelJob("j"),
            .upsertPoints(
                UpsertPoints(collection: "c", points: [point, named], ifAbsent: true, model: "m", opKey: "k")),
            .getPoints(
                GetPoints(
                    collection: "c", ids: [.integer(1), PointID("1")],
                    selection: PointSelection(payload: .none, withVector: true), vectorEncoding: .base64,
                    minimumLSN: LSN(8))),
            .deletePoints(DeletePoints(collection: "c", choice: .all, opKey: "k")),
            .deletePoints(DeletePoints(collection: "c", choice: .filter(filter), model: "m")),
            .deletePoints(DeletePoints(collection: "c", choice: .ids([.integer(1)]))),
            .changePayload(
                ChangePayload(
                    collection: "c", change: .set(Payload(compactJSON: Array(#"{"a":1.50}"#.utf8))),
                    choice: .filter(filter), model: "m", opKey: "k")),
            .changePayload(
                ChangePayload(collection: "c", change: .replace(.empty), choice: .ids([.integer(1)]))),
            .changePayload(
                ChangePayload(collection: "c", change: .deleteKeys(["a", "é\""]), choice: .all)),
            .setVectors(
                SetVectors(
                    collection: "c",
                    points: [
                        PointVectors(id: .integer(1), vectors: point.vectors),
                        PointVectors(id: PointID("1"), vectors: named.vectors),
                    ], opKey: "k")),
            .countPoints(CountPoints(collection: "c", filter: filter, minimumLSN: .zero)),
            .scrollPoints(
                ScrollPoints(
                    collection: "c", filter: filter, limit: 5, cursor: "x", vectorEncoding: .base64,
                    minimumLSN: LSN(2))),
            .searchPoints(SearchPoints(collection: "c", search: search, minimumLSN: LSN(2))),
            .searchPoints(SearchPoints(collection: "c", search: plain)),
            .searchBatch(SearchBatch(collection: "c", searches: [search, plain])),
            .recommendPoints(
                SearchPoints(
                    collection: "c",
                    search: Search(
                        query: SearchQuery(
                            target: .examples(
                                positive: [.integer(1), .string([97])], negative: [.integer(2)]))),
                    minimumLSN: LSN(2))),
            .recommendPoints(
                SearchPoints(
                    collection: "c",
                    search: Search(
                        query: SearchQuery(target: .examples(positive: [.integer(1)], negative: []))))),
            .searchPoints(
                SearchPoints(
                    collection: "c",
                    search: hybrid(
                        .vector([1]),
                        HybridSearch(
                            text: "w", keys: [try path("a.b"), try path("n")],
                            fusion: .weighted(vector: 0.7, text: 0.3)), Diversity(lambda: 0.25, candidates: 7)
                    ))),
            .searchBatch(
                SearchBatch(
                    collection: "c",
                    searches: [
                        hybrid(.text("w"), HybridSearch(text: "w")),
                        hybrid(.point(.integer(1)), nil, Diversity()),
                    ])),
            .recommendPoints(
                SearchPoints(
                    collection: "c",
                    search: hybrid(
                        .examples(positive: [.integer(1)], negative: []),
                        HybridSearch(text: "w", fusion: .reciprocal(k: 1))))),
            .searchGroups(
                SearchGroups(
                    collection: "c", search: plain, grouping: Grouping(path: try path("a.b[]"), size: 7),
                    minimumLSN: LSN(3))),
            .scrollPoints(
                ScrollPoints(
                    collection: "c", order: ScrollOrder(path: try path("a"), isDescending: true), cursor: "x")
            ),
            .embedTexts(EmbedTexts(texts: ["", "é"], model: "m", kind: .query, vectorEncoding: .base64)),
            .upsertDocuments(
                UpsertDocuments(
                    collection: "c",
                    documents: [
                        DocumentWrite(id: "a", text: "é", format: .markdown, payload: ReplySamples.payload),
                        DocumentWrite(id: "b", text: ""),
                    ], sizes: ChunkSizes(maximum: 64, overlap: 3), model: "m", opKey: "k")),
            .upsertDocuments(UpsertDocuments(collection: "c", documents: [], sizes: ChunkSizes(overlap: 0))),
            .getDocument(
                GetDocument(
                    collection: "c", documentID: "a#b", selection: PointSelection(payload: .keys(["a"])),
                    vectorEncoding: .base64, minimumLSN: LSN(2))),
            .deleteDocuments(DeleteDocuments(collection: "c", documentIDs: ["a", "é"], opKey: "k")),
            .setAliases([Alias(name: "b", collection: "c"), Alias(name: "a", collection: "c")]),
            .deleteAliases(["a", "b"]), .listAliases, .readSnapshot(ReadSnapshot(snapshot: "s")),
            .readSnapshot(ReadSnapshot(snapshot: "s", position: 65_536, bytes: 1 << 20)), .beginImport,
            .writeImport(WriteImport(importID: "i", offset: 7, data: Array(0...255))),
            .commitImport(CommitImport(importID: "i")),
            .commitImport(CommitImport(importID: "i", name: "s")), .abortImport("i"),
        ]
    }

    private func hybrid(
        _ target: SearchTarget, _ hybrid: HybridSearch?, _ diversity: Diversity? = nil
    ) -> Search {
        var query = SearchQuery(target: target)
        query.hybrid = hybrid
        query.diversity = diversity
        query.explains = diversity != nil
        return Search(query: query)
    }

    @Test("What the client writes, the server reads as the same request", arguments: VectorEncoding.allCases)
    func roundTrip(encoding: VectorEncoding) throws {
        let encoder = RequestEncoder(vectorEncoding: encoding)
        var methods: Set<Method> = []
        for (index, call) in try calls().enumerated() {
            let request = Request(
                id: .integer(Int64(index)), call: call, deadlineMS: index % 2 == 0 ? 250 : nil)
            let line = encoder.encode(request)
            guard case .single(.request(let read)) = RequestDecoder(limits: Limits()).decode(line) else {
                Issue.record("\(text(line)): \(RequestDecoder(limits: Limits()).decode(line))")
                continue
            }
            // Not every part of a call can be compared, but its description says all of it.
            #expect(String(describing: read) == String(describing: request))
            #expect(encoder.encode(read) == line)
            methods.insert(read.call.method)
        }
        #expect(methods == Set(Method.allCases))
    }

    @Test("A notification has no id; a batch is an array")
    func batch() throws {
        let encoder = RequestEncoder()
        let requests = [Request(id: nil, call: .ping), Request(id: RequestID(""), call: .info)]
        let line = encoder.encode(batch: requests)
        #expect(
            text(line)
                == #"[{"jsonrpc":"2.0","method":"server.ping","params":{}},{"jsonrpc":"2.0","id":"","method":"server.info","params":{}}]"#
        )
        guard case .batch(let members) = RequestDecoder(limits: Limits()).decode(line), members.count == 2,
            case .request(let first) = members[0], case .request(let second) = members[1]
        else { throw NoRequest() }
        #expect(first.id == nil && second.id == .string([]))
    }

    @Test("A search by vector is sent as base64, word for word")
    func golden() {
        let call = Call.searchPoints(
            SearchPoints(
                collection: "docs", search: Search(query: SearchQuery(target: .vector([1, 0.5]), limit: 3))))
        #expect(
            text(RequestEncoder().encode(Request(id: .integer(7), call: call)))
                == #"{"jsonrpc":"2.0","id":7,"method":"point.search","params":{"collection":"docs","vector":"AACAPwAAAD8=","limit":3}}"#
        )
    }
}
