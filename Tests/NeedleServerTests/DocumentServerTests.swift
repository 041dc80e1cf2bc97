import Synchronization
import Testing

/// Documents through the server's lanes and pools.
@Suite struct DocumentServerTests {
    private static let create = #"{"name":"c","vectors":{"model":"stub"}}"#

    private func upsert(_ id: String, _ lines: String..., more: String = "") -> String {
        let text = lines.joined(separator: #"\n"#)
        return #"{"collection":"c","documents":[{"document_id":"\#(id)","text":"\#(text)"}]\#(more)}"#
    }

    @Test func changesOfAConnectionAreAppliedInOrder() throws {
        let server = try TestServer(embedder: StubEmbedder())
        defer { server.stop() }
        let client = try server.client()
        _ = try client.call("collection.create", Self.create)
        for (id, line) in [
            ("document.upsert", upsert("a", "one", "two")), ("document.upsert", upsert("a", "three")),
            ("document.delete", #"{"collection":"c","document_ids":["a"]}"#),
            ("document.upsert", upsert("a", "four", "five", "six")),
        ].enumerated() {
            client.send(#"{"id":\#(id),"method":"\#(line.0)","params":\#(line.1)}"# + "\n")
        }
        var answers: [String] = []
        for _ in 0..<4 { answers.append(try #require(try client.line())) }
        answers.sort()
        #expect(answers[0].contains(#""chunks":2,"embedded":2,"unchanged":0,"deleted":0"#))
        #expect(answers[1].contains(#""chunks":1,"#) && answers[1].contains(#""deleted":1"#))
        #expect(answers[2].contains(#""deleted":1}"#))
        #expect(answers[3].contains(#""chunks":3,"embedded":3,"unchanged":0,"deleted":0"#))
        let found = try client.call("document.get", #"{"collection":"c","document_id":"a"}"#)
        #expect(found.contains(#""text":"six""#) && !found.contains("one"))
    }

    /// While a document is embedded, searches and writes that bring their own vectors go on.
    @Test func embeddingADocumentHoldsUpNobody() throws {
        let embedder = StubEmbedder()
        let server = try TestServer(embedder: embedder)
        defer { server.stop() }
        let (writer, other) = (try server.client(), try server.client())
        _ = try writer.call("collection.create", Self.create)
        let vector = "[1,0,0,0,0,0,0,0]"
        _ = try other.call("point.upsert", #"{"collection":"c","points":[{"id":1,"vector":\#(vector)}]}"#)
        embedder.isHeld.store(true, ordering: .relaxed)
        let late = try other.call("document.upsert", upsert("b", "two", more: #","deadline_ms":50"#))
        #expect(late.contains(#""kind":"deadline""#))
        writer.send(#"{"id":"d","method":"document.upsert","params":\#(upsert("a", "one"))}"# + "\n")
        for _ in 0..<3 {
            let found = try other.call("point.search", #"{"collection":"c","vector":\#(vector)}"#)
            #expect(found.contains(#""id":1"#))
            let written = try other.call(
                "point.upsert", #"{"collection":"c","points":[{"id":1,"vector":\#(vector)}]}"#)
            #expect(written.contains(#""updated":1"#))
        }
        embedder.isHeld.store(false, ordering: .relaxed)
        #expect(try writer.line()?.contains(#""chunks":1,"embedded":1"#) == true)
        let nothing = try other.call("document.get", #"{"collection":"c","document_id":"b"}"#)
        #expect(nothing.contains(#""points":[]"#))
    }

    @Test func aDocumentThatIsBeingEmbeddedCanBeCancelled() throws {
        let embedder = StubEmbedder()
        let server = try TestServer(embedder: embedder)
        defer { server.stop() }
        let client = try server.client()
        _ = try client.call("collection.create", Self.create)
        embedder.isHeld.store(true, ordering: .relaxed)
        client.send(#"{"id":7,"method":"document.upsert","params":\#(upsert("a", "one"))}"# + "\n")
        #expect(eventually { embedder.calls.load(ordering: .relaxed) == 1 })
        client.send(#"{"id":8,"method":"server.cancel","params":{"id":7}}"# + "\n")
        let answers = [try #require(try client.line()), try #require(try client.line())]
        #expect(answers.contains { $0.contains(#""cancelled":true"#) })
        #expect(answers.contains { $0.contains(#""kind":"cancelled""#) })
        embedder.isHeld.store(false, ordering: .relaxed)
        #expect(try client.call("point.count", #"{"collection":"c"}"#).contains(#""count":0"#))
    }
}
