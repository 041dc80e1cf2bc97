// The kernels of the forward pass, as Swift calls them: linear layers, attention, norms. What they compute and
// how exactly stands in nk_kernels.h.

import CNeedleKernels

/// The best kernels that this processor has.
enum EncoderKernels {
    // SAFETY: a constant table of functions that lives as long as the process.
    private nonisolated(unsafe) static let table = nk_select(UInt32(NK_BEST)).pointee

    enum Activation {
        case none
        case gelu

        fileprivate var number: UInt32 { self == .none ? UInt32(NK_PLAIN) : UInt32(NK_GELU) }
    }

    /// output ← activation(input·weightsᵀ + bias) for the outputs in `slice`, which begins at a panel.
    static func linear(
        _ layer: LinearLayer, _ input: LayerInput, rows: Int, slice: Range<Int>, activation: Activation,
        into output: UnsafeMutablePointer<Float>, stride: Int
    ) {
        precondition(slice.lowerBound % LinearLayer.panel == 0 && slice.upperBound <= layer.outputs)
        let bias = layer.bias.start + slice.lowerBound
        let target = output + slice.lowerBound
        switch layer.weights {
        case .float32(let panels):
            table.linear_f32(
                input.floats, layer.inputs, rows, panels.start + slice.lowerBound * layer.inputs,
                layer.inputs, slice.count, bias, activation.number, target, stride)
        case .int8(let weights):
            let inputs = CodedWeights.codedInputs(layer.inputs)
            let coded = nk_weights_s7(
                panels: weights.panels.start + slice.lowerBound * inputs,
                scales: weights.scales.start + slice.lowerBound,
                offsets: weights.offsets.start + slice.lowerBound)
            let codes = nk_rows_u7(
                codes: input.codes.codes.start, stride: inputs, lows: input.codes.lows.start,
                steps: input.codes.steps.start)
            table.linear_u7s7(
                codes, rows, coded, inputs, slice.count, bias, activation.number, target, stride)
        }
    }

    /// Codes one row of inputs with seven bits, as the layer's weights want it.
    static func code(
        _ row: UnsafePointer<Float>, count: Int, for weights: CodedWeights, into codes: InputCodes,
        at index: Int
    ) {
        var row = row
        if let smoothing = weights.smoothing {
            smoothing.apply(row, into: codes.smoothed.start)
            row = UnsafePointer(codes.smoothed.start)
        }
        var (low, high): (Float, Float) = (0, 0)
        table.minmax_f32(row, count, &low, &high)
        let step = (high - low) / 127
        let stride = CodedWeights.codedInputs(count)
        let target = codes.codes.start + index * stride
        table.quantize_u7(row, count, low, step > 0 ? 1 / step : 0, target)
        for place in count..<stride { target[place] = 0 }
        codes.lows.start[index] = low
        codes.steps.start[index] = step
    }

    /// One head of one text; see `nk_attention_f32`.
    static func attention(
        _ query: UnsafePointer<Float>, _ key: UnsafePointer<Float>, _ value: UnsafePointer<Float>,
        stride: Int,
        length: Int, size: Int, scratch: UnsafeMutablePointer<Float>, into out: UnsafeMutablePointer<Float>,
        outStride: Int
    ) {
        table.attention_f32(query, key, value, stride, length, size, scratch, out, outStride)
    }

    /// Floats of scratch that `attention` needs.
    static func attentionScratch(length: Int, size: Int) -> Int { nk_attention_scratch(length, size) }

    /// x ← LayerNorm(x + y)·scale + shift for one row.
    static func norm(
        _ x: UnsafeMutablePointer<Float>, adding y: UnsafePointer<Float>? = nil, _ norm: BertWeights.Norm,
        epsilon: Float, columns: Int
    ) {
        table.norm_f32(x, y, norm.scale.start, norm.shift.start, epsilon, columns)
    }
}

/// The rows that go into a linear layer: floats, and their codes when the layer's weights are coded.
struct LayerInput {
    let floats: UnsafePointer<Float>
    let codes: InputCodes
}

/// Rows of inputs in seven bits, with what turns them back into floats.
final class InputCodes: Sendable {
    let codes: NumberBuffer<UInt8>
    let lows: FloatBuffer
    let steps: FloatBuffer
    /// One row on its way to its codes.
    let smoothed: FloatBuffer

    init(rows: Int, inputs: Int) {
        codes = NumberBuffer(count: rows * CodedWeights.codedInputs(inputs))
        lows = FloatBuffer(count: rows)
        steps = FloatBuffer(count: rows)
        smoothed = FloatBuffer(count: inputs)
    }
}
