import NeedleCore

/// Builds records from rows: what a client gets back of a point.
struct RecordReader {
    let config: CollectionConfig
    let selection: PointSelection
    /// What the reader may see of changed payloads.
    let lsn: LSN

    func record(_ row: Int, of segment: any Segment) throws(DatabaseError) -> PointRecord {
        let columns = segment.columns
        let expiry = columns.expiry(of: row)
        return PointRecord(
            id: try columns.id(of: row), version: segment.version(of: row, at: lsn),
            expiresAt: expiry == 0 ? nil : expiry,
            payload: try payload(row, of: segment),
            vectors: selection.withVector ? try vectors(row, of: segment) : nil)
    }

    private func payload(_ row: Int, of segment: any Segment) throws(DatabaseError) -> Payload? {
        if case .none = selection.payload { return nil }
        let bytes = try segment.payload(of: row, at: lsn)
        guard bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}") else {
            throw .corruption(
                file: segment.columns.origin, offset: 0, what: "payload of row \(row) is no object")
        }
        let whole = Payload(compactJSON: Array(bytes))
        guard case .keys(let keys) = selection.payload else { return whole }
        return try Self.selecting(keys, of: whole, origin: segment.columns.origin)
    }

    private func vectors(_ row: Int, of segment: any Segment) throws(DatabaseError) -> [NamedVector] {
        var vectors: [NamedVector] = []
        for index in config.spaces.indices {
            let space = segment.space(index)
            guard space.columns.hasVector(row) else { continue }
            try space.verifyVectors(of: row..<(row + 1))
            vectors.append(
                NamedVector(space: config.spaces[index].name, vector: Array(space.columns.vector(of: row))))
        }
        return vectors
    }

    /// The payload with only these top-level keys, in its own order and to the digit.
    static func selecting(_ keys: [String], of payload: Payload, origin: String) throws(DatabaseError)
        -> Payload
    {
        do throws(JSONError) {
            var writer = JSONWriter(reservingCapacity: 256)
            writer.beginObject()
            var reader = JSONReader(payload.json.span)
            var members = try reader.beginObject()
            while let key = try reader.nextKey(&members) {
                let name = key.utf8
                let start = reader.position.offset
                try reader.skipValue()
                guard keys.contains(where: { $0.utf8.elementsEqual(name) }) else { continue }
                writer.key(utf8: name.span)
                writer.writeRaw(payload.json.span.extracting(start..<reader.position.offset))
            }
            writer.endObject()
            return Payload(compactJSON: writer.take())
        } catch {
            throw .corruption(
                file: origin, offset: error.offset, what: "stored payload is not JSON: \(error.message)")
        }
    }
}
