// One group of texts on its way through the layers. All matrices are row-major, one row per token.

/// Borrows the encoder's weights and one scratch; used by one thread, which may share each layer with a pool.
struct ForwardPass {
    let shape: BertConfiguration
    let weights: BertWeights
    let space: Scratch
    /// Threads to share each layer with, when this is the only group of its batch.
    let pool: WorkerPool?
    let sequences: ArraySlice<[Int32]>
    let tokens: Int

    private var hidden: Int { shape.hidden }

    /// Word, position and type vectors, summed and normalised.
    func embed() {
        let hidden = hidden
        var row = space.stream.start
        for sequence in sequences {
            for (position, id) in sequence.enumerated() {
                precondition(
                    (0..<shape.vocabulary).contains(Int(id)), "the tokenizer knows the vocabulary's size")
                let word = weights.words.start + Int(id) * hidden
                row.update(from: word, count: hidden)
                norm(row, adding: weights.positions.start + position * hidden, weights.embeddingNorm)
                row += hidden
            }
        }
    }

    /// Self-attention within each text, its projection, residual and norm.
    func attend(_ layer: BertWeights.Layer) {
        linear(layer.attention, of: space.stream, into: space.attention)
        if let pool {
            let parts = min(shape.heads, pool.threads, Scratch.attentionParts)
            pool.run(parts) { part in
                mix(heads: shape.heads * part / parts..<shape.heads * (part + 1) / parts, part: part)
            }
        } else {
            mix(heads: 0..<shape.heads, part: 0)
        }
        linear(layer.output, of: space.mixed, into: space.update)
        addNorm(layer.attentionNorm)
    }

    /// softmax(q·kᵀ)·v for some heads of all texts; the scale is in the query weights.
    private func mix(heads: Range<Int>, part: Int) {
        let stride = 3 * hidden
        let size = shape.headSize
        let scratch = space.attentionScratch.start + part * space.attentionPart
        var row = 0
        for sequence in sequences {
            for head in heads {
                let query = space.attention.start + row * stride + head * size
                EncoderKernels.attention(
                    query, query + hidden, query + 2 * hidden, stride: stride, length: sequence.count,
                    size: size, scratch: scratch, into: space.mixed.start + row * hidden + head * size,
                    outStride: hidden)
            }
            row += sequence.count
        }
    }

    /// The two wide layers with GELU between them, residual and norm.
    func transform(_ layer: BertWeights.Layer) {
        linear(layer.up, of: space.stream, into: space.wide, activation: .gelu)
        linear(layer.down, of: space.wide, into: space.update)
        addNorm(layer.outputNorm)
    }

    /// output ← activation(input·weightsᵀ + bias), in slices of outputs when there is help.
    private func linear(
        _ layer: LinearLayer, of input: FloatBuffer, into output: FloatBuffer,
        activation: EncoderKernels.Activation = .none
    ) {
        if case .int8(let weights) = layer.weights {
            for row in 0..<tokens {
                EncoderKernels.code(
                    input.start + row * layer.inputs, count: layer.inputs, for: weights, into: space.codes,
                    at: row)
            }
        }
        let input = LayerInput(floats: input.start, codes: space.codes)
        // Several slices for each thread, so that one that comes late does less.
        let parts = pool.map { 3 * $0.threads } ?? 1
        let width = max(64, (layer.outputs / parts + 31) / 32 * 32)
        let slices = pool == nil ? 1 : (layer.outputs + width - 1) / width
        let multiply = { (slice: Int) in
            let range =
                slices == 1
                ? 0..<layer.outputs : slice * width..<min(layer.outputs, (slice + 1) * width)
            EncoderKernels.linear(
                layer, input, rows: tokens, slice: range, activation: activation, into: output.start,
                stride: layer.outputs)
        }
        if let pool, slices > 1 {
            pool.run(slices, multiply)
        } else {
            multiply(0)
        }
    }

    private func addNorm(_ norm: BertWeights.Norm) {
        for row in 0..<tokens {
            self.norm(space.stream.start + row * hidden, adding: space.update.start + row * hidden, norm)
        }
    }

    private func norm(
        _ row: UnsafeMutablePointer<Float>, adding other: UnsafePointer<Float>, _ norm: BertWeights.Norm
    ) {
        EncoderKernels.norm(row, adding: other, norm, epsilon: Float(shape.epsilon), columns: hidden)
    }

    /// One vector per text, of length 1.
    func pooled() -> [[Float]] {
        var vectors: [[Float]] = []
        vectors.reserveCapacity(sequences.count)
        var row = space.stream.start
        for sequence in sequences {
            var vector = [Float](repeating: 0, count: hidden)
            let rows = shape.pooling == .cls ? 1 : sequence.count
            vector.withUnsafeMutableBufferPointer { vector in
                for member in 0..<rows {
                    let line = row + member * hidden
                    for column in 0..<hidden { vector[column] += line[column] }
                }
                Self.normalise(vector)
            }
            vectors.append(vector)
            row += sequence.count * hidden
        }
        return vectors
    }

    /// Divides by the length; summing without dividing by the count gives the same direction. A zero vector
    /// stays.
    private static func normalise(_ vector: UnsafeMutableBufferPointer<Float>) {
        let square = vector.reduce(0.0) { $0 + Double($1) * Double($1) }
        guard square > 0 else { return }
        let factor = 1 / square.squareRoot()
        for index in vector.indices { vector[index] = Float(Double(vector[index]) * factor) }
    }
}
