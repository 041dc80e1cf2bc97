import Foundation
import NeedleCore
import NeedleEmbedding
import Testing

/// The vectorised arithmetic against the definitions in double precision.
@Suite struct KernelTests {
    private func run(_ values: [Float], _ body: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
        var copy = values
        // swift-format-ignore: NeverForceUnwrap
        copy.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
        return copy
    }

    @Test func geluKeepsItsBound() {
        let values = stride(from: Float(-12), through: 12, by: 1.0 / 1024).map { $0 }
        let bias = [Float](repeating: 0.25, count: values.count)
        let result = run(values) { Kernels.biasGELU($0, bias: bias, rows: 1, columns: values.count) }
        var worst = 0.0
        for (value, got) in zip(values, result) {
            let x = Double(value + 0.25)
            worst = max(worst, abs(Double(got) - 0.5 * x * (1 + erf(x / 2.0.squareRoot()))))
        }
        #expect(worst < 1e-6, "\(worst)")
    }

    @Test func geluOfExtremes() {
        let values: [Float] = [-1e30, -100, 100, 1e30, 0]
        let zero = [Float](repeating: 0, count: 5)
        let result = run(values) { Kernels.biasGELU($0, bias: zero, rows: 1, columns: 5) }
        #expect(result[2...] == [100, 1e30, 0])
        // x·Φ(x) is nothing here; a rounding of Φ multiplied by x must not show.
        #expect(abs(result[0]) < 1e-6)
        #expect(abs(result[1]) < 1e-6)
    }

    @Test(arguments: [1, 2, 7, 8, 9, 16, 24, 31, 256])
    func softmaxSumsToOne(columns: Int) {
        var generator = SeededGenerator(seed: UInt64(columns))
        let values = (0..<3 * columns).map { _ in Float.random(in: -90...90, using: &generator) }
        let result = run(values) { Kernels.softmax($0, rows: 3, columns: columns) }
        for row in 0..<3 {
            let line = values[row * columns..<(row + 1) * columns].map(Double.init)
            let largest = line.max() ?? 0
            let total = line.reduce(0) { $0 + exp($1 - largest) }
            for column in 0..<columns {
                let expected = exp(line[column] - largest) / total
                #expect(abs(Double(result[row * columns + column]) - expected) < 1e-6)
            }
        }
    }

    @Test func softmaxOfEqualAndOfFarApartScores() {
        #expect(run([5, 5, 5, 5]) { Kernels.softmax($0, rows: 1, columns: 4) } == [0.25, 0.25, 0.25, 0.25])
        #expect(run([-3e38, 0]) { Kernels.softmax($0, rows: 1, columns: 2) }[1] == 1)
    }

    @Test(arguments: [1, 5, 8, 12, 384])
    func addNormIsLayerNorm(columns: Int) {
        var generator = SeededGenerator(seed: UInt64(columns))
        let draw = { (count: Int) in (0..<count).map { _ in Float.random(in: -2...2, using: &generator) } }
        let (x, y, bias) = (draw(2 * columns), draw(2 * columns), draw(columns))
        let (scale, shift) = (draw(columns), draw(columns))
        let result = run(x) { pointer in
            var other = y
            other.withUnsafeMutableBufferPointer {
                Kernels.addNorm(
                    pointer, $0.baseAddress!, bias: bias, scale: scale, shift: shift, epsilon: 1e-5, rows: 2,
                    columns: columns)
            }
        }
        for row in 0..<2 {
            let sums = (0..<columns).map { column -> Double in
                let index = row * columns + column
                return Double(x[index]) + Double(y[index]) + Double(bias[column])
            }
            let mean = sums.reduce(0, +) / Double(columns)
            let variance = sums.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
            for column in 0..<columns {
                let unit = (sums[column] - mean) / (variance + 1e-5).squareRoot()
                let expected = unit * Double(scale[column]) + Double(shift[column])
                #expect(abs(Double(result[row * columns + column]) - expected) < 1e-4)
            }
        }
    }
}
