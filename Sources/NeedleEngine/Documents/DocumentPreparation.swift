import NeedleCore
import NeedleStorage

/// From documents to points: cut into chunks, and embedded where no vector of the same content is stored.
///
/// Looks at what the collection holds only to save work: a content hash names text and model, so that a vector found
/// under it is the one that embedding would give, whatever becomes of the stored point meanwhile. Which points are
/// written and deleted is decided when the write is committed.
struct DocumentPreparation {
    let config: CollectionConfig
    let limits: Limits
    let embedder: any TextEmbedder
    let view: ReadView
    /// Milliseconds since 1970: when the chunks are embedded.
    let now: Int64

    /// Passages embedded at once, between which others that need the model get their turn.
    private static let batch = 32
    /// Payloads of a write, in longest lines: a document's own payload is repeated in every chunk.
    private static let payloadLines = 4

    /// A chunk without its vectors.
    private struct Draft {
        var document: Int
        var index: Int
        var passage: String
    }

    /// - Returns: the documents as points, and how many chunks had to be embedded.
    /// - Throws: an error placed within `documents`, or at `chunk`.
    func prepare(
        _ documents: [DocumentWrite], sizes: ChunkSizes, context: OperationContext
    ) throws(DatabaseError) -> PreparedDocuments {
        var prepared = Self.lastOfEachID(documents)
        var drafts: [Draft] = []
        var chunks = 0
        var bytes = 0
        for place in prepared.documents.indices {
            let source = prepared.documents[place].source
            do throws(DatabaseError) {
                let room = limits.batchPoints - chunks
                let points = try points(
                    of: documents[source], number: place, sizes: sizes, room: room, &drafts, context)
                bytes += points.reduce(0) { $0 + $1.payload.count }
                guard bytes <= Self.payloadLines * limits.lineBytes else { throw Self.tooLarge(limits) }
                prepared.documents[place].chunks = points
                chunks += points.count
            } catch {
                throw error.at?.hasPrefix("chunk.") == true ? error : error.prefixed("documents[\(source)]")
            }
        }
        try embed(drafts, into: &prepared, context)
        prepared.embedded = drafts.count
        return prepared
    }

    /// Of two documents with one id the last wins.
    private static func lastOfEachID(_ documents: [DocumentWrite]) -> PreparedDocuments {
        var last: [[UInt8]: Int] = [:]
        for (number, document) in documents.enumerated() { last[Array(document.id.utf8)] = number }
        let kept = documents.indices.filter { last[Array(documents[$0].id.utf8)] == $0 }
        return PreparedDocuments(
            documents: kept.map { PreparedDocument(id: Array(documents[$0].id.utf8), source: $0) })
    }

    private func points(
        of document: DocumentWrite, number: Int, sizes: ChunkSizes, room: Int, _ drafts: inout [Draft],
        _ context: OperationContext
    ) throws(DatabaseError) -> [StoredPoint] {
        let payload = ChunkPayload(document: document, textKey: config.textKey)
        try payload.check()
        let chunks = try embedder.chunks(
            of: document.text, format: document.format, sizes: sizes, limit: room, context: context)
        let known = try knownContent(of: Array(document.id.utf8))
        let text = Array(document.text.utf8)
        var points: [StoredPoint] = []
        for (index, chunk) in chunks.enumerated() {
            try context.check()
            let hash = ChunkPayload.contentHash(
                of: chunk.passage, fingerprint: embedder.model.fingerprint)
            let stored = known[Array(hash.utf8)]
            var vectors: [StoredVector]?
            if let stored { vectors = try self.vectors(of: stored) }
            let json = payload.json(
                of: chunk, index: index, text: String(decoding: text[chunk.range], as: UTF8.self),
                contentHash: hash,
                embeddedAt: vectors == nil ? now : stored?.fields.embeddedAt ?? now)
            if vectors == nil {
                drafts.append(Draft(document: number, index: index, passage: chunk.passage))
            }
            points.append(
                StoredPoint(
                    id: ChunkID(document: Array(document.id.utf8), index: index).pointID, expiresAt: 0,
                    payload: json, vectors: vectors ?? []))
        }
        return points
    }

    // MARK: What is there already

    /// The document's stored chunks by content hash. Where something is damaged there is nothing to save.
    private func knownContent(of document: [UInt8]) throws(DatabaseError) -> [[UInt8]: StoredChunk] {
        do throws(DatabaseError) {
            var known: [[UInt8]: StoredChunk] = [:]
            for chunk in try view.chunks(of: document) {
                if let hash = chunk.fields.contentHash { known[hash] = chunk }
            }
            return known
        } catch {
            guard error.isOfStoredData else { throw error }
            return [:]
        }
    }

    /// Vectors in all spaces that have a model, or `nil` if one is missing or cannot be read.
    private func vectors(of chunk: StoredChunk) throws(DatabaseError) -> [StoredVector]? {
        let (segment, row) = (chunk.location.segment, chunk.location.row)
        var vectors: [StoredVector] = []
        do throws(DatabaseError) {
            for (index, space) in config.spaces.enumerated() where space.model != nil {
                guard let vector = try segment.storedVector(of: row, space: index, space) else { return nil }
                vectors.append(vector)
            }
        } catch {
            guard error.isOfStoredData else { throw error }
            return nil
        }
        return vectors
    }

    // MARK: What is not

    private func embed(
        _ drafts: [Draft], into prepared: inout PreparedDocuments, _ context: OperationContext
    ) throws(DatabaseError) {
        for start in stride(from: 0, to: drafts.count, by: Self.batch) {
            let part = drafts[start..<min(drafts.count, start + Self.batch)]
            let batch = try embedder.embed(part.map(\.passage), kind: .passage, context: context)
            for (draft, values) in zip(part, batch.vectors) {
                var vectors: [StoredVector] = []
                for (index, space) in config.spaces.enumerated() where space.model != nil {
                    vectors.append(try VectorCheck(space: space, index: index).stored(values))
                }
                prepared.documents[draft.document].chunks[draft.index].vectors = vectors
            }
        }
    }

    private static func tooLarge(_ limits: Limits) -> DatabaseError {
        DatabaseError(
            .limitExceeded, "the payloads of the chunks take too much: each has the document's",
            at: "payload",
            expected: "at most \(payloadLines * limits.lineBytes) bytes in all chunks of the request")
    }
}

/// Documents as points that have their vectors.
struct PreparedDocuments: Sendable {
    /// Distinct ids.
    var documents: [PreparedDocument]
    /// Chunks that were embedded, the others had their vectors.
    var embedded = 0

    var chunks: Int { documents.reduce(0) { $0 + $1.chunks.count } }
}

struct PreparedDocument: Sendable {
    var id: [UInt8]
    /// Its place in the request.
    var source: Int
    /// By index, from 0.
    var chunks: [StoredPoint] = []
}
