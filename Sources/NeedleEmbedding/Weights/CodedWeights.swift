// Weights of a linear layer as whole numbers of seven bits.
//
// Each output has a scale of its own, the greatest weight of its row over 63. Inputs are coded token by token while
// the model runs, with seven bits between their least and their greatest value. So the products of a layer are
// sums of small whole numbers, which processors multiply two to four times as fast as floats. What is lost stands
// in docs/status.md.
//
// A few inputs of BERT's layers are far larger than all others, and would leave those few of the 128 codes. Where
// inputs come from a norm, its shift and scale tell which: the shift is taken off the inputs (and its product with
// the weights put into the bias), and part of the scale is moved from the inputs into the weights (SmoothQuant:
// Xiao et al., 2022, with the norm's scale in place of measured activations).

import CNeedleKernels

/// Panels of numbers -63 to 63, a scale and an offset per output. Immutable after `init`.
struct CodedWeights: Sendable {
    let panels: NumberBuffer<Int8>
    let scales: FloatBuffer
    let offsets: FloatBuffer
    /// What is done to inputs before they are coded.
    let smoothing: InputSmoothing?

    private static let largestCode: Float = 63

    init(_ matrix: [Float], inputs: Int, outputs: Int, smoothing: InputSmoothing?) {
        let padded = Self.codedInputs(inputs)
        let panel = LinearLayer.panel
        panels = NumberBuffer(count: LinearLayer.panels(outputs) * panel * padded)
        scales = FloatBuffer(count: outputs)
        offsets = FloatBuffer(count: outputs)
        self.smoothing = smoothing
        matrix.withUnsafeBufferPointer { matrix in
            for output in 0..<outputs {
                let row = UnsafeBufferPointer(rebasing: matrix[output * inputs..<(output + 1) * inputs])
                let target = panels.start + output / panel * panel * padded + output % panel * 4
                let largest = row.reduce(0) { max($0, abs($1)) }
                let scale = largest / Self.largestCode
                var sum = 0
                for input in 0..<inputs where scale > 0 {
                    let code = min(max((row[input] / scale).rounded(), -Self.largestCode), Self.largestCode)
                    target[input / 4 * 4 * panel + input % 4] = Int8(code)
                    sum += Int(code)
                }
                scales.start[output] = scale
                offsets.start[output] = scale * Float(sum)
            }
        }
    }

    /// Inputs as the rows of codes have them: with zeros to the next whole group.
    static func codedInputs(_ inputs: Int) -> Int {
        let group = Int(NK_CODE_GROUP)
        return (inputs + group - 1) / group * group
    }
}

/// Inputs become (input - shift) * factor, each with its own two numbers. Immutable after `init`.
struct InputSmoothing: Sendable {
    let shifts: FloatBuffer
    let factors: FloatBuffer

    /// Changes weights and bias so that the layer still computes the same.
    ///
    /// - Parameter matrix: row-major [outputs × inputs].
    init(_ norm: BertWeights.Norm, _ matrix: inout [Float], _ bias: inout [Float]) {
        let inputs = norm.scale.count
        shifts = FloatBuffer(count: inputs)
        factors = FloatBuffer(count: inputs)
        var largest = [Float](repeating: 0, count: inputs)
        for output in bias.indices {
            var sum = Double(bias[output])
            for input in 0..<inputs {
                let weight = matrix[output * inputs + input]
                largest[input] = max(largest[input], abs(weight))
                sum += Double(weight) * Double(norm.shift.start[input])
            }
            bias[output] = Float(sum)
        }
        for input in 0..<inputs {
            // The geometric mean of what would even out the inputs and what would even out the weights.
            let scale = abs(norm.scale.start[input])
            let divisor = scale > 0 && largest[input] > 0 ? (scale / largest[input]).squareRoot() : 1
            shifts.start[input] = norm.shift.start[input]
            factors.start[input] = 1 / divisor
            for output in bias.indices { matrix[output * inputs + input] *= divisor }
        }
    }

    /// `target` ← the smoothed row.
    func apply(_ row: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
        for input in 0..<shifts.count {
            target[input] = (row[input] - shifts.start[input]) * factors.start[input]
        }
    }
}
