// The bytes of the files that keep vectors across restarts (docs/format/embedding-cache.md): a header, then
// records of one size, each with a checksum of its own, so that a damaged or half-written one harms no other.

import CNeedleKernels
import NeedleCore

struct EmbeddingFileFormat: Sendable {
    static let headerSize = 64
    private static let magic: [UInt8] = Array("NTEMBED\u{1}".utf8)
    private static let truncatedBit: UInt32 = 1 << 31

    /// The model's fingerprint, 64 hexadecimal digits or any other text: its bytes are compared whole.
    let fingerprint: String
    let dimensions: Int

    /// Checksum, length, key, vector.
    var recordSize: Int { 4 + 4 + EmbeddingKey.size + 4 * dimensions }

    static func checksum(_ bytes: RawSpan) -> UInt32 {
        bytes.withUnsafeBytes { raw in
            raw.baseAddress.map { nk_select(UInt32(NK_BEST)).pointee.crc32c(0, $0, raw.count) } ?? 0
        }
    }

    /// Magic, checksum, dimensions, and a hash of the fingerprint.
    var header: [UInt8] {
        var tail = ByteWriter(reserving: Self.headerSize)
        tail.append(UInt32(dimensions))
        let key = EmbeddingKey.Maker(fingerprint: fingerprint).key("", .passage)
        append(key, to: &tail)
        tail.append(zeros: Self.headerSize - Self.magic.count - 4 - tail.count)
        var whole = ByteWriter(reserving: Self.headerSize)
        whole.append(bytes: Self.magic)
        whole.append(Self.checksum(tail.bytes.span.bytes))
        whole.append(bytes: tail.bytes)
        return whole.bytes
    }

    private func append(_ key: EmbeddingKey, to writer: inout ByteWriter) {
        for word in [key.words.0, key.words.1, key.words.2, key.words.3] { writer.append(word) }
    }

    func append(_ value: CachedEmbedding, _ key: EmbeddingKey, to records: inout ByteWriter) {
        var body = ByteWriter(reserving: recordSize)
        body.append(UInt32(value.length.tokens) | (value.length.isTruncated ? Self.truncatedBit : 0))
        append(key, to: &body)
        body.append(floats: value.vector.span)
        records.append(Self.checksum(body.bytes.span.bytes))
        records.append(bytes: body.bytes)
    }

    /// The key of a record, or `nil` when it is not what was written.
    func key(_ record: RawSpan) -> EmbeddingKey? {
        guard
            record.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self)
                == Self.checksum(record.extracting(4...))
        else { return nil }
        func word(_ index: Int) -> UInt64 {
            record.unsafeLoadUnaligned(fromByteOffset: 8 + 8 * index, as: UInt64.self)
        }
        return EmbeddingKey((word(0), word(1), word(2), word(3)))
    }

    /// The value of a record whose key was checked.
    func value(_ record: RawSpan) -> CachedEmbedding {
        let length = record.unsafeLoadUnaligned(fromByteOffset: 4, as: UInt32.self)
        let vector = (0..<dimensions).map { index in
            record.unsafeLoadUnaligned(fromByteOffset: 8 + EmbeddingKey.size + 4 * index, as: Float.self)
        }
        return CachedEmbedding(
            vector: vector,
            length: TextLength(
                tokens: Int(length & ~Self.truncatedBit), isTruncated: length & Self.truncatedBit != 0))
    }
}
