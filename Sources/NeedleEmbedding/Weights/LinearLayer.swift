// A linear layer's parameters in the layouts that the kernels read (see nk_kernels.h): panels of 16 outputs, as
// float32 or as whole numbers of seven bits.
//
// Whole numbers: each output has a scale of its own, the greatest weight of its row over 63. Inputs are coded
// token by token while the model runs, with seven bits between their least and their greatest value. So the
// products of a layer are sums of small whole numbers, which processors multiply two to four times as fast as
// floats. What is lost stands in docs/status.md.

import CNeedleKernels

/// How the weights of linear layers are kept.
package enum WeightPrecision: String, Sendable {
    case float32
    case int8
}

/// Immutable after `init`.
struct LinearLayer: Sendable {
    let inputs: Int
    let outputs: Int
    let weights: Weights
    let bias: FloatBuffer

    enum Weights: Sendable {
        case float32(FloatBuffer)
        case int8(CodedWeights)
    }

    /// Panels of numbers -63 to 63, a scale and an offset per output.
    struct CodedWeights: Sendable {
        let panels: NumberBuffer<Int8>
        let scales: FloatBuffer
        let offsets: FloatBuffer
    }

    static let panel = Int(NK_PANEL)
    private static let largestCode: Float = 63

    /// - Parameter matrix: row-major [outputs × inputs], as PyTorch's `Linear` keeps it.
    init(_ matrix: [Float], bias: [Float], inputs: Int, precision: WeightPrecision) {
        precondition(matrix.count == inputs * bias.count, "a row of weights for every output")
        self.inputs = inputs
        outputs = bias.count
        self.bias = FloatBuffer(bias)
        switch precision {
        case .float32: weights = .float32(Self.packed(matrix, inputs: inputs, outputs: bias.count))
        case .int8: weights = .int8(Self.coded(matrix, inputs: inputs, outputs: bias.count))
        }
    }

    /// Inputs as the rows of codes have them: with zeros to the next whole group.
    static func codedInputs(_ inputs: Int) -> Int {
        let group = Int(NK_CODE_GROUP)
        return (inputs + group - 1) / group * group
    }

    private static func panels(_ outputs: Int) -> Int { (outputs + panel - 1) / panel }

    private static func packed(_ matrix: [Float], inputs: Int, outputs: Int) -> FloatBuffer {
        let result = FloatBuffer(count: panels(outputs) * panel * inputs)
        matrix.withUnsafeBufferPointer { matrix in
            for output in 0..<outputs {
                let target = result.start + output / panel * panel * inputs + output % panel
                for input in 0..<inputs { target[input * panel] = matrix[output * inputs + input] }
            }
        }
        return result
    }

    private static func coded(_ matrix: [Float], inputs: Int, outputs: Int) -> CodedWeights {
        let padded = codedInputs(inputs)
        let result = CodedWeights(
            panels: NumberBuffer(count: panels(outputs) * panel * padded),
            scales: FloatBuffer(count: outputs),
            offsets: FloatBuffer(count: outputs))
        matrix.withUnsafeBufferPointer { matrix in
            for output in 0..<outputs {
                let row = UnsafeBufferPointer(rebasing: matrix[output * inputs..<(output + 1) * inputs])
                let target = result.panels.start + output / panel * panel * padded + output % panel * 4
                let largest = row.reduce(0) { max($0, abs($1)) }
                let scale = largest / largestCode
                var sum = 0
                for input in 0..<inputs where scale > 0 {
                    let code = min(max((row[input] / scale).rounded(), -largestCode), largestCode)
                    target[input / 4 * 4 * panel + input % 4] = Int8(code)
                    sum += Int(code)
                }
                result.scales.start[output] = scale
                result.offsets.start[output] = scale * Float(sum)
            }
        }
        return result
    }
}
