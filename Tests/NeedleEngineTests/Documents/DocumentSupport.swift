import NeedleCore
import NeedleEngine
import SimulationKit
import Synchronization

/// A chunk a line; in Markdown, a line that begins with `# ` is the heading of those after it. Remembers what it was
/// asked to embed.
final class LineEmbedder: TextEmbedder {
    let model: ModelDescription
    private let texts = Mutex<[String]>([])

    init(fingerprint: String = "f00d", name: String = "lines") {
        model = ModelDescription(name: name, fingerprint: fingerprint, dimensions: 4, maximumTokens: 16)
    }

    /// What was embedded since the last call.
    func taken() -> [String] {
        texts.withLock { texts in
            defer { texts = [] }
            return texts
        }
    }

    func embed(
        _ texts: [String], kind: EmbeddingKind, context: OperationContext
    ) throws(DatabaseError) -> EmbeddingBatch {
        try context.check()
        self.texts.withLock { $0 += texts }
        return EmbeddingBatch(vectors: texts.map(Self.vector), tokens: texts.count, truncated: 0)
    }

    static func vector(of text: String) -> [Float] {
        var vector = [Float](repeating: 0.5, count: 4)
        for (place, byte) in text.utf8.enumerated() { vector[(place + Int(byte)) % 4] += Float(byte) / 64 }
        return vector
    }

    func chunks(
        of text: String, format: DocumentFormat, sizes: ChunkSizes, limit: Int, context: OperationContext
    ) throws(DatabaseError) -> [TextChunk] {
        var start = 0
        var chunks: [TextChunk] = []
        var headings: [String] = []
        for line in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
            defer { start += line.count + 1 }
            let words = String(decoding: line, as: UTF8.self)
            if format == .markdown, words.hasPrefix("# ") {
                headings = [String(words.dropFirst(2))]
            } else if !words.isEmpty {
                let passage = TextChunk.title(of: headings) + words
                chunks.append(
                    TextChunk(range: start..<(start + line.count), headings: headings, passage: passage))
            }
        }
        guard chunks.count <= limit else { throw DatabaseError(.limitExceeded, "too many", at: "text") }
        return chunks
    }
}

/// A collection that takes documents.
final class DocumentBench {
    let embedder: LineEmbedder
    let database: TestDatabase
    var collection: Collection { get throws { try database.collection() } }

    init(
        fingerprint: String = "f00d", others: [any TextEmbedder] = [],
        disk: SimulatedFileSystem = SimulatedFileSystem(), creates: Bool = true,
        change: (inout EngineOptions) -> Void = { _ in }
    ) throws {
        embedder = LineEmbedder(fingerprint: fingerprint)
        var options = TestDatabase.smallOptions
        options.embedders = Embedders([embedder] + others)
        change(&options)
        database = try TestDatabase(disk: disk, options: options)
        guard creates else { return }
        let space = SpaceConfig(name: "", size: 0, model: "lines")
        _ = try database.database.createCollection(named: "c", config: CollectionConfig(spaces: [space]))
    }

    @discardableResult
    func upsert(
        _ id: String, _ text: String, _ format: DocumentFormat = .plain, payload: String = "{}",
        opKey: String? = nil
    ) throws -> WriteReceipt {
        try upsert(
            [DocumentWrite(id: id, text: text, format: format, payload: Payload(payload))], opKey: opKey)
    }

    @discardableResult
    func upsert(_ documents: [DocumentWrite], opKey: String? = nil) throws -> WriteReceipt {
        let collection = try collection
        return try collection.commit([try prepare(documents, opKey: opKey)])[0].get()
    }

    func prepare(_ documents: [DocumentWrite], opKey: String? = nil) throws -> PreparedWrite {
        try collection.prepare(
            .upsertDocuments(documents, ChunkSizes()), model: nil, opKey: opKey.map { Array($0.utf8) },
            context: OperationContext())
    }

    @discardableResult
    func delete(_ ids: [String]) throws -> WriteReceipt {
        let collection = try collection
        let write = try collection.prepare(
            .deleteDocuments(ids), model: nil, opKey: nil, context: OperationContext())
        return try collection.commit([write])[0].get()
    }

    func chunks(_ id: String) throws -> [PointRecord] {
        try collection.document(
            id, selection: PointSelection(payload: .all, withVector: true), context: OperationContext())
    }

    /// The texts of a document's chunks, which are checked to be what they should be.
    func texts(_ id: String) throws -> [String] {
        try chunks(id).enumerated().map { index, record in
            let payload = try record.members
            let text = payload["text"]?.stringValue ?? "?"
            let headings = (payload["heading_path"]?.arrayValue ?? []).compactMap(\.stringValue)
            let passage = TextChunk.title(of: headings) + text
            guard record.id == PointID("\(id)#\(index)"), payload["chunk_index"]?.integerValue == index,
                payload["document_id"]?.stringValue == id,
                record.vectors?.first?.vector == LineEmbedder.vector(of: passage)
            else { return "wrong: \(record)" }
            return text
        }
    }
}

extension PointRecord {
    /// The payload as a tree.
    var members: JSONValue {
        get throws {
            let json = payload?.json ?? []
            return try JSONValue(parsing: json.span)
        }
    }
}
