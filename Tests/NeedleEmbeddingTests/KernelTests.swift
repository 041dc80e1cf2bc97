import CNeedleKernels
import Foundation
import NeedleCore
import Testing

/// The encoder's kernels of every tier against the definitions in double precision, and against each other.
@Suite struct KernelTests {
    /// Every tier this processor has.
    static var tiers: [nk_kernels] {
        var found: [UInt32: nk_kernels] = [:]
        for cap in UInt32(NK_SCALAR)...UInt32(NK_AVX512_POPCNT) {
            let table = nk_select(cap).pointee
            found[table.tier] = table
        }
        return found.values.sorted { $0.tier < $1.tier }
    }

    /// Rows and weights in the kernels' layouts.
    private struct Layer {
        let rows: Int
        let inputs: Int
        let outputs: Int
        var input: [Float]
        var matrix: [Float]
        var bias: [Float]

        init(rows: Int, inputs: Int, outputs: Int, seed: UInt64) {
            (self.rows, self.inputs, self.outputs) = (rows, inputs, outputs)
            var generator = SeededGenerator(seed: seed)
            let draw = { (count: Int) in
                (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
            }
            input = draw(rows * inputs)
            matrix = draw(outputs * inputs)
            bias = draw(outputs)
        }

        var panels: [Float] {
            let wide = Int(NK_PANEL)
            return (0..<(outputs + wide - 1) / wide).flatMap { panel in
                (0..<inputs).flatMap { input in
                    (0..<wide).map { place in
                        let output = panel * wide + place
                        return output < outputs ? matrix[output * inputs + input] : 0
                    }
                }
            }
        }

        func run(_ tier: nk_kernels, activation: Int32, rows chosen: Range<Int>? = nil) -> [Float] {
            let chosen = chosen ?? 0..<rows
            // Numbers that a write beyond the row would spoil.
            var out = [Float](repeating: -77, count: chosen.count * (outputs + 3))
            input.withUnsafeBufferPointer { input in
                // swift-format-ignore: NeverForceUnwrap
                tier.linear_f32(
                    input.baseAddress! + chosen.lowerBound * inputs, inputs, chosen.count, panels, inputs,
                    outputs, bias, UInt32(activation), &out, outputs + 3)
            }
            return out
        }

        /// The sum that is GELU's argument, and how large its terms are.
        func exact(_ row: Int, _ output: Int) -> (value: Double, size: Double) {
            var (value, size) = (Double(bias[output]), abs(Double(bias[output])))
            for place in 0..<inputs {
                let term = Double(input[row * inputs + place]) * Double(matrix[output * inputs + place])
                value += term
                size += abs(term)
            }
            return (value, size)
        }
    }

    private func gelu(_ x: Double) -> Double { 0.5 * x * (1 + erf(x / 2.0.squareRoot())) }

    @Test(arguments: [
        (1, 1, 1), (1, 8, 16), (2, 33, 17), (7, 40, 48), (13, 5, 70), (25, 384, 33), (40, 97, 15),
    ])
    func linearLayers(rows: Int, inputs: Int, outputs: Int) {
        let layer = Layer(rows: rows, inputs: inputs, outputs: outputs, seed: UInt64(rows))
        for tier in Self.tiers {
            for activation in [NK_PLAIN, NK_GELU] {
                let out = layer.run(tier, activation: Int32(activation))
                for row in 0..<rows {
                    for output in 0..<outputs {
                        let (sum, size) = layer.exact(row, output)
                        let expected = activation == NK_GELU ? gelu(sum) : sum
                        let bound = Double(inputs + 2) * Double(Float.ulpOfOne) * size + 1e-6
                        let got = Double(out[row * (outputs + 3) + output])
                        #expect(abs(got - expected) <= bound, "\(String(cString: tier.name))")
                    }
                    #expect(
                        out[row * (outputs + 3) + outputs..<(row + 1) * (outputs + 3)] == [-77, -77, -77])
                }
            }
        }
    }

    @Test func aRowIsTheSameAloneAndInAnyCompany() {
        let layer = Layer(rows: 300, inputs: 384, outputs: 48, seed: 5)
        for tier in Self.tiers {
            let all = layer.run(tier, activation: Int32(NK_GELU))
            for row in [0, 1, 7, 150, 299] {
                let alone = layer.run(tier, activation: Int32(NK_GELU), rows: row..<row + 1)
                #expect(alone[..<48] == all[row * 51..<row * 51 + 48])
            }
        }
    }

    @Test func geluKeepsItsBound() {
        let values =
            stride(from: Float(-12), through: 12, by: 1.0 / 256).map { $0 } + [-1e30, -100, 100, 1e30]
        for tier in Self.tiers {
            for value in values {
                var layer = Layer(rows: 1, inputs: 1, outputs: 1, seed: 1)
                (layer.input, layer.matrix, layer.bias) = ([value], [1], [0])
                let got = Double(layer.run(tier, activation: Int32(NK_GELU))[0])
                #expect(abs(got - (value < -50 ? 0 : gelu(Double(value)))) <= 1e-6 * max(1, abs(got)))
            }
        }
    }

    /// All tiers give the scalar one's bits, also at the greatest sums that there can be.
    @Test(arguments: [(1, 8, 1), (3, 16, 16), (5, 384, 40), (9, 104, 33), (2, 1536, 17)], [false, true])
    func codedLayers(shape: (rows: Int, inputs: Int, outputs: Int), isExtreme: Bool) {
        let (rows, inputs, outputs) = shape
        var generator = SeededGenerator(seed: UInt64(inputs))
        let codes = (0..<rows * inputs).map { _ in
            isExtreme ? 127 : UInt8.random(in: 0...127, using: &generator)
        }
        let padded = (outputs + 15) / 16 * 16
        let panels = (0..<padded * inputs).map { place in
            isExtreme ? (place % 7 == 0 ? 63 : -63) : Int8.random(in: -63...63, using: &generator)
        }
        let draw = { (count: Int) in (0..<count).map { _ in Float.random(in: -1...1, using: &generator) } }
        let (scales, offsets, bias) = (draw(outputs), draw(outputs), draw(outputs))
        let (lows, steps) = (draw(rows), draw(rows))
        let results = Self.tiers.map { tier in
            var out = [Float](repeating: 0, count: rows * outputs)
            codes.withUnsafeBufferPointer { codes in
                panels.withUnsafeBufferPointer { panels in
                    Self.withFloats([scales, offsets, lows, steps]) { floats in
                        // swift-format-ignore: NeverForceUnwrap
                        tier.linear_u7s7(
                            nk_rows_u7(
                                codes: codes.baseAddress!, stride: inputs, lows: floats[2], steps: floats[3]),
                            rows,
                            nk_weights_s7(
                                panels: panels.baseAddress!, scales: floats[0], offsets: floats[1]), inputs,
                            outputs, bias, UInt32(NK_PLAIN), &out, outputs)
                    }
                }
            }
            return out
        }
        for result in results { #expect(result == results[0]) }
        for row in 0..<rows {
            for output in 0..<outputs {
                var sum = 0
                for input in 0..<inputs {
                    let place = output / 16 * inputs * 16 + input / 4 * 64 + output % 16 * 4 + input % 4
                    sum += Int(codes[row * inputs + input]) * Int(panels[place])
                }
                let expected =
                    Double(bias[output]) + Double(lows[row]) * Double(offsets[output])
                    + Double(steps[row]) * Double(scales[output]) * Double(sum)
                #expect(
                    abs(Double(results[0][row * outputs + output]) - expected) < 1e-6
                        * max(1, abs(Double(sum))))
            }
        }
    }

    private static func withFloats(_ arrays: [[Float]], _ body: ([UnsafePointer<Float>]) -> Void) {
        let pointers = arrays.map { array in
            let copy = UnsafeMutablePointer<Float>.allocate(capacity: array.count)
            copy.initialize(from: array, count: array.count)
            return copy
        }
        defer { for pointer in pointers { pointer.deallocate() } }
        body(pointers.map { UnsafePointer($0) })
    }

    @Test(arguments: [(1, 1), (2, 4), (7, 16), (24, 32), (25, 33), (70, 64)])
    func attention(length: Int, size: Int) {
        var generator = SeededGenerator(seed: UInt64(length))
        let stride = 3 * size + 1
        let rows = (0..<length * stride).map { _ in Float.random(in: -2...2, using: &generator) }
        for tier in Self.tiers {
            // What lies in the scratch does not matter.
            var scratch = [Float](repeating: .nan, count: nk_attention_scratch(length, size))
            var out = [Float](repeating: 0, count: length * size)
            rows.withUnsafeBufferPointer { rows in
                // swift-format-ignore: NeverForceUnwrap
                let q = rows.baseAddress!
                tier.attention_f32(q, q + size, q + 2 * size, stride, length, size, &scratch, &out, size)
            }
            for row in 0..<length {
                let scores = (0..<length).map { other in
                    (0..<size).reduce(0.0) {
                        $0 + Double(rows[row * stride + $1]) * Double(rows[other * stride + size + $1])
                    }
                }
                let weights = scores.map { exp($0 - (scores.max() ?? 0)) }
                let total = weights.reduce(0, +)
                for column in 0..<size {
                    let expected = (0..<length).reduce(0.0) {
                        $0 + weights[$1] / total * Double(rows[$1 * stride + 2 * size + column])
                    }
                    #expect(abs(Double(out[row * size + column]) - expected) < 2e-5)
                }
            }
        }
    }

    @Test func attentionWithScoresFarApart() {
        // One key outweighs the other by more than floats can say.
        let rows: [Float] = [1e4, 3e4, 5, 1, -3e4, 7]
        for tier in Self.tiers {
            var scratch = [Float](repeating: 0, count: nk_attention_scratch(2, 1))
            var out: [Float] = [0, 0]
            rows.withUnsafeBufferPointer { rows in
                // swift-format-ignore: NeverForceUnwrap
                let q = rows.baseAddress!
                tier.attention_f32(q, q + 1, q + 2, 3, 2, 1, &scratch, &out, 1)
            }
            #expect(out == [5, 5])
        }
    }

    @Test(arguments: [1, 5, 8, 12, 384])
    func norms(columns: Int) {
        var generator = SeededGenerator(seed: UInt64(columns))
        let draw = { (count: Int) in (0..<count).map { _ in Float.random(in: -2...2, using: &generator) } }
        let (x, y, scale, shift) = (draw(columns), draw(columns), draw(columns), draw(columns))
        for tier in Self.tiers {
            for isAdded in [false, true] {
                var result = x
                tier.norm_f32(&result, isAdded ? y : nil, scale, shift, 1e-5, columns)
                let sums = (0..<columns).map { Double(x[$0]) + (isAdded ? Double(y[$0]) : 0) }
                let mean = sums.reduce(0, +) / Double(columns)
                let variance = sums.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
                for column in 0..<columns {
                    let unit = (sums[column] - mean) / (variance + 1e-5).squareRoot()
                    let expected = unit * Double(scale[column]) + Double(shift[column])
                    #expect(abs(Double(result[column]) - expected) < 1e-4)
                }
            }
        }
    }
}
