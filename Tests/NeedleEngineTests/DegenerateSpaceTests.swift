import NeedleCore
import NeedleEngine
import Testing

/// Spaces asked to quantize what can hardly be quantized: answers are right all the same.
@Suite struct DegenerateSpaceTests {
    static let kinds = QuantizationKind.allCases
    static let metrics = Metric.allCases

    /// The points in a growing segment, in a sealed one, and in one opened again.
    private func everywhere(
        _ vectors: [[Float]], _ metric: Metric, _ kind: QuantizationKind,
        _ check: (Collection) throws -> Void
    ) throws {
        var options = TestDatabase.smallOptions
        // Graphs wherever they are possible at all.
        options.exactRows = 1
        options.trainingRows = 1
        let database = try TestDatabase(options: options)
        let collection = try database.create(size: vectors[0].count, metric: metric, quantization: kind)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        database.settle()
        try check(collection)
        _ = collection.optimize()
        database.settle()
        try check(collection)
        try database.reopen()
        try check(try database.collection())
    }

    private func expectRight(
        _ collection: Collection, _ query: [Float], limit: Int, _ metric: Metric
    ) throws {
        let exact = try collection.search(query, limit: limit, effort: .exact)
        for effort in [SearchEffort.standard, .ef(limit)] {
            let result = try collection.search(query, limit: limit, effort: effort)
            #expect(result.ids.count == exact.ids.count)
            #expect(result.scores == exact.scores, "\(metric)")
            let estimated = try collection.search(query, limit: limit, effort: effort) { $0.rescores = false }
            #expect(estimated.ids.count == exact.ids.count)
            #expect(estimated.scores.allSatisfy { $0.isFinite })
        }
    }

    @Test(arguments: metrics, kinds)
    func onePoint(metric: Metric, kind: QuantizationKind) throws {
        try everywhere([[3, 4, 0]], metric, kind) { collection in
            try expectRight(collection, [1, 2, 3], limit: 10, metric)
        }
    }

    @Test(arguments: metrics, kinds)
    func allPointsEqual(metric: Metric, kind: QuantizationKind) throws {
        let vectors = [[Float]](repeating: (0..<70).map { Float($0 % 5) - 1 }, count: 220)
        try everywhere(vectors, metric, kind) { collection in
            try expectRight(collection, vectors[0], limit: 12, metric)
            try expectRight(collection, (0..<70).map { Float($0) }, limit: 220, metric)
        }
    }

    @Test(arguments: metrics, kinds)
    func constantVectors(metric: Metric, kind: QuantizationKind) throws {
        let vectors = (1...200).map { [Float](repeating: Float($0), count: 66) }
        try everywhere(vectors, metric, kind) { collection in
            try expectRight(collection, [Float](repeating: 77.25, count: 66), limit: 5, metric)
        }
    }

    @Test(arguments: metrics, kinds)
    func threeDimensions(metric: Metric, kind: QuantizationKind) throws {
        let vectors = clusteredVectors(400, dimension: 3, seed: 71)
        try everywhere(vectors, metric, kind) { collection in
            for query in clusteredVectors(5, dimension: 3, seed: 72) {
                let exact = try collection.search(query, limit: 10, effort: .exact)
                let result = try collection.search(query, limit: 10, effort: .ef(200))
                #expect(Set(exact.ids).intersection(result.ids).count >= 9, "\(metric) \(kind)")
            }
        }
    }

    @Test(arguments: [Metric.dot, .euclid], kinds)
    func zeroVectors(metric: Metric, kind: QuantizationKind) throws {
        var vectors = [[Float]](repeating: [Float](repeating: 0, count: 64), count: 120)
        vectors[7][3] = 2
        try everywhere(vectors, metric, kind) { collection in
            var query = [Float](repeating: 0, count: 64)
            try expectRight(collection, query, limit: 10, metric)
            query[3] = 1
            try expectRight(collection, query, limit: 1, metric)
        }
    }

    /// Some rows are beyond float32 kernels: they are in no graph, and the space is scanned.
    @Test(arguments: metrics, kinds)
    func wideVectorsAmongOrdinaryOnes(metric: Metric, kind: QuantizationKind) throws {
        var vectors = clusteredVectors(300, dimension: 64, seed: 73)
        for row in stride(from: 0, to: 300, by: 50) {
            for i in 0..<64 { vectors[row][i] *= row % 100 == 0 ? 1e18 : 1e-18 }
        }
        try everywhere(vectors, metric, kind) { collection in
            for query in [vectors[1], vectors[50], vectors[100]] {
                try expectRight(collection, query, limit: 10, metric)
                #expect(try collection.search(query).strategy == .exact)
            }
        }
    }

    @Test(arguments: metrics, kinds)
    func nothingButWideVectors(metric: Metric, kind: QuantizationKind) throws {
        let vectors = clusteredVectors(150, dimension: 64, seed: 74).map { $0.map { $0 * 1e15 } }
        try everywhere(vectors, metric, kind) { collection in
            try expectRight(collection, vectors[3], limit: 10, metric)
        }
    }

    /// One dimension a thousand times the others, and a common offset a thousand times the spread.
    @Test(arguments: metrics, kinds)
    func outliersAndOffsets(metric: Metric, kind: QuantizationKind) throws {
        let vectors = clusteredVectors(600, dimension: 64, seed: 75).map { vector in
            vector.enumerated().map { index, value in index == 9 ? value * 1000 : value + 1000 }
        }
        try everywhere(vectors, metric, kind) { collection in
            var found = 0
            for query in vectors.prefix(10) {
                let exact = try collection.search(query, limit: 10, effort: .exact)
                let result = try collection.search(query, limit: 10, effort: .ef(300))
                found += Set(exact.ids).intersection(result.ids).count
            }
            #expect(found >= 80, "\(found) of 100")
        }
    }

    /// Groups so close together that codes cannot tell their members apart: a beam finds most, as wide as the
    /// segment it finds all.
    @Test(arguments: [Metric.euclid, .cosine], [QuantizationKind.int8, .binary])
    func membersOfTightGroups(metric: Metric, kind: QuantizationKind) throws {
        let centres = clusteredVectors(20, dimension: 64, seed: 76)
        let noise = clusteredVectors(600, dimension: 64, seed: 77)
        let vectors = noise.enumerated().map { index, noise in
            zip(centres[index % 20], noise).map { $0 + $1 * 1e-4 }
        }
        try everywhere(vectors, metric, kind) { collection in
            var found = 0
            for query in vectors.prefix(20) {
                let exact = try collection.search(query, limit: 10, effort: .exact)
                let result = try collection.search(query, limit: 10, effort: .ef(200))
                found += Set(exact.ids).intersection(result.ids).count
                let all = try collection.search(query, limit: 10, effort: .ef(600))
                #expect(all.ids == exact.ids && all.scores == exact.scores)
            }
            #expect(found >= 120, "\(found) of 200")
        }
    }
}
