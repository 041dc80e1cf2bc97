import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// Documents in a collection that moves to another model.
@Suite struct ReembeddedDocumentTests {
    private let next = LineEmbedder(fingerprint: "beef", name: "next")
    private let text = "# Sharks\nthey swim\nthey hunt\n# Trees\nthey stand"

    private func moved() throws -> DocumentBench {
        let bench = try DocumentBench(others: [next]) { $0.reembedShare = 1 }
        try bench.upsert("d", text, .markdown, payload: #"{"own":{"content_hash":"mine"}}"#)
        _ = try bench.database.database.startReembedding("c", using: nil, model: "next")
        bench.database.settle()
        _ = try bench.database.database.cutOver("c", force: false, context: OperationContext())
        return bench
    }

    @Test func chunksAreEmbeddedUnderTheirHeadings() throws {
        let bench = try moved()
        #expect(Set(next.taken()) == ["Sharks\nthey swim", "Sharks\nthey hunt", "Trees\nthey stand"])
        #expect(try bench.texts("d") == ["they swim", "they hunt", "they stand"])
    }

    @Test func theSameDocumentWrittenAgainEmbedsNothing() throws {
        let bench = try moved()
        _ = next.taken()
        try bench.upsert("d", text, .markdown, payload: #"{"own":{"content_hash":"mine"}}"#)
        #expect(next.taken().isEmpty)
        try bench.upsert("d", text + "\nthey fall", .markdown, payload: #"{"own":{"content_hash":"mine"}}"#)
        #expect(next.taken() == ["Trees\nthey fall"])
    }

    /// What the document brought itself is left as it was, and going back gives the old hashes again.
    @Test func onlyTheContentHashIsAnotherOne() throws {
        let bench = try DocumentBench(others: [next]) { $0.reembedShare = 1 }
        try bench.upsert("d", text, .markdown, payload: #"{"own":{"content_hash":"mine"}}"#)
        let before = try bench.chunks("d").map { try $0.members }
        _ = try bench.database.database.startReembedding("c", using: nil, model: "next")
        bench.database.settle()
        _ = try bench.database.database.cutOver("c", force: false, context: OperationContext())
        let after = try bench.chunks("d").map { try $0.members }
        for (old, new) in zip(before, after) {
            for key in ["own", "document_id", "chunk_index", "start", "end", "heading_path", "text"] {
                #expect(old[key] == new[key])
            }
            #expect(old["content_hash"] != new["content_hash"])
        }
        bench.database.settle()
        _ = try bench.database.database.rollBack("c", context: OperationContext())
        #expect(try bench.chunks("d").map { try $0.members } == before)
    }
}
