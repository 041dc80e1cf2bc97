import NeedleCore
import NeedleVectors

/// Turns a client's vector into one that can be stored: right length, finite, not zero under cosine; derives its norm.
struct VectorCheck {
    let space: SpaceConfig
    let index: Int

    /// - Throws: `dimension_mismatch` or `invalid_vector`, placed at the vector itself.
    func stored(_ values: [Float]) throws(DatabaseError) -> StoredVector {
        guard values.count == space.size else {
            throw DatabaseError(
                .dimensionMismatch, "the vector has \(values.count) components, the space \(space.size)",
                expected: String(space.size), got: String(values.count))
        }
        if let bad = FiniteCheck.firstNonFinite(in: values.span) {
            throw DatabaseError(.invalidVector, "component \(bad) is not a finite number", at: "[\(bad)]")
        }
        let norm = VectorNorms.norm(of: values.span)
        if space.metric == .cosine, norm == 0 {
            throw DatabaseError(
                .invalidVector, "the zero vector has no direction, so it has no cosine",
                expected: "at least one component that is not zero")
        }
        return StoredVector(
            space: index, values: values,
            inverseNorm: space.metric == .cosine ? VectorNorms.inverseNorm(norm: norm) : 1,
            isWide: VectorNorms.isWide(norm: norm, metric: space.metric))
    }
}
