// The payload of a chunk's point: the document's, then what the engine knows of the chunk, the time of embedding last, so
// that two payloads can be compared but for it.

import NeedleCore
import NeedleStorage

/// What a stored chunk says of itself.
struct ChunkFields {
    var document: [UInt8]?
    /// The headings that its text stands under, outermost first.
    var headings: [String] = []
    var contentHash: [UInt8]?
    /// Milliseconds since 1970.
    var embeddedAt: Int64?

    /// Members of other types count as absent.
    ///
    /// - Throws: when the payload is no JSON object.
    init(_ payload: Span<UInt8>) throws(JSONError) {
        var reader = JSONReader(payload)
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            if key.equals("document_id"), try reader.peekKind() == .string {
                document = try reader.readBytes()
            } else if key.equals("heading_path"), try reader.peekKind() == .array {
                headings = (try JSONValue(reading: &reader).arrayValue ?? []).compactMap(\.stringValue)
            } else if key.equals("content_hash"), try reader.peekKind() == .string {
                contentHash = try reader.readBytes()
            } else if key.equals("embedded_at"), try reader.peekKind() == .number {
                embeddedAt = try JSONValue(reading: &reader).integerValue.map(Int64.init)
            } else {
                try reader.skipValue()
            }
        }
    }
}

/// Makes payloads of chunks.
struct ChunkPayload {
    let document: DocumentWrite
    let textKey: String

    /// What a document's own payload cannot hold.
    static let reservedKeys = [
        "document_id", "chunk_index", "start", "end", "heading_path", "content_hash", "embedded_at",
    ]

    /// - Throws: `invalid_params` for a key that the chunks need, placed within the document.
    func check() throws(DatabaseError) {
        for key in Self.reservedKeys {
            guard key != textKey else {
                throw DatabaseError(
                    .invalidParams, "the collection's text_key \"\(key)\" is one that chunks need themselves",
                    at: "text", expected: "a collection with another text_key")
            }
        }
        for key in Self.reservedKeys + [textKey] where try PayloadText.has(key, in: document.payload) {
            throw DatabaseError(
                .invalidParams, "\"\(key)\" is filled in for every chunk", at: "payload.\(key)")
        }
    }

    func json(of chunk: TextChunk, index: Int, text: String, contentHash: String, embeddedAt: Int64)
        -> [UInt8]
    {
        var writer = JSONWriter(reservingCapacity: document.payload.json.count + text.utf8.count + 256)
        writer.beginObject()
        writer.key("document_id")
        writer.write(document.id)
        writer.key("chunk_index")
        writer.write(index)
        writer.key("start")
        writer.write(chunk.range.lowerBound)
        writer.key("end")
        writer.write(chunk.range.upperBound)
        if !chunk.headings.isEmpty {
            writer.key("heading_path")
            writer.beginArray()
            for heading in chunk.headings { writer.write(heading) }
            writer.endArray()
        }
        writer.key("content_hash")
        writer.write(contentHash)
        writer.key(string: textKey)
        writer.write(text)
        writer.key("embedded_at")
        writer.write(embeddedAt)
        writer.endObject()
        let own = writer.take()
        guard !document.payload.isEmpty else { return own }
        return document.payload.json.dropLast() + [UInt8(ascii: ",")] + own.dropFirst()
    }

    /// Names what is embedded and who embeds it: equal hashes have equal vectors. 128 bits of SHA-256, as hexadecimal.
    static func contentHash(of passage: String, fingerprint: String) -> String {
        var hash = ContentHash()
        let bytes = Array(fingerprint.utf8) + [0] + Array(passage.utf8)
        hash.update(bytes.span.bytes)
        return String(hash.hex().prefix(32))
    }

    /// A stored payload with another content hash in the old one's place.
    static func replacing(
        _ old: [UInt8], with hash: String, in payload: [UInt8]
    ) -> [UInt8] {
        let member = Array("\"content_hash\":\"".utf8) + old
        // Quotes within texts are escaped. The last one: what a document brings itself stands before.
        guard let place = payload.ranges(of: member).last else { return payload }
        return payload[..<(place.upperBound - old.count)] + Array(hash.utf8) + payload[place.upperBound...]
    }

    /// The payload up to the time of embedding.
    static func withoutTime(_ payload: some BidirectionalCollection<UInt8>) -> some Sequence<UInt8> {
        let name = Array(",\"embedded_at\":".utf8)
        let digits = payload.dropLast().reversed().prefix {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        let head = payload.dropLast(1 + digits.count)
        return digits.isEmpty || !head.reversed().starts(with: name.reversed()) ? payload[...] : head
    }
}
