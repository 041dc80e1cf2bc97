import NeedleCore
import NeedleVectors
import Testing

/// Data that has no spread, no length, or far too much of it: everything stays finite, and what can be told
/// apart is.
@Suite struct QuantizationDegenerateTests {
    private func distances(
        _ rows: [[Float]], _ query: [Float], metric: Metric, kind: CodeKind
    ) throws -> [Float] {
        let coded = try CodedTable(rows, metric: metric, kind: kind)
        let prepared = coded.quantizer.prepare(coded.query(query))
        return rows.indices.map { coded.distance($0, to: prepared) }
    }

    @Test(arguments: CodeKind.allCases, Metric.allCases)
    func noSpread(kind: CodeKind, metric: Metric) throws {
        for dimension in [1, 2, 3, 65, 384] {
            let constant = [Float](repeating: 0.25, count: dimension)
            for count in [1, 7] {
                // One point, or all points equal: nothing is left after centring.
                let rows = [[Float]](repeating: constant, count: count)
                let exact = naiveDistance(constant, constant, metric)
                for distance in try distances(rows, constant, metric: metric, kind: kind) {
                    #expect(abs(Double(distance) - exact) <= 1e-5 * max(1, abs(exact)))
                }
                // A query from elsewhere meets exact rows too.
                let other = (0..<dimension).map { Float($0 + 1) }
                let far = naiveDistance(constant, other, metric)
                for distance in try distances(rows, other, metric: metric, kind: kind) {
                    #expect(abs(Double(distance) - far) <= 1e-5 * max(1, abs(far)))
                }
            }
        }
    }

    @Test(arguments: CodeKind.allCases, [Metric.dot, .euclid])
    func zeroVectors(kind: CodeKind, metric: Metric) throws {
        let zero = [Float](repeating: 0, count: 48)
        let one = [Float](repeating: 1, count: 48)
        for rows in [[zero], [zero, zero], [zero, one, one]] {
            for query in [zero, one] {
                #expect(try distances(rows, query, metric: metric, kind: kind).allSatisfy(\.isFinite))
            }
        }
        #expect(try distances([zero, zero], zero, metric: metric, kind: kind) == [0, 0])
    }

    /// A row that no float kernel reads (for cosine: a zero vector, inverse norm 0) may be coded all the same.
    @Test(arguments: CodeKind.allCases)
    func zeroVectorOfCosine(kind: CodeKind) throws {
        let rows: [[Float]] = [[0, 0, 0], [1, 2, 3], [3, 2, 1]]
        #expect(try distances(rows, [1, 1, 1], metric: .cosine, kind: kind).allSatisfy(\.isFinite))
    }

    @Test(arguments: CodeKind.allCases, Metric.allCases)
    func extremeLengthsStayFinite(kind: CodeKind, metric: Metric) throws {
        for dimension in [1, 3, 100] {
            let shapes = uniformVectors(12, dimension: dimension, seed: 2)
            let sizes: [Float] = [2e-9, 1e-5, 1, 5e8]
            let rows = shapes.enumerated().map { index, vector in
                vector.map { $0 * (sizes[index % 4] / Float(length(vector))) }
            }
            for query in [rows[0], rows[2], rows[3]] {
                #expect(try distances(rows, query, metric: metric, kind: kind).allSatisfy(\.isFinite))
            }
            // All of them tiny, all of them huge: as precise as any.
            for size: Float in [1e-8, 1e8] {
                let scaled = shapes.map { vector in
                    vector.map { $0 * (size * Float(1 + vector[0].magnitude) / Float(length(vector))) }
                }
                let coded = try CodedTable(scaled, metric: metric, kind: .int8)
                let query = coded.query(scaled[0])
                let prepared = coded.quantizer.prepare(query)
                let greatest = scaled.indices.map { abs(coded.exact($0, to: query)) }.max()!
                for row in scaled.indices {
                    let error = abs(Double(coded.distance(row, to: prepared)) - coded.exact(row, to: query))
                    #expect(error <= 0.05 * greatest)
                }
            }
        }
    }

    /// One coordinate of one row is enormous; the others keep their precision.
    @Test(arguments: Metric.allCases)
    func oneEnormousElement(metric: Metric) throws {
        var rows = DataShape.normal.vectors(500, dimension: 64, seed: 3)
        rows[17][40] = 9e8
        let coded = try CodedTable(rows, metric: metric, kind: .int8)
        let query = coded.query(rows[3])
        let prepared = coded.quantizer.prepare(query)
        for row in rows.indices where row != 17 {
            let scale = metric == .cosine ? 1 : length(rows[3]) * length(rows[row])
            let error = abs(Double(coded.distance(row, to: prepared)) - coded.exact(row, to: query))
            #expect(error <= 0.02 * scale, "row \(row)")
        }
        #expect(coded.distance(17, to: prepared).isFinite)
    }

    @Test(arguments: CodeKind.allCases)
    func mostDimensions(kind: CodeKind) throws {
        for dimension in [Limits().dimensions - 1, Limits().dimensions] {
            let rows = uniformVectors(3, dimension: dimension, seed: 4)
            let found = try distances(rows, rows[1], metric: .cosine, kind: kind)
            #expect(abs(found[1] + 1) <= 0.02 && abs(found[0]) <= 0.02 && abs(found[2]) <= 0.02)
        }
    }

    /// 1000 ± 1: the order that is left when the common part is gone.
    @Test func commonOffsetKeepsTheOrder() throws {
        let rows = DataShape.commonOffset.vectors(400, dimension: 64, seed: 5)
        let coded = try CodedTable(rows, metric: .euclid, kind: .int8)
        for vector in DataShape.commonOffset.vectors(10, dimension: 64, seed: 6) {
            let query = coded.query(vector)
            let prepared = coded.quantizer.prepare(query)
            let truth = try coded.owned.nearest(query, k: 1)[0].row
            let order = rows.indices.sorted {
                coded.distance($0, to: prepared) < coded.distance($1, to: prepared)
            }
            #expect(order.prefix(5).contains(Int(truth)))
        }
    }
}
