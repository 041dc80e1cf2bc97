// The encoder's parameters in the layout that the forward pass wants. Three identities save work at run time:
//   - query, key and value matrices lie below each other, so that one product makes all three;
//   - the 1/√(head size) of attention is multiplied into the query matrix and its bias;
//   - a key bias adds the same number to every score of a row, which softmax ignores; a value bias passes
//     attention unchanged (its weights sum to 1), so it goes through the output matrix into that bias.

import NeedleCore

/// All parameters of one encoder, immutable after `init`.
struct BertWeights: Sendable {
    /// One encoder layer.
    struct Layer: Sendable {
        /// To query, key and value, one behind the other.
        var attention: LinearLayer
        var output: LinearLayer
        var attentionNorm: Norm
        var up: LinearLayer
        var down: LinearLayer
        var outputNorm: Norm
    }

    struct Norm: Sendable {
        var scale: FloatBuffer
        var shift: FloatBuffer
    }

    let precision: WeightPrecision
    var words: FloatBuffer
    /// Position vectors with the vector of token type 0 added: a text has no second half.
    var positions: FloatBuffer
    var embeddingNorm: Norm
    var layers: [Layer]

    /// - Throws: `corruption` when a tensor is missing or has another shape than the configuration says.
    init(
        _ file: Safetensors, _ shape: BertConfiguration, precision: WeightPrecision
    ) throws(DatabaseError) {
        self.precision = precision
        let root = file.tensors["bert.embeddings.word_embeddings.weight"] == nil ? "" : "bert."
        let source = Source(file: file, root: root)
        let hidden = shape.hidden
        words = FloatBuffer(
            try source.floats("embeddings.word_embeddings.weight", [shape.vocabulary, hidden]))
        var positions = try source.floats("embeddings.position_embeddings.weight", [shape.positions, hidden])
        let types = try source.floats("embeddings.token_type_embeddings.weight", [shape.types, hidden])
        for row in 0..<shape.positions {
            for column in 0..<hidden { positions[row * hidden + column] += types[column] }
        }
        self.positions = FloatBuffer(positions)
        embeddingNorm = try source.norm("embeddings.LayerNorm", hidden)
        var layers: [Layer] = []
        for index in 0..<shape.layers {
            let norm = layers.last?.outputNorm ?? embeddingNorm
            layers.append(try Self.layer(index, source, shape, precision, after: norm))
        }
        self.layers = layers
    }

    private static func layer(
        _ index: Int, _ source: Source, _ shape: BertConfiguration, _ precision: WeightPrecision,
        after norm: Norm
    ) throws(DatabaseError) -> Layer {
        let (hidden, wide) = (shape.hidden, shape.intermediate)
        let prefix = "encoder.layer.\(index)"
        let attentionNorm = try source.norm("\(prefix).attention.output.LayerNorm", hidden)
        func linear(
            _ name: String, _ inputs: Int, _ outputs: Int, after norm: Norm? = nil
        ) throws(DatabaseError) -> LinearLayer {
            LinearLayer(
                try source.floats("\(prefix).\(name).weight", [outputs, inputs]),
                bias: try source.floats("\(prefix).\(name).bias", [outputs]), inputs: inputs,
                precision: precision, after: norm)
        }
        let (attention, valueBias) = try attention(
            "\(prefix).attention.self", source, shape, precision, after: norm)
        let output = try source.floats("\(prefix).attention.output.dense.weight", [hidden, hidden])
        var outputBias = try source.floats("\(prefix).attention.output.dense.bias", [hidden])
        for row in 0..<hidden {
            var sum = Double(outputBias[row])
            for column in 0..<hidden {
                sum += Double(output[row * hidden + column]) * Double(valueBias[column])
            }
            outputBias[row] = Float(sum)
        }
        return Layer(
            attention: attention,
            output: LinearLayer(output, bias: outputBias, inputs: hidden, precision: precision),
            attentionNorm: attentionNorm,
            up: try linear("intermediate.dense", hidden, wide, after: attentionNorm),
            down: try linear("output.dense", wide, hidden),
            outputNorm: try source.norm("\(prefix).output.LayerNorm", hidden))
    }

    /// The one layer to query, key and value, and the bias of the values.
    private static func attention(
        _ prefix: String, _ source: Source, _ shape: BertConfiguration, _ precision: WeightPrecision,
        after norm: Norm
    ) throws(DatabaseError) -> (LinearLayer, valueBias: [Float]) {
        let hidden = shape.hidden
        let scale = Float(1 / Double(shape.headSize).squareRoot())
        var stacked = try source.floats("\(prefix).query.weight", [hidden, hidden]).map { $0 * scale }
        stacked += try source.floats("\(prefix).key.weight", [hidden, hidden])
        stacked += try source.floats("\(prefix).value.weight", [hidden, hidden])
        var bias = try source.floats("\(prefix).query.bias", [hidden]).map { $0 * scale }
        bias += [Float](repeating: 0, count: 2 * hidden)
        _ = try source.floats("\(prefix).key.bias", [hidden])
        return (
            LinearLayer(stacked, bias: bias, inputs: hidden, precision: precision, after: norm),
            try source.floats("\(prefix).value.bias", [hidden])
        )
    }

    private struct Source {
        let file: Safetensors
        let root: String

        func floats(_ name: String, _ shape: [Int]) throws(DatabaseError) -> [Float] {
            try file.floats(root + name, shape: shape)
        }

        func norm(_ name: String, _ hidden: Int) throws(DatabaseError) -> Norm {
            Norm(
                scale: FloatBuffer(try floats("\(name).weight", [hidden])),
                shift: FloatBuffer(try floats("\(name).bias", [hidden])))
        }
    }
}
