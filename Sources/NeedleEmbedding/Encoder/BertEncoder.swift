// The forward pass of BERT (Devlin et al., 2018) for sentences.
//
// The tokens of many texts lie below each other in one matrix without padding, so that every linear layer is
// one matrix product; only attention goes text by text. A batch is cut into groups of whole texts, which
// several threads share; a batch of one group, such as a single query, is shared within its layers.
//
// A text's vector does not depend on the texts that are computed with it, bit for bit.

import NeedleCore
import Synchronization

/// Computes one unit vector per token sequence. Immutable but for its scratch pool; safe from any thread.
final class BertEncoder: Sendable {
    /// Tokens in one group at most (a single longer text makes its own group). Groups bound the scratch
    /// memory, 15 KiB a token for MiniLM, and are the unit in which work is shared between threads. Few enough
    /// that what lies between layers stays in the caches, many enough that the weights are read rarely.
    static let groupTokens = 256

    let shape: BertConfiguration
    private let weights: BertWeights
    private let pool: WorkerPool
    private let scratch = Mutex<[Scratch]>([])

    /// - Parameter threads: that one batch may use, the caller's counted.
    init(weights: BertWeights, shape: BertConfiguration, threads: Int) {
        self.weights = weights
        self.shape = shape
        pool = WorkerPool(threads: threads)
    }

    /// - Parameter sequences: token ids, 1 to `shape.positions` of them each, all below `shape.vocabulary`.
    /// - Returns: one vector of `shape.hidden` floats and length 1 per sequence.
    /// - Throws: `cancelled`, `deadline` (asked between layers), `internal`.
    func encode(_ sequences: [[Int32]], context: OperationContext) throws(DatabaseError) -> [[Float]] {
        for sequence in sequences {
            precondition((1...shape.positions).contains(sequence.count), "the tokenizer cuts at the limit")
        }
        let groups = grouped(sequences)
        let outcome = Mutex<(vectors: [[Float]], failure: DatabaseError?)>(
            ([[Float]](repeating: [], count: sequences.count), nil))
        // A batch that is one group, such as a single query, is shared out within its matrix products
        // instead.
        let inner = groups.count == 1 ? pool : nil
        pool.run(groups.count) { index in
            guard outcome.withLock({ $0.failure == nil }) else { return }
            do throws(DatabaseError) {
                let group = groups[index]
                let vectors = try encodeGroup(sequences[group], helpedBy: inner, context: context)
                outcome.withLock { $0.vectors.replaceSubrange(group, with: vectors) }
            } catch {
                outcome.withLock { if $0.failure == nil { $0.failure = error } }
            }
        }
        let (vectors, failure) = outcome.withLock { ($0.vectors, $0.failure) }
        if let failure { throw failure }
        return vectors
    }

    /// Consecutive texts of about equal token counts, enough groups that no thread idles.
    private func grouped(_ sequences: [[Int32]]) -> [Range<Int>] {
        let total = sequences.reduce(0) { $0 + $1.count }
        let parts = max(1, (total + Self.groupTokens * pool.threads - 1) / (Self.groupTokens * pool.threads))
        let target = max(32, total / (parts * pool.threads))
        var groups: [Range<Int>] = []
        var start = 0
        var tokens = 0
        for (index, sequence) in sequences.enumerated() {
            // Closes a group where its size is nearest to the target.
            if index > start, tokens + sequence.count / 2 > target {
                groups.append(start..<index)
                (start, tokens) = (index, 0)
            }
            tokens += sequence.count
        }
        if start < sequences.count { groups.append(start..<sequences.count) }
        return groups
    }

    private func encodeGroup(
        _ sequences: ArraySlice<[Int32]>, helpedBy pool: WorkerPool?, context: OperationContext
    ) throws(DatabaseError) -> [[Float]] {
        let tokens = sequences.reduce(0) { $0 + $1.count }
        let longest = sequences.reduce(0) { max($0, $1.count) }
        let space = borrowScratch(tokens: tokens, longest: longest)
        defer { returnScratch(space) }
        let pass = ForwardPass(
            shape: shape, weights: weights, space: space, pool: pool, sequences: sequences, tokens: tokens)
        try context.check()
        pass.embed()
        for layer in weights.layers {
            pass.attend(layer)
            try context.check()
            pass.transform(layer)
            try context.check()
        }
        return pass.pooled()
    }

    private func borrowScratch(tokens: Int, longest: Int) -> Scratch {
        let free = scratch.withLock { $0.popLast() }
        if let free, free.tokens >= tokens, free.longest >= longest { return free }
        return Scratch(
            shape: shape, isCoded: weights.precision == .int8, tokens: max(tokens, free?.tokens ?? 0),
            longest: max(longest, free?.longest ?? 0))
    }

    private func returnScratch(_ space: Scratch) {
        scratch.withLock { if $0.count < 2 * pool.threads { $0.append(space) } }
    }
}
