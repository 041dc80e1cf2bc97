import NeedleCore

/// A measurement of a space under way: first a sample, then its neighbourhoods, then a search for a near duplicate of each of
/// its points. Deterministic for a seed while nobody writes.
struct QualityMeasuring: Sendable {
    let space: Int
    private let config: SpaceConfig
    private let points: Int
    private let sample: VectorSample
    private let centroid: [Float]
    private let spread: Double
    private var census: NeighbourCensus
    private var nextProbe = 0
    private var duplicates = 0

    /// Steps of some milliseconds.
    private static let rowsAtATime = 50
    private static let probesAtATime = 25
    /// Nearer than this part of the spread is a near duplicate.
    private static let near = 0.05

    /// Takes the sample.
    ///
    /// - Returns: `nil` for too few vectors.
    init?(space: Int, of collection: Collection, view: ReadView, seed: UInt64) throws(DatabaseError) {
        self.space = space
        config = collection.config.spaces[space]
        points = view.liveRows
        let wanted = collection.options.quality.sample
        let sample = try Self.sample(wanted, space: space, config, of: view, seed: seed)
        // Some of few could not be drawn.
        guard sample.count >= max(wanted * 9 / 10, NeighbourCensus.depth + 1) else { return nil }
        self.sample = sample
        centroid = sample.centroid
        spread = sample.spread(around: centroid)
        // Lengths beyond what a sum of squares can hold.
        guard spread.isFinite, sample.normDeviation.isFinite else { return nil }
        census = NeighbourCensus(rows: sample.count)
    }

    /// Random living points, each at most once.
    private static func sample(
        _ wanted: Int, space: Int, _ config: SpaceConfig, of view: ReadView, seed: UInt64
    ) throws(DatabaseError) -> VectorSample {
        var sample = VectorSample(dimension: config.size, metric: config.metric)
        let segments = view.set.newestFirst
        let ends = segments.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.visibleRows(at: view.lsn)) }
        let rows = ends[ends.count - 1]
        var generator = SeededGenerator(seed: seed)
        var drawn = Set<Int>()
        for _ in 0..<wanted * 8 where sample.count < wanted && rows > 0 {
            let number = Int.random(in: 0..<rows, using: &generator)
            guard drawn.insert(number).inserted else { continue }
            let place = (ends.firstIndex { $0 > number } ?? ends.count) - 1
            let (segment, row) = (segments[place], number - ends[place])
            guard view.isVisible(row, in: segment),
                let vector = try segment.storedVector(of: row, space: space, config)
            else { continue }
            sample.add(try segment.columns.id(of: row), vector.values)
        }
        return sample
    }

    /// - Returns: whether it is over.
    mutating func step(in collection: Collection, _ context: OperationContext) throws(DatabaseError) -> Bool {
        guard census.isOver else {
            census.step(Self.rowsAtATime, of: sample)
            return false
        }
        let end = min(sample.count, nextProbe + Self.probesAtATime)
        for row in nextProbe..<end {
            if try hasNearDuplicate(row, in: collection, context) { duplicates += 1 }
        }
        nextProbe = end
        return end == sample.count
    }

    /// Looks at what a search for the point finds: for the inner product that may miss a duplicate behind longer vectors.
    private func hasNearDuplicate(
        _ row: Int, in collection: Collection, _ context: OperationContext
    ) throws(DatabaseError) -> Bool {
        let view = collection.view()
        let id = sample.ids[row]
        // Deleted since.
        guard try view.locate(id) != nil else { return false }
        let query = SearchQuery(target: .point(id), space: config.name.isEmpty ? nil : config.name)
        for (other, _) in try collection.answer(query, context: context) {
            guard let location = try view.locate(other),
                let vector = try location.segment.storedVector(of: location.row, space: space, config),
                let seen = VectorSample.seen(vector.values, by: config.metric)
            else { continue }
            if sample.distance(row, to: seen.span) <= Self.near * spread { return true }
        }
        return false
    }

    /// What was found, beside the searches of the time.
    func result(
        comparedWith baseline: QualityRecord.Reference?, answers: AnswerFigures, atMS: Int64
    ) -> QualityRecord.Reference {
        var shift = 0.0
        if let baseline, baseline.spread > 0 {
            shift = VectorSample.distance(centroid, baseline.centroid) / baseline.spread
        }
        let figures = QualityMeasurement(
            atMS: atMS, points: points, sampled: sample.count, norm: sample.meanNorm,
            normDeviation: sample.normDeviation, centroidShift: shift,
            nearDuplicates: Double(duplicates) / Double(sample.count), coherence: census.coherence,
            hubness: census.hubness, queries: answers.queries, lowConfidence: answers.lowConfidence,
            scoreGap: answers.scoreGap, latency: answers.latency)
        return QualityRecord.Reference(
            figures: figures, centroid: centroid, spread: spread, lowScore: answers.lowScore)
    }
}
