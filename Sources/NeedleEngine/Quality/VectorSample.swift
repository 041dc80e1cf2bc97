package import NeedleCore
import NeedleVectors

/// Some vectors of a space as its metric sees them, and what can be said of them as a whole.
package struct VectorSample: Sendable {
    let dimension: Int
    package private(set) var ids: [PointID] = []
    /// Row by row; of unit length where only directions count.
    private(set) var values: [Float] = []
    /// As they were sent.
    private(set) var norms: [Double] = []
    private let metric: Metric

    package init(dimension: Int, metric: Metric) {
        self.dimension = dimension
        self.metric = metric
    }

    package var count: Int { ids.count }

    /// A vector without a direction is left out where directions count.
    package mutating func add(_ id: PointID, _ vector: [Float]) {
        precondition(vector.count == dimension)
        guard let seen = Self.seen(vector, by: metric) else { return }
        ids.append(id)
        values += seen
        norms.append(VectorNorms.norm(of: vector.span))
    }

    /// A vector as a metric sees it.
    static func seen(_ vector: [Float], by metric: Metric) -> [Float]? {
        guard metric == .cosine else { return vector }
        let norm = VectorNorms.norm(of: vector.span)
        guard norm > 0, norm.isFinite else { return nil }
        return vector.map { Float(Double($0) / norm) }
    }

    func distance(_ row: Int, to other: Span<Float>) -> Double {
        let own = values.span.extracting(row * dimension..<(row + 1) * dimension)
        return DistanceKernels.best.exactSquaredDistance(own, other).squareRoot()
    }

    func distance(_ row: Int, _ other: Int) -> Double {
        distance(row, to: values.span.extracting(other * dimension..<(other + 1) * dimension))
    }

    // MARK: As a whole

    package var centroid: [Float] {
        var sums = [Double](repeating: 0, count: dimension)
        for row in 0..<count {
            for place in 0..<dimension { sums[place] += Double(values[row * dimension + place]) }
        }
        return sums.map { Float($0 / Double(max(1, count))) }
    }

    /// Mean distance from a point.
    package func spread(around centre: [Float]) -> Double {
        (0..<count).reduce(0) { $0 + distance($1, to: centre.span) } / Double(max(1, count))
    }

    package var meanNorm: Double { norms.reduce(0, +) / Double(max(1, count)) }

    package var normDeviation: Double {
        let mean = meanNorm
        let squares = norms.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(max(1, count))).squareRoot()
    }

    static func distance(_ first: [Float], _ second: [Float]) -> Double {
        DistanceKernels.best.exactSquaredDistance(first.span, second.span).squareRoot()
    }
}

/// Who is near whom in a sample, row by row: O(rows²) distances in all.
package struct NeighbourCensus: Sendable {
    /// Neighbours that count.
    static let depth = 10

    private var next = 0
    private var nearSum = 0.0
    private var pairSum = 0.0
    /// How often each row is among the nearest of another.
    private var occurrences: [Int]

    package init(rows: Int) {
        precondition(rows > Self.depth)
        occurrences = [Int](repeating: 0, count: rows)
    }

    package var isOver: Bool { next == occurrences.count }

    package mutating func step(_ rows: Int, of sample: VectorSample) {
        for row in next..<min(next + rows, occurrences.count) {
            var others: [(distance: Double, row: Int)] = []
            others.reserveCapacity(occurrences.count)
            for other in occurrences.indices where other != row {
                let distance = sample.distance(row, other)
                pairSum += distance
                others.append((distance, other))
            }
            // Which of equal ones counts must not depend on the order: the lower row.
            others.sort { ($0.distance, $0.row) < ($1.distance, $1.row) }
            for (distance, other) in others.prefix(Self.depth) {
                nearSum += distance
                occurrences[other] += 1
            }
        }
        next = min(next + rows, occurrences.count)
    }

    /// 1 − mean distance of the nearest / mean distance of two; 0 where all lie in one place.
    package var coherence: Double {
        let rows = Double(occurrences.count)
        let pairs = pairSum / (rows * (rows - 1))
        return pairs > 0 ? 1 - nearSum / (rows * Double(Self.depth)) / pairs : 0
    }

    /// Skewness of the occurrences (Radovanović et al., Hubs in Space, JMLR 2010).
    package var hubness: Double {
        let rows = Double(occurrences.count)
        let mean = Double(Self.depth)
        let (squares, cubes) = occurrences.reduce((0.0, 0.0)) { sums, count in
            let difference = Double(count) - mean
            return (sums.0 + difference * difference, sums.1 + difference * difference * difference)
        }
        let deviation = (squares / rows).squareRoot()
        return deviation > 0 ? cubes / rows / (deviation * deviation * deviation) : 0
    }
}
