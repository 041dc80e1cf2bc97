import NeedleCore

// What the log holds of a write: effects, not intentions (invariant 2). A write is a run of frames with one
// LSN: any number of row and deletion frames, closed by one summary frame that commits it
// (docs/format/log.md, "Bodies"). No frame needs the whole write: rows and ids are cut into frames of about a
// mebibyte (invariant 3). The first byte of a body is its kind; the log itself does not look inside.

/// The kinds of frame bodies the engine writes. Raw values are on disk: never change them.
enum EffectKind: UInt8 {
    /// u32 count, then the points that take the place of whatever had their ids.
    case rows = 1
    /// u32 count, then the ids that are gone.
    case deletions = 2
    /// What the write answered: exact counts and its op_key.
    case summary = 3
    /// The definition of a field index, as JSON.
    case createIndex = 4
    /// The key of an index that is dropped.
    case dropIndex = 5
    /// u32 count, a change of payloads, then the ids whose payloads it changes.
    case payloads = 6
}

/// What a write answered, kept so that a repeat of its `op_key` answers the same, also after a restart.
struct WriteSummary: Hashable, Sendable {
    var created: Int
    var updated: Int
    var deleted: Int
    var opKey: [UInt8]?
}

/// A decoded frame body.
enum Effect {
    case rows([StoredPoint])
    case deletions([PointID])
    case summary(WriteSummary)
    case index(FieldIndexChange)
    case payloads(PayloadChange, [PointID])
}

/// Encodes and decodes frame bodies.
struct EffectCodec {
    let config: CollectionConfig

    /// A body is closed when it has grown to this many bytes; one point may exceed it.
    static let targetBytes = 1 << 20

    // MARK: Encoding

    /// Row frames for these points, in order.
    func encode(rows points: [StoredPoint]) -> [[UInt8]] {
        Self.encode(points, kind: .rows) { point, writer in
            writer.append(id: point.id)
            writer.append(point.expiresAt)
            writer.append(UInt32(point.payload.count))
            writer.append(bytes: point.payload)
            writer.append(UInt16(point.vectors.count))
            for vector in point.vectors {
                writer.append(UInt16(vector.space))
                writer.append(floats: vector.values.span)
            }
        }
    }

    func encode(deletions ids: [PointID]) -> [[UInt8]] {
        Self.encode(ids, kind: .deletions) { id, writer in writer.append(id: id) }
    }

    /// Frames for one change of the payloads of some points: each repeats the change.
    func encode(_ change: PayloadChange, ids: [PointID]) -> [[UInt8]] {
        Self.encode(ids, kind: .payloads, head: PayloadChangeCodec.encode(change)) { id, writer in
            writer.append(id: id)
        }
    }

    func encode(_ summary: WriteSummary) -> [UInt8] {
        var writer = ByteWriter(reserving: 96)
        writer.append(EffectKind.summary.rawValue)
        writer.append(UInt64(summary.created))
        writer.append(UInt64(summary.updated))
        writer.append(UInt64(summary.deleted))
        writer.append(UInt8(summary.opKey == nil ? 0 : 1))
        writer.append(counted: summary.opKey ?? [])
        return writer.bytes
    }

    func encode(_ change: FieldIndexChange) -> [UInt8] {
        switch change {
        case .create(let definition):
            [EffectKind.createIndex.rawValue] + FieldIndexCodec.encode(definition)
        case .drop(let path): [EffectKind.dropIndex.rawValue] + Array(path.text.utf8)
        }
    }

    private static func encode<Item>(
        _ items: [Item], kind: EffectKind, head: [UInt8] = [],
        _ append: (Item, inout ByteWriter) -> Void
    ) -> [[UInt8]] {
        var bodies: [[UInt8]] = []
        var writer = ByteWriter()
        var count = 0
        for (index, item) in items.enumerated() {
            if count == 0 {
                writer = ByteWriter(reserving: index == 0 ? 4096 : targetBytes)
                writer.append(kind.rawValue)
                writer.append(UInt32(0))
                writer.append(bytes: head)
            }
            append(item, &writer)
            count += 1
            if writer.count - head.count >= targetBytes || index == items.count - 1 {
                writer.patch(UInt32(count), at: 1)
                bodies.append(writer.bytes)
                count = 0
            }
        }
        return bodies
    }

    // MARK: Decoding

    /// - Throws: `corruption` when the body is not one of ours although its checksum held.
    func decode(_ body: RawSpan, file: String) throws(DatabaseError) -> Effect {
        var reader = ByteReader(body, file: file)
        let kind = try reader.readUInt8()
        switch EffectKind(rawValue: kind) {
        case .rows:
            let points = try decodeItems(&reader) { (reader) throws(DatabaseError) in try point(&reader) }
            return .rows(points)
        case .deletions:
            return .deletions(
                try decodeItems(&reader) { (reader) throws(DatabaseError) in try reader.readPointID() })
        case .summary:
            let summary = try Self.summary(&reader)
            try reader.expectEnd()
            return .summary(summary)
        case .createIndex:
            let definition = try FieldIndexCodec.decode(try reader.readBytes(body.byteCount - 1), file: file)
            return .index(.create(definition))
        case .dropIndex:
            let key = String(decoding: try reader.readBytes(body.byteCount - 1), as: UTF8.self)
            do throws(DatabaseError) {
                return .index(.drop(try FieldPath(parsing: key)))
            } catch {
                throw reader.damage(error.message)
            }
        case .payloads:
            let count = Int(try reader.readUInt32())
            let change = try PayloadChangeCodec.decode(&reader)
            let ids = try decodeItems(count, &reader) { (reader) throws(DatabaseError) in
                try reader.readPointID()
            }
            return .payloads(change, ids)
        case nil:
            throw reader.damage("unknown frame kind \(kind)")
        }
    }

    private func decodeItems<Item>(
        _ reader: inout ByteReader, _ read: (inout ByteReader) throws(DatabaseError) -> Item
    ) throws(DatabaseError) -> [Item] {
        try decodeItems(Int(try reader.readUInt32()), &reader, read)
    }

    private func decodeItems<Item>(
        _ count: Int, _ reader: inout ByteReader, _ read: (inout ByteReader) throws(DatabaseError) -> Item
    ) throws(DatabaseError) -> [Item] {
        var items: [Item] = []
        items.reserveCapacity(min(count, 10_000))
        for _ in 0..<count { items.append(try read(&reader)) }
        try reader.expectEnd()
        return items
    }

    private func point(_ reader: inout ByteReader) throws(DatabaseError) -> StoredPoint {
        let id = try reader.readPointID()
        let expiresAt = try reader.readInt64()
        let payload = try reader.readBytes(Int(try reader.readUInt32()))
        var vectors: [StoredVector] = []
        for _ in 0..<(try reader.readUInt16()) {
            let space = Int(try reader.readUInt16())
            guard space < config.spaces.count else { throw reader.damage("vector of unknown space \(space)") }
            let values = try reader.readFloats(config.spaces[space].size)
            do throws(DatabaseError) {
                vectors.append(try VectorCheck(space: config.spaces[space], index: space).stored(values))
            } catch {
                throw reader.damage("a logged vector is refused: \(error.message)")
            }
        }
        return StoredPoint(id: id, expiresAt: expiresAt, payload: payload, vectors: vectors)
    }

    private static func summary(_ reader: inout ByteReader) throws(DatabaseError) -> WriteSummary {
        let created = try reader.readUInt64()
        let updated = try reader.readUInt64()
        let deleted = try reader.readUInt64()
        let hasKey = try reader.readUInt8() != 0
        let key = try reader.readCounted(limit: 64)
        return WriteSummary(
            created: Int(clamping: created), updated: Int(clamping: updated), deleted: Int(clamping: deleted),
            opKey: hasKey ? key : nil)
    }
}
