// Where the centre of a space comes from.

import CNeedleKernels
import NeedleCore

extension SpaceTransform {
    /// The most rows that the centre is computed from: its error is then a hundredth of the spread of the
    /// data, which no code can tell.
    package static let sampleRows = 10_000

    /// A row longer than this many times the median length counts as one of that length, so that a few rows of
    /// a thousandfold length cannot pull the centre out of where all others are.
    static let longestInMedians = 8.0

    /// Trains a transform: the centre is the mean of the rows, or of a sample of them.
    ///
    /// Deterministic: the same rows and seed give the same bits on every processor.
    ///
    /// - Parameter rows: rows of the table that have a vector and are not wide. None at all gives the origin.
    /// - Complexity: O(`sampleRows` · d); 10,000 rows of 384 dimensions take some milliseconds.
    package convenience init(training table: VectorTable, rows: Span<UInt32>, seed: UInt64) {
        let sample = Self.sample(rows, seed: seed)
        self.init(
            dimension: table.dimension, metric: table.metric, seed: seed,
            centre: Self.mean(of: sample, in: table))
    }

    /// One row of each of `sampleRows` equal parts of the list, or all of a short list.
    private static func sample(_ rows: Span<UInt32>, seed: UInt64) -> [UInt32] {
        guard rows.count > sampleRows else { return rows.indices.map { rows[$0] } }
        var generator = SeededGenerator(seed: SeededGenerator.mix(seed))
        return (0..<sampleRows).map { part in
            let first = part * rows.count / sampleRows
            let end = (part + 1) * rows.count / sampleRows
            return rows[Int.random(in: first..<end, using: &generator)]
        }
    }

    private static func mean(of sample: [UInt32], in table: VectorTable) -> [Float] {
        let dimension = table.dimension
        let scales = scales(of: sample, in: table)
        var sums = [Double](repeating: 0, count: dimension)
        sums.withUnsafeMutableBufferPointer { sums in
            for (row, scale) in zip(sample, scales) {
                let vector = table.vector(row)
                for i in 0..<dimension { sums[i] += Double(vector[i]) * scale }
            }
        }
        let count = Double(max(1, sample.count))
        return sums.map { Float($0 / count) }
    }

    /// What each row of the sample is multiplied with: for cosine its inverse norm, else what shortens it to
    /// the longest length allowed.
    private static func scales(of sample: [UInt32], in table: VectorTable) -> [Double] {
        if let inverseNorms = table.inverseNorms {
            return sample.map { Double(inverseNorms[Int($0)]) }
        }
        let functions = DistanceKernels.best.table
        let norms = sample.map { row in
            let vector = table.vector(row)
            return functions.pointee.dot_f32_f64(vector, vector, table.dimension).squareRoot()
        }
        guard !norms.isEmpty else { return [] }
        let longest = longestInMedians * norms.sorted()[norms.count / 2]
        return norms.map { $0 > longest ? longest / $0 : 1 }
    }
}
