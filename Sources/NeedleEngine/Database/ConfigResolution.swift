import NeedleCore

/// Completes a configuration that a client asked for: sizes and fingerprints of spaces that a model fills.
struct ConfigResolution {
    let embedders: Embedders
    let limits: Limits

    /// - Throws: an error placed within `vectors`.
    func resolve(_ config: CollectionConfig) throws(DatabaseError) -> CollectionConfig {
        guard config.spaces.count <= limits.spaces else {
            throw DatabaseError(
                .limitExceeded, "a collection has at most \(limits.spaces) vector spaces", at: "vectors",
                got: String(config.spaces.count))
        }
        var result = config
        for index in result.spaces.indices {
            let name = result.spaces[index].name
            do throws(DatabaseError) {
                result.spaces[index] = try resolve(result.spaces[index])
            } catch {
                throw error.prefixed(name.isEmpty ? "vectors" : "vectors.\(name)")
            }
        }
        return result
    }

    private func resolve(_ space: SpaceConfig) throws(DatabaseError) -> SpaceConfig {
        var space = space
        if let model = space.model {
            let loaded = try EmbedderCheck(embedders: embedders).named(model, at: "model").model
            guard space.size == 0 || space.size == loaded.dimensions else {
                throw DatabaseError(
                    .dimensionMismatch, "the model gives vectors of another size", at: "size",
                    expected: String(loaded.dimensions), got: String(space.size))
            }
            space.size = loaded.dimensions
            space.model = loaded.name
            space.modelFingerprint = loaded.fingerprint
        }
        guard (1...limits.dimensions).contains(space.size) else {
            throw DatabaseError(
                .invalidParams, "a vector space has 1 to \(limits.dimensions) dimensions", at: "size",
                expected: "1 … \(limits.dimensions)", got: String(space.size))
        }
        return space
    }
}
