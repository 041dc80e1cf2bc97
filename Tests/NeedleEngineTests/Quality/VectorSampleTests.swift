import NeedleCore
import NeedleEngine
import Testing

@Suite struct VectorSampleTests {
    private func random(_ count: Int, dimension: Int, seed: UInt64, around centre: Float = 0) -> [[Float]] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            (0..<dimension).map { _ in centre + Float.random(in: -1...1, using: &generator) }
        }
    }

    private func sample(_ vectors: [[Float]], _ metric: Metric = .euclid) -> VectorSample {
        var sample = VectorSample(dimension: vectors[0].count, metric: metric)
        for (number, vector) in vectors.enumerated() { sample.add(PointID(UInt64(number)), vector) }
        return sample
    }

    private func census(_ sample: VectorSample) -> NeighbourCensus {
        var census = NeighbourCensus(rows: sample.count)
        while !census.isOver { census.step(7, of: sample) }
        return census
    }

    @Test func centroidSpreadAndLengthsAreTheNaiveOnes() {
        let vectors = random(200, dimension: 12, seed: 1, around: 3)
        let sample = sample(vectors)
        for place in 0..<12 {
            let mean = vectors.reduce(0.0) { $0 + Double($1[place]) } / 200
            #expect(abs(Double(sample.centroid[place]) - mean) < 1e-5)
        }
        let centre = sample.centroid
        let distances = vectors.map { vector in
            zip(vector, centre).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1)) }.squareRoot()
        }
        #expect(abs(sample.spread(around: centre) - distances.reduce(0, +) / 200) < 1e-6)
        let norms = vectors.map { $0.reduce(0.0) { $0 + pow(Double($1)) }.squareRoot() }
        let mean = norms.reduce(0, +) / 200
        #expect(abs(sample.meanNorm - mean) < 1e-9)
        let variance = norms.reduce(0.0) { $0 + pow($1 - mean) } / 200
        #expect(abs(sample.normDeviation - variance.squareRoot()) < 1e-9)
    }

    private func pow(_ value: Double) -> Double { value * value }

    /// The lengths that are told are those that were sent.
    @Test func forCosineOnlyDirectionsCount() {
        let vectors = random(50, dimension: 6, seed: 2)
        let plain = sample(vectors, .cosine)
        let long = sample(vectors.map { $0.map { $0 * 10 } } + [[0, 0, 0, 0, 0, 0]], .cosine)
        #expect(long.count == 50)
        #expect(zip(plain.centroid, long.centroid).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(abs(long.meanNorm / plain.meanNorm - 10) < 1e-4)
    }

    @Test func tightGroupsAreCoherentAndScatteredVectorsAreNot() {
        let centres = random(20, dimension: 32, seed: 3)
        let groups: [[Float]] = (0..<400).map { row in
            let own = random(1, dimension: 32, seed: UInt64(100 + row))[0]
            return zip(centres[row % 20], own).map { (centre: Float, own: Float) in centre + 0.05 * own }
        }
        let scattered = random(400, dimension: 32, seed: 4)
        #expect(census(sample(groups)).coherence > 0.8)
        #expect(census(sample(scattered)).coherence < 0.4)
        #expect(census(sample([[Float]](repeating: [1, 2], count: 30))).coherence == 0)
    }

    /// In 256 dimensions, vectors near the middle are near to all others.
    @Test func vectorsThatAreNearToAllAreHubs() {
        let scattered = random(500, dimension: 3, seed: 5)
        var hubs = random(500, dimension: 256, seed: 6)
        for row in 0..<5 { hubs[row] = hubs[row].map { $0 * 0.2 } }
        #expect(census(sample(scattered)).hubness < 2)
        #expect(census(sample(hubs)).hubness > 6)
    }

    @Test func theCensusIsTheSameInAnySteps() {
        let sample = sample(random(100, dimension: 8, seed: 9))
        var atOnce = NeighbourCensus(rows: 100)
        atOnce.step(1_000, of: sample)
        #expect(atOnce.isOver)
        let inSteps = census(sample)
        #expect(atOnce.coherence == inSteps.coherence && atOnce.hubness == inSteps.hubness)
    }
}
