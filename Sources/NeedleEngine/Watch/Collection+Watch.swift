import NeedleCore

extension Collection {
    /// Shows a write's vectors to the watches of their spaces.
    ///
    /// - Parameter isNamed: by point, whether its vectors come from the built-in model, or the request named one.
    func watch(_ points: some Sequence<(vectors: [StoredVector], isNamed: Bool)>) {
        for (index, watch) in watches.enumerated() where watch.claimsSeed() {
            watch.learn(storedVectors(space: index))
        }
        for point in points {
            for vector in point.vectors {
                let watch = watches[vector.space]
                if point.isNamed { watch.learn([vector]) } else { watch.look(at: [vector]) }
            }
        }
    }

    /// Some vectors of the oldest segment, evenly spread; none that cannot be read.
    private func storedVectors(space index: Int) -> [StoredVector] {
        let view = view()
        guard let segment = view.set.newestFirst.last else { return [] }
        let rows = segment.visibleRows(at: view.lsn)
        let step = max(1, rows / ModelWatch.baselineCount)
        var vectors: [StoredVector] = []
        for row in stride(from: 0, to: rows, by: step) where view.isVisible(row, in: segment) {
            if let vector = try? segment.storedVector(of: row, space: index, config.spaces[index]) {
                vectors.append(vector)
            }
        }
        return vectors
    }

    /// What the watches say, for `server.health`.
    var reasonsOfTheWatch: [String] { watches.compactMap(\.reason) }
}
