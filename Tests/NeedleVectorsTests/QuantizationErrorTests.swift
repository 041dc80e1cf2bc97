import NeedleCore
import NeedleVectors
import Testing

/// How far estimated distances are from the true ones, on data of every shape.
///
/// Errors are root mean squares over pairs of a query and a row, in the product of the lengths of what was
/// coded (centred vectors), times √d. Rounding seven bits of a row and eight of a query gives about 0.016.
@Suite struct QuantizationErrorTests {
    /// Errors of estimates on one table, and what single precision cannot hold of a distance anyway.
    private struct ErrorMeter {
        let coded: CodedTable
        let lengths: [Double]
        let centre: Double
        private(set) var squares = 0.0
        private(set) var count = 0

        init(_ coded: CodedTable) {
            self.coded = coded
            lengths = (0..<coded.rowCount).map { length(coded.transformed($0)) }
            centre =
                coded.quantizer.transform.metric == .euclid
                ? 0 : length(coded.quantizer.transform.centre)
        }

        /// - Parameter own: the length of the centred query.
        mutating func add(_ estimate: Float, exact: Double, own: Double, row: Int) {
            let parts = (own + centre) * (own + centre) + (lengths[row] + centre) * (lengths[row] + centre)
            let error = max(0, abs(Double(estimate) - exact) - 5e-7 * parts)
            let scale = own * lengths[row] * Double(-coded.quantizer.multiplier)
            squares += error * error / max(scale * scale, .leastNormalMagnitude)
            count += 1
        }

        var result: Double {
            (squares / Double(count) * Double(coded.layout.dimension)).squareRoot()
        }
    }

    private func measuredError(_ coded: CodedTable, _ queries: [[Float]]) -> Double {
        var meter = ErrorMeter(coded)
        for vector in queries {
            let query = coded.query(vector)
            let prepared = coded.quantizer.prepare(query)
            let own = length((0..<coded.layout.dimension).map { prepared.rotated[$0] })
            for row in 0..<coded.rowCount {
                meter.add(
                    coded.distance(row, to: prepared), exact: coded.exact(row, to: query), own: own, row: row)
            }
        }
        return meter.result
    }

    @Test(arguments: DataShape.allCases, Metric.allCases)
    func int8(shape: DataShape, metric: Metric) throws {
        for dimension in [1, 2, 3, 31, 64, 100, 384, 1536] {
            let count = dimension > 400 ? 24 : 60
            let coded = try CodedTable(
                shape.vectors(count, dimension: dimension, seed: 11), metric: metric, kind: .int8)
            let error = measuredError(coded, shape.vectors(4, dimension: dimension, seed: 12))
            #expect(error <= 0.023, "\(dimension) dimensions")
        }
    }

    /// Two rows: each has seven bits, so the error is √2 times that of a row.
    @Test(arguments: DataShape.allCases, Metric.allCases)
    func twoRows(shape: DataShape, metric: Metric) throws {
        for dimension in [1, 2, 3, 31, 64, 100, 384, 1536] {
            let rows = shape.vectors(20, dimension: dimension, seed: 13)
            let coded = try CodedTable(rows, metric: metric, kind: .int8)
            var meter = ErrorMeter(coded)
            for own in rows.indices {
                let query = coded.query(rows[own])
                for row in rows.indices {
                    meter.add(
                        coded.distance(own, toRow: row), exact: coded.exact(row, to: query),
                        own: meter.lengths[own], row: row)
                }
            }
            #expect(meter.result <= 0.03, "\(dimension) dimensions")
        }
    }

    /// The order of the pair does not matter beyond rounding.
    @Test(arguments: Metric.allCases)
    func twoRowsAreSymmetric(metric: Metric) throws {
        let coded = try CodedTable(
            DataShape.clustered.vectors(20, dimension: 100, seed: 14), metric: metric, kind: .int8)
        for a in 0..<20 {
            for b in 0..<a {
                let (one, other) = (coded.distance(a, toRow: b), coded.distance(b, toRow: a))
                let size = length(coded.transformed(a)) * length(coded.transformed(b))
                #expect(Double(abs(one - other)) <= 1e-5 * max(1, size))
            }
        }
    }

    /// The error that the paper states, over the rotations: for one of them, data along few directions may have
    /// more or less.
    @Test(arguments: DataShape.allCases, Metric.allCases)
    func binary(shape: DataShape, metric: Metric) throws {
        for dimension in [64, 100, 384] {
            let rows = shape.vectors(40, dimension: dimension, seed: 11)
            let queries = shape.vectors(4, dimension: dimension, seed: 12)
            var squares = 0.0
            for seed: UInt64 in 0..<8 {
                let coded = try CodedTable(rows, metric: metric, kind: .binary, seed: seed)
                let error = measuredError(coded, queries)
                squares += error * error
            }
            let error = (squares / 8).squareRoot()
            #expect(error <= 0.85, "\(dimension) dimensions")
        }
    }
}
