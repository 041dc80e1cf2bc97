import NeedleCore

extension SearchTarget {
    /// Stored points that the search is made of, and that must not find themselves.
    var points: [PointID] {
        switch self {
        case .vector, .text: []
        case .point(let id): [id]
        case .examples(let positive, let negative): positive + negative
        }
    }
}

extension Collection {
    /// The vector to search for what is like some points and unlike others: the mean of the first, moved away from the
    /// mean of the second by as much as they differ (Rocchio, 1971, with equal weights). For cosine every example
    /// counts alike, whatever its length.
    func vector(
        likest positive: [PointID], unlike negative: [PointID], space: Int, view: ReadView
    ) throws(DatabaseError) -> [Float] {
        let liked = try mean(of: positive, space: space, view: view, at: "positive")
        var target = liked
        if !negative.isEmpty {
            let disliked = try mean(of: negative, space: space, view: view, at: "negative")
            for i in target.indices { target[i] += liked[i] - disliked[i] }
        }
        let values = target.map { Float($0) }
        do throws(DatabaseError) {
            return try VectorCheck(space: config.spaces[space], index: space).stored(values).values
        } catch {
            throw DatabaseError(
                .invalidParams, "the examples make no vector to search for: \(error.message)", at: "positive")
        }
    }

    private func mean(
        of ids: [PointID], space: Int, view: ReadView, at key: String
    ) throws(DatabaseError) -> [Double] {
        let config = config.spaces[space]
        var sum = [Double](repeating: 0, count: config.size)
        for (index, id) in ids.enumerated() {
            let vector = try vector(of: id, space: space, view: view, at: "\(key)[\(index)]")
            // Wide vectors are stored too: their squares leave the range of a float.
            let length = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            let weight = config.metric == .cosine ? 1 / length : 1
            for i in sum.indices { sum[i] += Double(vector[i]) * weight }
        }
        return sum.map { $0 / Double(ids.count) }
    }
}
