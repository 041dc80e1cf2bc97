// The distribution that synthetic vectors are drawn from: made to be as hard for a graph as embeddings are.
//
//     x = mean + centre(c) + spread(c) · A(c) z + noise        c by Zipf's law, z Gaussian in few dimensions
//
// A point of R^384 that a model gives has a local dimension of some tens: so z is short and A(c) is a random map. Real
// clusters overlap: the centres lie in a low-dimensional subspace of their own, as far from each other as the clusters
// are wide. Real embeddings are not centred: hence the mean. Values depend on the options only, not on the machine: the
// arithmetic is plain IEEE, in a fixed order, and no function of the C library takes part.

import NeedleCore

/// Draws rows of one distribution. Rows are independent of each other and in random order: any prefix is a sample, so
/// the first rows may serve as queries that are held out.
struct Mixture {
    struct Options: Equatable {
        var dimensions = 128
        var clusters = 100
        /// Length of z, the dimension of a cluster.
        var intrinsic = 24
        var seed: UInt64 = 1
        /// Standard deviation of a component of the noise, of which the cluster's own has 1.
        var noise: Float = 0.1
        /// Standard deviation of a component of the centres, in the same unit.
        var separation: Float = 0.6
        /// Shifted and clipped to values that are not negative, as in SIFT: the norms differ then.
        var nonnegative = false
    }

    let options: Options
    private let mean: [Float]
    private let centres: [Float]
    /// `intrinsic` columns of `dimensions` values for each cluster, column after column.
    private let maps: [Float]
    /// Where a uniform number below falls to cluster c: the cumulative shares, scaled to 2^32.
    private let bounds: [UInt64]

    init(_ options: Options) {
        self.options = options
        let d = options.dimensions
        var gaussian = GaussianSource(seed: options.seed)
        mean = (0..<d).map { _ in gaussian.next() * 0.5 }
        let base = (0..<options.intrinsic * d).map { _ in gaussian.next() }
        centres = (0..<options.clusters).flatMap { _ -> [Float] in
            let scale = options.separation / Float(options.intrinsic).squareRoot()
            let latent = (0..<options.intrinsic).map { _ in gaussian.next() * scale }
            return Self.apply(base, latent, dimensions: d)
        }
        var maps: [Float] = []
        maps.reserveCapacity(options.clusters * options.intrinsic * d)
        for _ in 0..<options.clusters {
            // Clusters are of different width, and wider in some directions than in others.
            let spread = 0.6 + 0.8 * gaussian.uniform()
            var squares: Float = 0
            let widths = (0..<options.intrinsic).map { 1 / (1 + 2 * Float($0) / Float(options.intrinsic)) }
            for width in widths { squares += width * width }
            for width in widths {
                let scale = spread * width / squares.squareRoot()
                for _ in 0..<d { maps.append(gaussian.next() * scale) }
            }
        }
        self.maps = maps
        let shares = (0..<options.clusters).map { 1 / Double($0 + 1) }
        let total = shares.reduce(0, +)
        var sum = 0.0
        bounds = shares.map { share in
            sum += share
            return UInt64(sum / total * 4_294_967_296)
        }
    }

    /// Writes row `row` to `output`, of which there must be `dimensions`. Pure: rows may be drawn in any order.
    /// O(dimensions × intrinsic).
    func draw(_ row: Int, into output: inout [Float]) {
        let d = options.dimensions
        precondition(output.count == d, "a row has as many values as the distribution has dimensions")
        var gaussian = GaussianSource(
            seed: SeededGenerator.mix(options.seed ^ SeededGenerator.mix(UInt64(row) + 1)))
        let ticket = gaussian.bits() >> 32
        let cluster = bounds.firstIndex { ticket < $0 } ?? bounds.count - 1
        for i in 0..<d { output[i] = mean[i] + centres[cluster * d + i] + gaussian.next() * options.noise }
        maps.withUnsafeBufferPointer { maps in
            for column in 0..<options.intrinsic {
                let z = gaussian.next()
                let map = UnsafeBufferPointer(
                    rebasing: maps[((cluster * options.intrinsic + column) * d)...].prefix(d))
                for i in 0..<d { output[i] += z * map[i] }
            }
        }
        if options.nonnegative {
            for i in 0..<d { output[i] = max(0, output[i] + 1) * 32 }
        }
    }

    private static func apply(_ columns: [Float], _ latent: [Float], dimensions: Int) -> [Float] {
        (0..<dimensions).map { i in
            var sum: Float = 0
            for (column, z) in latent.enumerated() { sum += z * columns[column * dimensions + i] }
            return sum
        }
    }
}
