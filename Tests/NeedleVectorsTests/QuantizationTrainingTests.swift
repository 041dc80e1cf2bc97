import NeedleCore
import NeedleVectors
import Testing

/// Where the centre lies.
@Suite struct QuantizationTrainingTests {
    private func centre(
        _ rows: [[Float]], _ metric: Metric, of chosen: [UInt32]? = nil, seed: UInt64 = 1
    ) throws -> [Float] {
        let owned = try OwnedTable(rows, metric: metric)
        let chosen = chosen ?? rows.indices.map { UInt32($0) }
        return SpaceTransform(training: owned.table, rows: chosen.span, seed: seed).centre
    }

    @Test(arguments: [Metric.dot, .euclid])
    func centreIsTheMean(metric: Metric) throws {
        let rows = uniformVectors(50, dimension: 20, seed: 1).map { $0.map { $0 + 5 } }
        for (i, element) in try centre(rows, metric).enumerated() {
            let mean = rows.reduce(0) { $0 + Double($1[i]) } / 50
            #expect(abs(Double(element) - mean) <= 1e-6 * 5)
        }
    }

    @Test func centreOfCosineIsTheMeanOfUnitVectors() throws {
        let rows = clusteredVectors(50, dimension: 20, clusters: 2, seed: 1)
        let units = rows.map { row in row.map { Double($0) / length(row) } }
        for (i, element) in try centre(rows, .cosine).enumerated() {
            #expect(abs(Double(element) - units.reduce(0) { $0 + $1[i] } / 50) <= 1e-6)
        }
    }

    @Test func onlyTheRowsNamedCount() throws {
        let rows: [[Float]] = [[1, 2], [100, 100], [3, 6]]
        #expect(try centre(rows, .euclid, of: [0, 2]) == [2, 4])
        #expect(try centre(rows, .euclid, of: []) == [0, 0])
    }

    /// Ten rows of the length 10^9 among a thousand of length about 10 move the centre by less than that.
    @Test(arguments: [Metric.dot, .euclid])
    func longRowsDoNotPullTheCentreAway(metric: Metric) throws {
        var rows = DataShape.normal.vectors(1000, dimension: 100, seed: 2)
        for i in 0..<10 { rows[i * 97][5] = 1e9 }
        #expect(length(try centre(rows, metric)) <= 2)
    }

    @Test func sampleIsTheSeeds() throws {
        // Many more rows than are sampled; the sample's mean is near the mean, but not the same for each seed.
        let rows = uniformVectors(SpaceTransform.sampleRows * 2, dimension: 2, seed: 3)
        let first = try centre(rows, .euclid, seed: 1)
        #expect(try centre(rows, .euclid, seed: 1) == first)
        #expect(try centre(rows, .euclid, seed: 2) != first)
        #expect(length(first) <= 0.05)
    }

    /// The sample takes from the whole list: rows sorted by value do not mislead it.
    @Test func sampleIsSpreadOverTheList() throws {
        let count = SpaceTransform.sampleRows * 2 + 17
        let rows = (0..<count).map { [Float($0)] }
        let mean = Double(count - 1) / 2
        #expect(abs(Double(try centre(rows, .euclid)[0]) - mean) <= 1e-3 * mean)
    }
}
