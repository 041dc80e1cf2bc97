import NeedleCore

/// Which model fills a space, and whether it is the one the space was made with (invariant 10).
struct EmbedderCheck {
    let embedders: Embedders

    /// The model that a request asks for.
    ///
    /// - Throws: `invalid_params` when it is not loaded.
    func named(_ model: String, at place: String) throws(DatabaseError) -> any TextEmbedder {
        guard let first = embedders.first else { throw Self.noModel(at: place) }
        if let embedder = embedders.named(model) { return embedder }
        throw DatabaseError(
            .invalidParams, "the server has no model \"\(model)\"", at: place,
            expected: embedders.all.count == 1
                ? first.model.name : embedders.all.map(\.model.name).joined(separator: ", "), got: model)
    }

    /// The model that a space was made with.
    ///
    /// - Throws: `invalid_params` when no model is loaded, `model_mismatch` when others are.
    func embedder(for space: SpaceConfig, at place: String) throws(DatabaseError) -> any TextEmbedder {
        guard let first = embedders.first else { throw Self.noModel(at: place) }
        guard let fingerprint = space.modelFingerprint else { return first }
        if let embedder = embedders.all.first(where: { $0.model.fingerprint == fingerprint }) {
            return embedder
        }
        throw DatabaseError(
            .modelMismatch, "the collection was made with another model than the server has loaded",
            at: place,
            expected: "\(space.model ?? "") (\(fingerprint))",
            got: "\(first.model.name) (\(first.model.fingerprint))")
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
