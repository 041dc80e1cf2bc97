// A linear layer's parameters in the layouts that the kernels read (see nk_kernels.h): panels of 16 outputs, as
// float32 or as whole numbers of seven bits (CodedWeights).

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

    static let panel = Int(NK_PANEL)

    /// - Parameters:
    ///   - matrix: row-major [outputs × inputs], as PyTorch's `Linear` keeps it.
    ///   - norm: the one that its inputs come from, if they do.
    init(
        _ matrix: [Float], bias: [Float], inputs: Int, precision: WeightPrecision,
        after norm: BertWeights.Norm? = nil
    ) {
        precondition(matrix.count == inputs * bias.count, "a row of weights for every output")
        self.inputs = inputs
        outputs = bias.count
        switch precision {
        case .float32:
            weights = .float32(Self.packed(matrix, inputs: inputs, outputs: bias.count))
            self.bias = FloatBuffer(bias)
        case .int8:
            var (matrix, bias) = (matrix, bias)
            let smoothing = norm.map { InputSmoothing($0, &matrix, &bias) }
            weights = .int8(CodedWeights(matrix, inputs: inputs, outputs: bias.count, smoothing: smoothing))
            self.bias = FloatBuffer(bias)
        }
    }

    static func panels(_ outputs: Int) -> Int { (outputs + panel - 1) / panel }

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
}
