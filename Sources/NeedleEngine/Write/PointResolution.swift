import NeedleCore

/// From a client's points to stored points: spaces found, vectors checked, texts embedded and kept in the
/// payload.
///
/// Depends on the configuration only, never on what the collection holds.
struct PointResolution {
    let config: CollectionConfig
    let embedders: Embedders

    /// - Throws: an error placed within `points`.
    func resolve(_ points: [PointWrite], context: OperationContext) throws(DatabaseError) -> [StoredPoint] {
        let embedded = try embedTexts(of: points, context: context)
        var result: [StoredPoint] = []
        result.reserveCapacity(points.count)
        for (index, point) in points.enumerated() {
            do throws(DatabaseError) {
                result.append(try resolve(point, embedded: embedded[index]))
            } catch {
                throw error.prefixed("points[\(index)]")
            }
        }
        return result
    }

    /// The vectors of `point.set_vectors`. Of two points with one id both count, the last one first.
    ///
    /// - Throws: an error placed within `points`.
    func resolve(_ points: [PointVectors]) throws(DatabaseError) -> [PreparedWrite.NewVectors] {
        var result: [PreparedWrite.NewVectors] = []
        var places: [PointID: Int] = [:]
        for (index, point) in points.enumerated() {
            let vectors: [StoredVector]
            do throws(DatabaseError) {
                vectors = try given(point.vectors)
            } catch {
                throw error.prefixed("points[\(index)]")
            }
            let before = places[point.id].map { result[$0].vectors } ?? []
            let kept = before.filter { old in !vectors.contains { $0.space == old.space } }
            let all = (kept + vectors).sorted { $0.space < $1.space }
            if let place = places[point.id] {
                result[place].vectors = all
            } else {
                places[point.id] = result.count
                result.append(PreparedWrite.NewVectors(id: point.id, vectors: all))
            }
        }
        return result
    }

    /// - Parameter embedded: vectors of the point's text by the model's fingerprint; empty without a text.
    private func resolve(
        _ point: PointWrite, embedded: [String: [Float]]
    ) throws(DatabaseError) -> StoredPoint {
        var vectors = try given(point.vectors)
        for (index, space) in config.spaces.enumerated() {
            guard let model = space.modelFingerprint, let vector = embedded[model],
                !vectors.contains(where: { $0.space == index })
            else { continue }
            vectors.append(try VectorCheck(space: space, index: index).stored(vector))
        }
        guard !vectors.isEmpty else {
            throw DatabaseError(
                .invalidParams, "the point has neither a vector nor a text", at: expectedVectorKey,
                expected: config.hasSingleUnnamedSpace ? "vector" : "vectors with at least one space")
        }
        vectors.sort { $0.space < $1.space }
        return StoredPoint(
            id: point.id, expiresAt: point.expiresAt ?? 0, payload: try payload(of: point), vectors: vectors)
    }

    private var expectedVectorKey: String {
        config.hasSingleUnnamedSpace ? "vector" : "vectors"
    }

    private func given(_ vectors: VectorInput) throws(DatabaseError) -> [StoredVector] {
        switch vectors {
        case .absent:
            return []
        case .single(let values):
            guard config.spaces.count == 1 else {
                throw DatabaseError(
                    .invalidParams, "the collection has several vector spaces: name them in vectors",
                    at: "vector",
                    expected: "vectors")
            }
            return [try stored(values, space: 0, at: "vector")]
        case .named(let named):
            guard !config.hasSingleUnnamedSpace else {
                throw DatabaseError(
                    .invalidParams, "the collection has one unnamed vector space", at: "vectors",
                    expected: "vector")
            }
            var result: [StoredVector] = []
            for vector in named {
                guard let space = config.spaceIndex(named: vector.space) else {
                    throw DatabaseError(
                        .invalidParams, "the collection has no vector space \"\(vector.space)\"",
                        at: "vectors.\(vector.space)",
                        expected: config.spaces.map(\.name).joined(separator: ", "))
                }
                result.append(try stored(vector.vector, space: space, at: "vectors.\(vector.space)"))
            }
            return result
        }
    }

    private func stored(_ values: [Float], space: Int, at place: String) throws(DatabaseError) -> StoredVector
    {
        do throws(DatabaseError) {
            return try VectorCheck(space: config.spaces[space], index: space).stored(values)
        } catch {
            throw error.prefixed(place)
        }
    }

    /// Of each point that has a text one vector per model, by its fingerprint.
    private func embedTexts(
        of points: [PointWrite], context: OperationContext
    ) throws(DatabaseError) -> [[String: [Float]]] {
        var result = [[String: [Float]]](repeating: [:], count: points.count)
        let withText = points.indices.filter { points[$0].text != nil }
        guard let first = withText.first else { return result }
        guard config.spaces.contains(where: { $0.model != nil }) else {
            throw DatabaseError(
                .invalidParams, "the collection has no built-in model, so it takes no text",
                at: "points[\(first)].text", expected: expectedVectorKey)
        }
        let texts = withText.map { points[$0].text ?? "" }
        var done: Set<String> = []
        for space in config.spaces {
            guard let fingerprint = space.modelFingerprint, done.insert(fingerprint).inserted else {
                continue
            }
            let embedder = try EmbedderCheck(embedders: embedders).embedder(
                for: space, at: "points[\(first)].text")
            let batch = try embedder.embed(texts, kind: .passage, context: context)
            for (position, index) in withText.enumerated() {
                result[index][fingerprint] = batch.vectors[position]
            }
        }
        return result
    }

    /// The payload with the text under the collection's text key.
    private func payload(of point: PointWrite) throws(DatabaseError) -> [UInt8] {
        guard let text = point.text else { return point.payload.json }
        return try PayloadText.inserting(text, key: config.textKey, into: point.payload)
    }
}
