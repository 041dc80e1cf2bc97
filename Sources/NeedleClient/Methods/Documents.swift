// Whole texts, which the server cuts into chunks and embeds.

import NeedleCore

/// A text with a name.
public struct Document: Hashable, Sendable {
    /// How a text is taken apart.
    public enum Format: String, Hashable, Sendable {
        /// Into sentences and paragraphs.
        case plain
        /// By headings first.
        case markdown
    }

    /// 1 to 500 bytes of UTF-8. Its chunks are the points `id#0`, `id#1`, ….
    public var id: String
    /// The text; an empty one has no chunks.
    public var text: String
    /// Plain unless said otherwise.
    public var format: Format
    /// Repeated in every chunk, beside what the server puts there: `document_id`, `chunk_index`, `start`, `end` (bytes of
    /// the text as UTF-8), `heading_path`, `content_hash`, `embedded_at`, and the text itself.
    public var payload: Payload

    /// A document.
    public init(id: String, text: String, format: Format = .plain, payload: Payload = [:]) {
        self.id = id
        self.text = text
        self.format = format
        self.payload = payload
    }
}

/// Sizes of chunks, in the model's tokens; what is `nil` the server decides.
public struct ChunkSizes: Hashable, Sendable {
    /// Tokens of a chunk at most, the headings put before it included: 16 … what the model reads, which is the default.
    public var maximum: Int?
    /// Tokens at the end of a chunk that the next one repeats, at most: 0 … half of the maximum; an eighth by default.
    public var overlap: Int?

    /// Sizes.
    public init(maximum: Int? = nil, overlap: Int? = nil) {
        self.maximum = maximum
        self.overlap = overlap
    }
}

/// What writing documents did.
public struct DocumentsResult: Hashable, Sendable {
    /// The collection's log sequence number after the write.
    public var lsn: UInt64
    /// What the write has survived: `fsync` (power loss), `os` (the end of the process) or `memory`.
    public var durable: String
    /// Chunks that the documents have now.
    public var chunks: Int
    /// Chunks whose content is new.
    public var embedded: Int
    /// Chunks whose vectors were there.
    public var unchanged: Int
    /// Chunks that are no more.
    public var deleted: Int

    init(_ bytes: [UInt8]) throws(NeedletailError) {
        let result = try ResultObject(bytes)
        lsn = try result.lsn()
        durable = try result.string("durable")
        chunks = try result.int("chunks")
        embedded = try result.int("embedded")
        unchanged = try result.int("unchanged")
        deleted = try result.int("deleted")
    }
}

extension NeedletailClient {
    /// Writes documents, all of them or none: chunks become points, those that are no more go. Only chunks with new
    /// content are embedded, so writing an unchanged document again costs little and changes nothing.
    ///
    /// One request: at most as many chunks in all as the server's greeting says of points. Embedding takes a while: a long
    /// text wants a long timeout.
    ///
    /// - Parameter opKey: as of ``upsert(_:_:ifAbsent:opKey:timeout:)``.
    /// - Throws: ``NeedletailError``; `at` names the document that was refused (`documents[3].text`).
    @discardableResult
    public func upsertDocuments(
        _ collection: String, _ documents: [Document], sizes: ChunkSizes = ChunkSizes(), opKey: String? = nil,
        timeout: Timeout = .standard
    ) async throws -> DocumentsResult {
        let request = OutgoingRequest("document.upsert") { writer in
            writer.collection(collection)
            writer.operationKey(opKey)
            writer.write(sizes)
            writer.key("documents")
            writer.array(documents) { $0.write($1) }
        }
        return try DocumentsResult(try await perform(request, timeout: timeout))
    }

    /// The chunks of a document, in the order of the text; none if there is no such document.
    public func document(
        _ collection: String, id: String, payload: PayloadSelection = .all, withVector: Bool = false,
        minimumLSN: UInt64? = nil, timeout: Timeout = .standard
    ) async throws -> [StoredPoint] {
        let request = OutgoingRequest("document.get") { writer in
            writer.collection(collection, minimumLSN: minimumLSN)
            writer.key("document_id")
            writer.write(id)
            writer.writeSelection(payload: payload, vector: withVector)
        }
        return try readResult(try await perform(request, timeout: timeout), GetAnswer.read).points
    }

    /// Deletes documents; those that are not there are ignored.
    ///
    /// - Returns: with ``WriteResult/deleted``, the chunks that were deleted.
    @discardableResult
    public func deleteDocuments(
        _ collection: String, ids: [String], opKey: String? = nil, timeout: Timeout = .standard
    ) async throws -> WriteResult {
        let request = OutgoingRequest("document.delete") { writer in
            writer.collection(collection)
            writer.operationKey(opKey)
            writer.key("document_ids")
            writer.array(ids) { $0.write($1) }
        }
        return try WriteResult(try await perform(request, timeout: timeout))
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ sizes: ChunkSizes) {
        guard sizes != ChunkSizes() else { return }
        key("chunk")
        beginObject()
        if let maximum = sizes.maximum {
            key("max_tokens")
            write(maximum)
        }
        if let overlap = sizes.overlap {
            key("overlap_tokens")
            write(overlap)
        }
        endObject()
    }

    fileprivate mutating func write(_ document: Document) {
        beginObject()
        key("document_id")
        write(document.id)
        key("text")
        write(document.text)
        if document.format != .plain {
            key("format")
            write(document.format.rawValue)
        }
        if !document.payload.isEmpty {
            key("payload")
            writeRaw(document.payload.bytes)
        }
        endObject()
    }
}
