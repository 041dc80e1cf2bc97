import NeedleCore

extension WriteResolution {
    /// The chunks that differ from what is stored are written, those that are no more are deleted.
    func upsert(_ prepared: PreparedDocuments, context: OperationContext) throws(DatabaseError)
        -> ResolvedWrite
    {
        var result = ResolvedWrite()
        for document in prepared.documents {
            try context.check()
            var stored: [Int: StoredChunk] = [:]
            for chunk in try view.chunks(of: document.id) { stored[chunk.id.index] = chunk }
            for (index, point) in document.chunks.enumerated() {
                let before = stored.removeValue(forKey: index)
                if let before, try isSame(point, before.location) { continue }
                result.rows.append(point)
            }
            result.deletions += stored.keys.sorted().map {
                ChunkID(document: document.id, index: $0).pointID
            }
        }
        result.created = prepared.embedded
        result.updated = prepared.chunks - prepared.embedded
        result.deleted = result.deletions.count
        return result
    }

    /// Whether the stored point is this one, but for the time at which it was embedded: equal content hashes stand for
    /// equal vectors.
    private func isSame(_ point: StoredPoint, _ location: ReadView.Location) throws(DatabaseError) -> Bool {
        guard location.segment.columns.expiry(of: location.row) == 0 else { return false }
        let payload = try location.segment.payload(of: location.row, at: view.lsn)
        return ChunkPayload.withoutTime(payload).elementsEqual(ChunkPayload.withoutTime(point.payload))
    }

    func deleteDocuments(
        _ documents: [[UInt8]], context: OperationContext
    ) throws(DatabaseError) -> ResolvedWrite {
        var result = ResolvedWrite()
        var seen = Set<[UInt8]>()
        for document in documents where seen.insert(document).inserted {
            try context.check()
            result.deletions += try view.chunks(of: document).map(\.id.pointID)
        }
        result.deleted = result.deletions.count
        return result
    }
}
