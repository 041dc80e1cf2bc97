import Glibc
import NeedleCore
import NeedleVectors
import Testing

/// The transform in front of all codes: the rotation is one, and it is the one that the format names.
@Suite struct QuantizationRotationTests {
    static let dimensions = Array(1...200) + [384, 768, 1000, 1536]

    private func rotation(_ dimension: Int, seed: UInt64 = 3) -> SpaceTransform {
        SpaceTransform(
            dimension: dimension, metric: .dot, seed: seed, centre: [Float](repeating: 0, count: dimension))
    }

    @Test(arguments: dimensions)
    func lengthsAndProductsStay(dimension: Int) {
        let transform = rotation(dimension)
        let vectors = uniformVectors(2, dimension: dimension, seed: UInt64(dimension))
        let rotated = vectors.map { transform.transformed($0) }
        let lengths = vectors.map(length)
        for (before, after) in zip(lengths, rotated.map(length)) {
            #expect(abs(after - before) <= 1e-6 * before)
        }
        let error = abs(product(rotated[0], rotated[1]) - product(vectors[0], vectors[1]))
        #expect(error <= 1e-6 * lengths[0] * lengths[1])
    }

    /// The rotation by the text of `Rotation` and docs/format/segment.md: signs out of the seed's sequence and
    /// dense Hadamard matrices.
    private func byTheBook(_ vector: [Float], seed: UInt64) -> [Double] {
        let dimension = vector.count
        var block = 1
        while 2 * block <= dimension { block *= 2 }
        var generator = SeededGenerator(seed: seed)
        var x = vector.map(Double.init)
        for round in 0..<(block == dimension ? 2 : 4) {
            let words = (0..<(dimension + 63) / 64).map { _ in generator.next() }
            for i in 0..<dimension where words[i / 64] & 1 << (i % 64) != 0 { x[i].negate() }
            let start = round % 2 == 0 ? 0 : dimension - block
            let old = x[start..<start + block]
            for i in 0..<block {
                let terms = (0..<block).map { j in
                    (i & j).nonzeroBitCount % 2 == 0 ? old[start + j] : -old[start + j]
                }
                x[start + i] = terms.reduce(0, +) / Double(block).squareRoot()
            }
        }
        return x
    }

    @Test(arguments: [1, 2, 3, 5, 31, 64, 65, 100, 130, 384], [0, 3, UInt64.max])
    func rotationIsTheFormats(dimension: Int, seed: UInt64) {
        let vector = uniformVectors(1, dimension: dimension, seed: 5)[0]
        let rotated = rotation(dimension, seed: seed).transformed(vector)
        for (ours, expected) in zip(rotated, byTheBook(vector, seed: seed)) {
            #expect(abs(Double(ours) - expected) <= 2e-6 * length(vector))
        }
    }

    @Test func centreAndScaleComeFirst() {
        let vectors = uniformVectors(2, dimension: 100, seed: 6)
        let centred = SpaceTransform(dimension: 100, metric: .cosine, seed: 3, centre: vectors[1])
        let difference = zip(vectors[0], vectors[1]).map { 0.25 * $0 - $1 }
        let expected = rotation(100).transformed(difference)
        for (ours, expected) in zip(centred.transformed(vectors[0], scale: 0.25), expected) {
            #expect(abs(ours - expected) <= 1e-5)
        }
    }

    /// What the rotation is for: a vector with all its length in one dimension becomes one whose greatest
    /// element is not far above the others.
    @Test(arguments: [64, 100, 127, 384, 768, 1000, 1023, 1536])
    func oneDimensionIsSpreadOverAll(dimension: Int) {
        let transform = rotation(dimension)
        for axis in [0, dimension / 3, dimension / 2, dimension - 1] {
            var vector = [Float](repeating: 0, count: dimension)
            vector[axis] = 1
            let greatest = transform.transformed(vector).map(\.magnitude).max()!
            // Every element alike would be 1/√d; a normal distribution of 1,536 elements reaches 3.5 times that.
            // Where first and last block hardly overlap, the length may stay in one of them.
            let bound = [1000, 1023].contains(dimension) ? 6.0 : 4.5
            #expect(Double(greatest) * Double(dimension).squareRoot() <= bound)
        }
    }

    @Test func seedDecides() {
        let vector = uniformVectors(1, dimension: 100, seed: 8)[0]
        #expect(rotation(100, seed: 1).transformed(vector) == rotation(100, seed: 1).transformed(vector))
        #expect(rotation(100, seed: 1).transformed(vector) != rotation(100, seed: 2).transformed(vector))
    }
}
