package import NeedleCore

/// What is kept of a space's quality: a baseline, the newest measurement with what is needed to make it the baseline, and
/// the figures between.
package struct QualityRecord: Hashable, Sendable {
    /// A measurement that others can be compared with.
    package struct Reference: Hashable, Sendable {
        package var figures: QualityMeasurement
        package var centroid: [Float]
        /// Mean distance of the sample from its centroid.
        package var spread: Double
        /// What only a twentieth of the searches did worse than; `nil` until there were enough.
        package var lowScore: Double?

        package init(
            figures: QualityMeasurement, centroid: [Float], spread: Double, lowScore: Double? = nil
        ) {
            self.figures = figures
            self.centroid = centroid
            self.spread = spread
            self.lowScore = lowScore
        }
    }

    package var baseline: Reference?
    package var newest: Reference?
    /// By time; the newest is the last.
    package private(set) var history: [QualityMeasurement] = []

    /// Measurements kept. When there are so many, every second one of the older half goes: what is far back is there,
    /// with fewer points.
    package static let most = 256
    /// For so long a collection that has doubled is one that is being filled, and gets another baseline.
    package static let fillingMS: Int64 = 24 * 3_600_000

    package init(
        baseline: Reference? = nil, newest: Reference? = nil, history: [QualityMeasurement] = []
    ) {
        self.baseline = baseline
        self.newest = newest
        self.history = history
    }

    /// Whether a measurement of so many points at this time is the new baseline.
    func isBaseline(points: Int, atMS: Int64) -> Bool {
        guard let baseline else { return true }
        return atMS - baseline.figures.atMS < Self.fillingMS && points >= 2 * baseline.figures.points
    }

    package mutating func add(_ measured: Reference) {
        if isBaseline(points: measured.figures.points, atMS: measured.figures.atMS) {
            baseline = measured
        } else if baseline?.lowScore == nil {
            baseline?.lowScore = measured.lowScore
        }
        newest = measured
        history.append(measured.figures)
        guard history.count >= Self.most else { return }
        history = history.enumerated().filter { $0.offset >= Self.most / 2 || $0.offset % 2 == 0 }.map(
            \.element)
    }

    /// From now on, what was measured last is how it should be.
    package mutating func accept() {
        guard var accepted = newest else { return }
        accepted.figures.centroidShift = 0
        newest = accepted
        baseline = accepted
    }
}
