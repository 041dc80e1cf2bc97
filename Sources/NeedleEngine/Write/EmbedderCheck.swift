import NeedleCore

/// Which model answers for a collection, and whether it is the one the collection was made with (invariant
/// 10).
struct EmbedderCheck {
    let embedder: (any TextEmbedder)?

    /// - Throws: `invalid_params` when no model is loaded, `model_mismatch` when it is another one.
    func embedder(for config: CollectionConfig, at place: String) throws(DatabaseError) -> any TextEmbedder {
        guard let embedder else { throw Self.noModel(at: place) }
        for space in config.spaces {
            guard let fingerprint = space.modelFingerprint else { continue }
            guard embedder.model.fingerprint == fingerprint else {
                throw DatabaseError(
                    .modelMismatch,
                    "the collection was made with another model than the one the server has loaded",
                    at: place,
                    expected: "\(space.model ?? "") (\(fingerprint))",
                    got: "\(embedder.model.name) (\(embedder.model.fingerprint))")
            }
        }
        return embedder
    }

    /// Checks what a request says about the model against what the spaces were made with.
    ///
    /// A space without a model takes vectors from anywhere: naming a model there is a mismatch only with
    /// itself.
    func check(_ named: String?, space: SpaceConfig) throws(DatabaseError) {
        guard let named, let model = space.model else { return }
        guard named == model || named == space.modelFingerprint else {
            throw DatabaseError(
                .modelMismatch, "the space's vectors come from another model", at: "model",
                expected: "\(model) (\(space.modelFingerprint ?? "unknown"))", got: named)
        }
    }

    static func noModel(at place: String) -> DatabaseError {
        DatabaseError(
            .invalidParams,
            "the server has no embedding model: run scripts/fetch-model and start it again, or send vectors",
            at: place, expected: "vectors")
    }
}
