import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

@Suite struct DocumentFaultTests {
    private func error(_ body: () throws -> Void) -> DatabaseError? {
        do {
            try body()
            return nil
        } catch {
            return error as? DatabaseError
        }
    }

    @Test func aCollectionWithoutAModelTakesNone() throws {
        let bench = try DocumentBench(creates: false)
        try bench.database.create()
        let refusal = error { try bench.upsert("a", "one") }
        #expect(refusal?.kind == .invalidParams && refusal?.at == "documents")
        #expect(try bench.delete(["a"]).deleted == 0)
    }

    @Test(arguments: [
        "text", "document_id", "chunk_index", "start", "end", "heading_path", "content_hash", "embedded_at",
    ])
    func keysOfChunksAreTaken(_ key: String) throws {
        let bench = try DocumentBench()
        let refusal = error {
            try bench.upsert([
                DocumentWrite(id: "a", text: "one"),
                DocumentWrite(id: "b", text: "two", payload: Payload(#"{"x":1,"\#(key)":2}"#)),
            ])
        }
        #expect(refusal?.kind == .invalidParams && refusal?.at == "documents[1].payload.\(key)")
        #expect(try bench.collection.count() == 0)
    }

    @Test func aTextKeyThatChunksNeedIsRefused() throws {
        let bench = try DocumentBench(creates: false)
        let config = CollectionConfig(
            spaces: [SpaceConfig(name: "", size: 0, model: "lines")], textKey: "start")
        _ = try bench.database.database.createCollection(named: "c", config: config)
        #expect(error { try bench.upsert("a", "one") }?.at == "documents[0].text")
    }

    @Test func chunksOfOneRequestAreLimited() throws {
        let bench = try DocumentBench { $0.limits.batchPoints = 5 }
        try bench.upsert([DocumentWrite(id: "a", text: "1\n2\n3"), DocumentWrite(id: "b", text: "4\n5")])
        let refusal = error {
            try bench.upsert([
                DocumentWrite(id: "a", text: "1\n2\n3"), DocumentWrite(id: "b", text: "4\n5\n6"),
            ])
        }
        #expect(refusal?.kind == .limitExceeded && refusal?.at == "documents[1].text")
    }

    @Test func aPayloadRepeatedTooOftenIsRefused() throws {
        let bench = try DocumentBench { $0.limits.lineBytes = 10_000 }
        let long = #"{"x":"\#(String(repeating: "y", count: 5_000))"}"#
        try bench.upsert("a", "1\n2\n3\n4", payload: long)
        let text = (0..<10).map(String.init).joined(separator: "\n")
        let refusal = error { try bench.upsert("a", text, payload: long) }
        #expect(refusal?.kind == .limitExceeded && refusal?.at == "documents[0].payload")
    }

    @Test func anotherModelIsRefused() throws {
        let disk = SimulatedFileSystem()
        let first = try DocumentBench(disk: disk)
        try first.upsert("a", "one")
        first.database.database.close()
        let second = try DocumentBench(fingerprint: "beef", disk: disk, creates: false)
        #expect(error { try second.upsert("a", "one\ntwo") }?.kind == .modelMismatch)
        #expect(try second.chunks("a").count == 1)
        let collection = try first.collection
        let named = error {
            _ = try collection.prepare(
                .deleteDocuments(["a"]), model: "other", opKey: nil, context: OperationContext())
        }
        #expect(named?.kind == .modelMismatch && named?.at == "model")
    }

    @Test func aCancelledRequestWritesNothing() throws {
        let bench = try DocumentBench()
        let context = OperationContext()
        context.cancel()
        let collection = try bench.collection
        #expect(
            error {
                _ = try collection.prepare(
                    .upsertDocuments([DocumentWrite(id: "a", text: "one")], ChunkSizes()), model: nil,
                    opKey: nil, context: context)
            }?.kind == .cancelled)
    }

    /// Wherever it is cut off, a document is as it was or as it was to become, and the next run completes it.
    @Test(arguments: [LossModel.none, .all])
    func aCrashLeavesOneOfTheTwo(_ model: LossModel) throws {
        let before = (0..<6).map { "line \($0)" }
        let after = ["top"] + before.dropFirst(3)
        var outcomes: Set<[String]> = []
        var operation = 1
        while true {
            let bench = try DocumentBench()
            try bench.upsert("a", before.joined(separator: "\n"))
            bench.database.disk.plan(Fault(.crash, at: operation))
            let isDone = error { try bench.upsert("a", after.joined(separator: "\n")) } == nil
            var generator = SeededGenerator(seed: UInt64(operation))
            bench.database.disk.plan()
            try bench.database.crash(model, using: &generator)
            let found = try bench.texts("a")
            outcomes.insert(found)
            #expect(found == after || (!isDone && found == before), "operation \(operation): \(found)")
            try bench.upsert("a", after.joined(separator: "\n"))
            #expect(try bench.texts("a") == after)
            if isDone { break }
            operation += 1
        }
        #expect(operation > 2 && outcomes.count == 2)
    }
}
