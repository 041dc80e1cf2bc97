import NeedleCore
import NeedleVectors
import Testing

/// The estimate of a product out of one bit a dimension.
@Suite struct QuantizationBinaryTests {
    private func unit(_ dimension: Int, _ generator: inout SeededGenerator) -> [Float] {
        let vector = (0..<dimension).map { _ in gaussian(&generator) }
        let norm = Float(length(vector))
        return vector.map { $0 / norm }
    }

    /// Estimates of the product of one pair of unit vectors under many rotations: mean and standard deviation
    /// of the error.
    private func estimates(_ a: [Float], _ b: [Float], planes: Int, rotations: Int) throws -> (
        mean: Double, deviation: Double
    ) {
        var errors: [Double] = []
        for seed in 0..<rotations {
            let coded = try CodedTable(
                [a], metric: .dot, kind: .binary, planes: planes, seed: UInt64(seed), centred: false)
            let query = coded.query(b)
            errors.append(
                coded.exact(0, to: query) - Double(coded.distance(0, to: coded.quantizer.prepare(query))))
        }
        let mean = errors.reduce(0, +) / Double(rotations)
        let squares = errors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, (squares / Double(rotations)).squareRoot())
    }

    @Test(arguments: [64, 100, 384, 1536])
    func estimateIsUnbiasedWithThePapersError(dimension: Int) throws {
        var generator = SeededGenerator(seed: 4)
        let a = unit(dimension, &generator)
        let noise = unit(dimension, &generator)
        let mixed = zip(a, noise).map { 0.6 * $0 + 0.8 * $1 }
        let b = mixed.map { $0 / Float(length(mixed)) }
        let rotations = dimension == 1536 ? 100 : 300
        let (mean, deviation) = try estimates(a, b, planes: 8, rotations: rotations)
        let parallel = product(a, b)
        let expected = 0.76 * (1 - parallel * parallel).squareRoot() / Double(dimension).squareRoot()
        #expect(abs(mean) <= 4 * deviation / Double(rotations).squareRoot(), "\(dimension) dimensions")
        #expect((0.85...1.15).contains(deviation / expected), "\(dimension) dimensions")
    }

    @Test func morePlanesAreFiner() throws {
        var generator = SeededGenerator(seed: 5)
        let (a, b) = (unit(384, &generator), unit(384, &generator))
        let deviations = try [1, 2, 4, 8].map { try estimates(a, b, planes: $0, rotations: 120).deviation }
        #expect(deviations[0] > 2 * deviations[2] && deviations[1] > 1.1 * deviations[2])
        #expect(deviations[2] < 1.05 * deviations[3])
    }
}
