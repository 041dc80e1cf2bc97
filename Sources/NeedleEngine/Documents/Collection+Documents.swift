package import NeedleCore

extension Collection {
    /// A document's chunks by index; none of one that is not there, or is empty.
    package func document(
        _ id: String, selection: PointSelection, context: OperationContext
    ) throws(DatabaseError) -> [PointRecord] {
        let view = view()
        let reader = RecordReader(config: config, selection: selection, lsn: view.lsn)
        var points: [PointRecord] = []
        for chunk in try view.chunks(of: Array(id.utf8)) {
            try context.check()
            points.append(try reader.record(chunk.location.row, of: chunk.location.segment))
        }
        return points
    }

    func prepareDocuments(
        _ documents: [DocumentWrite], sizes: ChunkSizes, context: OperationContext
    ) throws(DatabaseError) -> PreparedDocuments {
        let filled = config.spaces.filter { $0.model != nil }
        guard let space = filled.first else {
            throw DatabaseError(
                .invalidParams, "the collection has no built-in model, so it takes no documents",
                at: "documents", expected: "point.upsert with vectors")
        }
        guard filled.allSatisfy({ $0.modelFingerprint == space.modelFingerprint }) else {
            throw DatabaseError(
                .invalidParams, "the collection's spaces have several models, which cut texts differently",
                at: "documents", expected: "one model")
        }
        let embedder = try EmbedderCheck(embedders: options.embedders).embedder(for: space, at: "documents")
        let preparation = DocumentPreparation(
            config: config, limits: options.limits, embedder: embedder, view: view(),
            now: clock.wallMilliseconds())
        return try preparation.prepare(documents, sizes: sizes, context: context)
    }
}
