// Params of `document.upsert`, `.get` and `.delete`.

import NeedleCore

extension CallDecoder {
    mutating func upsertDocuments(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var documents: [DocumentWrite]?
        var sizes = ChunkSizes()
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "documents":
                documents = try reader.optional {
                    try $0.list(of: "documents", limit: limits.batchPoints) { try $0.documentWrite() }
                }
            case "chunk": sizes = try reader.optional { try $0.chunkSizes() } ?? sizes
            default: try common.take(key, from: &reader, allowing: .write)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let documents else { throw Refusal.missing("documents", in: object) }
        return .upsertDocuments(
            UpsertDocuments(
                collection: collection, documents: documents, sizes: sizes, model: common.model,
                opKey: common.opKey))
    }

    mutating func getDocument(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var id: String?
        var selection = PointSelection()
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "document_id": id = try reader.optional { try $0.documentID() }
            case "with_payload": selection.payload = try reader.payloadSelection(limits)
            case "with_vector": selection.withVector = try reader.optionalBool() ?? false
            default: try common.take(key, from: &reader, allowing: .readPoints)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let id else { throw Refusal.missing("document_id", in: object) }
        return .getDocument(
            GetDocument(
                collection: collection, documentID: id, selection: selection,
                vectorEncoding: common.vectorEncoding ?? .array, minimumLSN: common.minimumLSN))
    }

    mutating func deleteDocuments(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var ids: [String]?
        let limit = limits.batchPoints
        while let key = try reader.nextKey(&members) {
            switch key {
            case "document_ids":
                ids = try reader.optional {
                    try $0.list(of: "document_ids", limit: limit) { try $0.documentID() }
                }
            default: try common.take(key, from: &reader, allowing: .write)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let ids else { throw Refusal.missing("document_ids", in: object) }
        return .deleteDocuments(
            DeleteDocuments(
                collection: collection, documentIDs: ids, model: common.model, opKey: common.opKey))
    }
}

extension JSONReader {
    fileprivate mutating func documentID() throws -> String { try boundedString(DocumentWrite.idBytes) }

    fileprivate mutating func documentWrite() throws -> DocumentWrite {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var id: String?
        var text: String?
        var document = DocumentWrite(id: "", text: "")
        while let key = try nextKey(&members) {
            switch key {
            case "document_id": id = try optional { try $0.documentID() }
            case "text": text = try optionalString()
            case "format": document.format = try optional { try $0.choice(DocumentFormat.self) } ?? .plain
            case "payload": document.payload = try optional { try $0.payload() } ?? .empty
            default: throw unknown(key)
            }
        }
        guard let id else { throw Refusal.missing("document_id", in: start) }
        guard let text else { throw Refusal.missing("text", in: start) }
        document.id = id
        document.text = text
        return document
    }

    /// What the model can do is known to the engine only.
    fileprivate mutating func chunkSizes() throws -> ChunkSizes {
        var members = try beginObject()
        var sizes = ChunkSizes()
        while let key = try nextKey(&members) {
            switch key {
            case "max_tokens":
                sizes.maximum = try optional { try $0.readInt(in: ChunkSizes.leastMaximum...65_536) }
            case "overlap_tokens": sizes.overlap = try optional { try $0.readInt(in: 0...65_536) }
            default: throw unknown(key)
            }
        }
        return sizes
    }
}
