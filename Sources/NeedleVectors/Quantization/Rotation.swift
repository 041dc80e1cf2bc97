// A random rotation that costs d log d, and needs no memory beyond its signs.

import NeedleCore

/// Random signs and Walsh–Hadamard transforms in turn: an orthonormal map, so lengths and inner products stay
/// what they were, but what was in one dimension is spread over all. The range of a rotated vector is then
/// close to that of a normal distribution whatever the data is like, which is what makes one range a vector
/// enough, and a bit a dimension unbiased (Gao and Long, "RaBitQ", arXiv:2405.12497; the fast form after
/// Ailon and Chazelle, "The fast Johnson–Lindenstrauss transform", 2009).
///
/// A transform needs a power of two. Where the dimension d is one, two rounds transform all elements: after one
/// alone a vector that is nearly along one axis would have elements all of one magnitude, whose signs say
/// nothing about its other elements. Where it is none, p is the largest one below, and four rounds transform
/// the first and the last p elements in turn.
///
/// **Part of the segment format.** With w words of 64 bits to a round (d / 64, rounded up), element i of round
/// k is negated when bit i % 64 of number k·w + i / 64 of the seed's sequence (SplitMix64) is set; then the
/// round's p elements are transformed and divided by √p.
struct Rotation: Sendable {
    let dimension: Int
    /// Elements of one transform.
    let block: Int
    let rounds: Int
    /// For each round a factor for each element: its sign, divided by √p where the round transforms it.
    let factors: [Float]

    init(dimension: Int, seed: UInt64) {
        precondition(dimension >= 1, "a vector has dimensions")
        self.dimension = dimension
        block = 1 << (Int.bitWidth - 1 - dimension.leadingZeroBitCount)
        rounds = block == dimension ? 2 : 4
        var generator = SeededGenerator(seed: seed)
        var factors: [Float] = []
        factors.reserveCapacity(rounds * dimension)
        let shrink = Float(1 / Double(block).squareRoot())
        for round in 0..<rounds {
            let start = round % 2 == 0 ? 0 : dimension - block
            var word: UInt64 = 0
            for i in 0..<dimension {
                if i % 64 == 0 { word = generator.next() }
                let size = i >= start && i < start + block ? shrink : 1
                factors.append(word >> UInt64(i % 64) & 1 == 1 ? -size : size)
            }
        }
        self.factors = factors
    }

    /// (vector · scale − centre), rotated, into `out`; all of `dimension` floats, `out` none of the others.
    ///
    /// - Complexity: O(d log d); no allocation.
    @inline(__always)
    func apply(
        _ vector: UnsafePointer<Float>, scale: Float, centre: UnsafePointer<Float>,
        into out: UnsafeMutablePointer<Float>
    ) {
        factors.withUnsafeBufferPointer { factors in
            // SAFETY: `factors` holds rounds × dimension floats, never none.
            let first = factors.baseAddress.unsafelyUnwrapped
            for i in 0..<dimension { out[i] = (vector[i] * scale - centre[i]) * first[i] }
            CodeArithmetic.hadamard(out, count: block)
            for round in 1..<max(1, rounds) {
                let signs = first + round &* dimension
                for i in 0..<dimension { out[i] *= signs[i] }
                CodeArithmetic.hadamard(round % 2 == 0 ? out : out + (dimension &- block), count: block)
            }
        }
    }
}
