// One group of texts on its way through the layers. All matrices are row-major, one row per token.

/// Borrows the encoder's weights and one scratch; used by one thread, which may share products with a pool.
struct ForwardPass {
    let shape: BertConfiguration
    let weights: BertWeights
    let space: Scratch
    /// Threads to share each matrix product with, when this is the only group of its batch.
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
                let place = weights.positions.start + position * hidden
                for column in 0..<hidden { row[column] = word[column] + place[column] }
                Kernels.norm(
                    row, scale: weights.embeddingNorm.scale.start, shift: weights.embeddingNorm.shift.start,
                    epsilon: Float(shape.epsilon), columns: hidden)
                row += hidden
            }
        }
    }

    /// Self-attention within each text, its projection, residual and norm.
    func attend(_ layer: BertWeights.Layer) {
        linear(space.stream, layer.attention, into: space.attention, inputs: hidden, outputs: 3 * hidden)
        Kernels.addBias(
            space.attention.start, bias: layer.queryBias.start, rows: tokens, columns: hidden,
            stride: 3 * hidden)
        var row = 0
        for sequence in sequences {
            for head in 0..<shape.heads { mix(row: row, length: sequence.count, head: head) }
            row += sequence.count
        }
        linear(space.mixed, layer.output, into: space.update, inputs: hidden, outputs: hidden)
        addNorm(layer.outputBias, layer.attentionNorm)
    }

    /// softmax(q·kᵀ)·v for one head of one text; the scale is in the query weights.
    private func mix(row: Int, length: Int, head: Int) {
        let stride = 3 * hidden
        let size = shape.headSize
        let query = space.attention.start + row * stride + head * size
        let key = query + hidden
        let value = key + hidden
        let scores = space.scores.start
        Kernels.multiplyTransposed(
            query, stride, key, stride, into: scores, length, m: length, n: length, k: size)
        Kernels.softmax(scores, rows: length, columns: length)
        let target = space.mixed.start + row * hidden + head * size
        Kernels.multiply(scores, length, value, stride, into: target, hidden, m: length, n: size, k: length)
    }

    /// The two wide layers with GELU between them, residual and norm.
    func transform(_ layer: BertWeights.Layer) {
        linear(space.stream, layer.up, into: space.wide, inputs: hidden, outputs: shape.intermediate)
        Kernels.biasGELU(
            space.wide.start, bias: layer.upBias.start, rows: tokens, columns: shape.intermediate)
        linear(space.wide, layer.down, into: space.update, inputs: shape.intermediate, outputs: hidden)
        addNorm(layer.downBias, layer.outputNorm)
    }

    /// output ← input·matrixᵀ, in slices of columns when there is help.
    private func linear(
        _ input: FloatBuffer, _ matrix: FloatBuffer, into output: FloatBuffer, inputs: Int, outputs: Int
    ) {
        let parts = pool?.threads ?? 1
        // Whole vector registers, so that no two threads write one cache line of a row.
        let width = max(64, (outputs / parts + 63) / 64 * 64)
        let slices = (outputs + width - 1) / width
        let multiply = { (slice: Int) in
            let first = slice * width
            Kernels.multiplyTransposed(
                input.start, inputs, matrix.start + first * inputs, inputs, into: output.start + first,
                outputs,
                m: tokens, n: min(width, outputs - first), k: inputs)
        }
        if let pool, slices > 1 {
            pool.run(slices, multiply)
        } else {
            for slice in 0..<slices { multiply(slice) }
        }
    }

    private func addNorm(_ bias: FloatBuffer, _ norm: BertWeights.Norm) {
        Kernels.addNorm(
            space.stream.start, space.update.start, bias: bias.start, scale: norm.scale.start,
            shift: norm.shift.start, epsilon: Float(shape.epsilon), rows: tokens, columns: hidden)
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
