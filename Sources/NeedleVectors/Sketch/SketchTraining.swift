// Finding the directions of a segment's sketches, and how far sketches may be trusted.
//
// Principal directions by subspace iteration on the covariance of a sample (Golub and Van Loan, Matrix
// Computations, 8.2.4): only the subspace matters, not the single directions, so that few rounds do.

import CNeedleKernels
package import NeedleCore

/// Trains the sketches of a graph with int8 codes. Deterministic for a seed.
package struct SketchTraining {
    /// Below this size the codes themselves stay in the caches, and sketches only cost.
    package static let leastRows = 20_000
    /// Below this dimension a row's code is hardly longer than a sketch.
    package static let leastDimension = 96
    private static let rounds = 8
    /// Elements of the sample's matrix: 8,192 rows of 384 dimensions.
    private static let sampleElements = 8_192 * 384
    private static let trialQueries = 48
    /// The share of near rows that must pass, and of far rows that may.
    package static let passingShare = 0.80
    private static let usefulShare = 0.6

    private let graph: GraphView
    private let quantizer: Quantizer
    private let rows: [UInt32]
    private let kernels: DistanceKernels
    private let seed: UInt64
    private let passingShare: Double

    /// Sketches for a graph that is not changed any more, or nil when they would not help: too few rows or
    /// dimensions, or vectors that vary in all directions alike.
    ///
    /// - Throws: `memory_budget`, or what the context throws.
    /// - Complexity: O(sample · d² + rows · d).
    package static func sketches(
        of graph: GraphView, seed: UInt64, leastRows: Int = Self.leastRows,
        passingShare: Double = Self.passingShare, context: OperationContext,
        kernels: DistanceKernels = .best
    ) throws(DatabaseError) -> SketchTable? {
        guard let quantizer = graph.quantizer, quantizer.kind == .int8,
            quantizer.layout.dimension >= leastDimension, Int(graph.header.rowCount) >= leastRows
        else { return nil }
        let training = SketchTraining(graph, quantizer, seed, passingShare, kernels)
        guard training.rows.count >= leastRows / 4, let basis = try training.basis(context) else {
            return nil
        }
        let table = try SketchTable(basis: basis, rowCount: Int(graph.header.rowCount))
        for row in 0..<graph.header.rowCount where graph.contains(row) {
            if row % 4_096 == 0 { try context.check() }
            table.encode(row, of: graph, kernels: kernels)
        }
        return table
    }

    private init(
        _ graph: GraphView, _ quantizer: Quantizer, _ seed: UInt64, _ passingShare: Double,
        _ kernels: DistanceKernels
    ) {
        self.passingShare = passingShare
        self.graph = graph
        self.quantizer = quantizer
        self.seed = seed
        self.kernels = kernels
        let most = max(1_024, Self.sampleElements / quantizer.layout.dimension)
        let step = max(1, Int(graph.header.rowCount) / most)
        rows = stride(from: 0, to: graph.header.rowCount, by: step).filter { graph.contains($0) }
    }

    private var dimension: Int { quantizer.layout.dimension }

    private func basis(_ context: OperationContext) throws(DatabaseError) -> SketchBasis? {
        let count = min(SketchTable.codes, dimension)
        let directions = try principalDirections(count, context)
        let untested = ranged(coded(directions, count: count))
        try context.check()
        let (margin, farShare) = trial(untested)
        guard farShare <= Self.usefulShare else { return nil }
        return SketchBasis(
            layout: untested.layout, unit: untested.unit, codes: untested.codes, lows: untested.lows,
            steps: untested.steps, margin: margin)
    }

    private func record(_ row: UInt32) -> UnsafeRawPointer {
        graph.nodes + Int(row) * graph.layout.stride
    }

    /// A row's rotated vector as its codes have it.
    private func decode(_ row: UInt32, _ body: (Int, Float) -> Void) {
        let record = record(row)
        let header = ScalarHeader(at: record)
        let codes = (record + ScalarHeader.bytes).assumingMemoryBound(to: UInt8.self)
        for i in 0..<dimension { body(i, header.low + header.step * Float(codes[i])) }
    }
}

// MARK: Directions

extension SketchTraining {
    /// `count` orthonormal vectors that span about the directions of the greatest variance, one after another.
    private func principalDirections(
        _ count: Int, _ context: OperationContext
    ) throws(DatabaseError) -> [Float] {
        let covariance = try covariance(context)
        var generator = SeededGenerator(seed: SeededGenerator.mix(seed))
        var directions = (0..<count * dimension).map { _ in Float.random(in: -1...1, using: &generator) }
        orthonormalize(&directions, count: count)
        for _ in 0..<Self.rounds {
            try context.check()
            directions = multiplied(directions, by: covariance)
            orthonormalize(&directions, count: count)
        }
        return directions
    }

    /// The covariance of the sample times its size: d × d.
    private func covariance(_ context: OperationContext) throws(DatabaseError) -> [Float] {
        var columns = [Float](repeating: 0, count: dimension * rows.count)
        for (place, row) in rows.enumerated() {
            decode(row) { i, value in columns[i * rows.count + place] = value }
        }
        // Only directions matter: unit magnitude keeps squares of squares far from overflow.
        let greatest = columns.reduce(0) { max($0, $1.magnitude) }
        if greatest > 0 { for i in columns.indices { columns[i] /= greatest } }
        var result = [Float](repeating: 0, count: dimension * dimension)
        for i in 0..<dimension {
            if i % 64 == 0 { try context.check() }
            products(of: i, with: columns, rowSize: rows.count, rows: dimension, into: &result)
        }
        return result
    }

    /// The products of row i of a matrix with all its rows, into row i of another.
    private func products(
        of i: Int, with matrix: [Float], rowSize: Int, rows: Int, into result: inout [Float]
    ) {
        matrix.withUnsafeBufferPointer { matrix in
            result.withUnsafeMutableBufferPointer { result in
                // SAFETY: `rows` rows of `rowSize` floats, and room for rows × rows products.
                guard let base = matrix.baseAddress, let out = result.baseAddress else { return }
                kernels.table.pointee.dot_f32_batch(
                    base + i * rowSize, base, rowSize, nil, rows, rowSize, out + i * rows)
            }
        }
    }

    /// Each vector times a symmetric d × d matrix.
    private func multiplied(_ vectors: [Float], by matrix: [Float]) -> [Float] {
        var result = [Float](repeating: 0, count: vectors.count)
        vectors.withUnsafeBufferPointer { vectors in
            matrix.withUnsafeBufferPointer { matrix in
                result.withUnsafeMutableBufferPointer { result in
                    // SAFETY: whole vectors of `dimension` floats, and a matrix of that size.
                    guard let base = vectors.baseAddress, let rows = matrix.baseAddress,
                        let out = result.baseAddress
                    else { return }
                    for start in stride(from: 0, to: vectors.count, by: dimension) {
                        kernels.table.pointee.dot_f32_batch(
                            base + start, rows, dimension, nil, dimension, dimension, out + start)
                    }
                }
            }
        }
        return result
    }

    /// Gram–Schmidt; a vector that lies in the span of those before it becomes zero.
    private func orthonormalize(_ vectors: inout [Float], count: Int) {
        let size = dimension
        vectors.withUnsafeMutableBufferPointer { buffer in
            // SAFETY: `count` vectors of `dimension` floats.
            guard let base = buffer.baseAddress else { return }
            let dot = kernels.table.pointee.dot_f32
            for k in 0..<count {
                let vector = base + k * size
                let before = dot(vector, vector, size)
                for j in 0..<k {
                    let other = base + j * size
                    let share = dot(vector, other, size)
                    for i in 0..<size { vector[i] -= share * other[i] }
                }
                let square = dot(vector, vector, size)
                let scale = square > 1e-10 * before && square > 0 ? 1 / square.squareRoot() : 0
                for i in 0..<size { vector[i] *= scale }
            }
        }
    }

    /// The directions as 7-bit numbers; ranges are not known yet.
    private func coded(_ directions: [Float], count: Int) -> SketchBasis {
        let layout = quantizer.layout
        let greatest = directions.reduce(0) { max($0, $1.magnitude) }
        let unit = max(greatest, .leastNormalMagnitude) / SketchBasis.greatest
        var codes = [UInt8](repeating: 64, count: count * layout.codeBytes)
        for k in 0..<count {
            for i in 0..<dimension {
                let element = (directions[k * dimension + i] / unit).rounded(.toNearestOrEven)
                codes[k * layout.codeBytes + i] = UInt8(64 + max(-63, min(63, element)))
            }
        }
        let zeros = [Float](repeating: 0, count: count)
        return SketchBasis(layout: layout, unit: unit, codes: codes, lows: zeros, steps: zeros, margin: 0)
    }

    /// The same with sixteen codes over 2.7 standard deviations to either side of the mean, which loses least
    /// for coordinates that are about normal.
    private func ranged(_ basis: SketchBasis) -> SketchBasis {
        let count = basis.count
        var sums = [Double](repeating: 0, count: count)
        var squares = sums
        withUnsafeTemporaryAllocation(of: Float.self, capacity: SketchTable.codes) { coordinates in
            // SAFETY: room for as many coordinates as there can be directions.
            let out = coordinates.baseAddress.unsafelyUnwrapped
            for row in rows {
                basis.coordinates(of: record(row), into: out, kernels: kernels)
                for k in 0..<count {
                    sums[k] += Double(out[k])
                    squares[k] += Double(out[k]) * Double(out[k])
                }
            }
        }
        let size = Double(max(1, rows.count))
        var lows: [Float] = []
        var steps: [Float] = []
        for k in 0..<count {
            let mean = sums[k] / size
            let deviation = max(0, squares[k] / size - mean * mean).squareRoot()
            lows.append(Float(mean - 2.7 * deviation))
            steps.append(Float(2 * 2.7 * deviation / 15))
        }
        return SketchBasis(
            layout: basis.layout, unit: basis.unit, codes: basis.codes, lows: lows, steps: steps, margin: 0)
    }
}

// MARK: How good they are

extension SketchTraining {
    /// Compares sketches with codes on rows in the place of queries.
    ///
    /// - Returns: by how much sketches may overrate the distance of a near row in three of four cases, and
    ///   the share of farther rows that pass all the same.
    private func trial(_ basis: SketchBasis) -> (margin: Float, farShare: Double) {
        let near = max(20, rows.count / 100)
        let far = near..<min(rows.count, 20 * near)
        var errors: [Float] = []
        var trials: [[(codes: Float, sketch: Float)]] = []
        for query in stride(from: 0, to: rows.count, by: max(1, rows.count / Self.trialQueries)) {
            let pairs = distances(from: rows[query], basis)
            errors += pairs.prefix(near).map { $0.sketch - $0.codes }
            trials.append(pairs)
        }
        errors.sort()
        guard !errors.isEmpty else { return (0, 1) }
        let margin = errors[Int(Double(errors.count - 1) * passingShare)]
        var passed = 0
        for pairs in trials {
            let limit = pairs[near - 1].codes + margin
            passed += pairs[far].count { $0.sketch <= limit }
        }
        return (margin, Double(passed) / Double(max(1, far.count * trials.count)))
    }

    /// Distances of all sampled rows but itself by codes and by sketches, in the order of the former.
    private func distances(from row: UInt32, _ basis: SketchBasis) -> [(codes: Float, sketch: Float)] {
        let coded = CodedQuery()
        coded.reserve(quantizer.layout, planes: 0)
        decode(row) { i, value in coded.floats[i] = value }
        coded.code(
            multiplier: quantizer.multiplier,
            constant: quantizer.constant(ofRowBias: ScalarHeader(at: record(row)).bias))
        let query = SketchQuery()
        query.prepare(coded, basis: basis, kernels: kernels)
        let sketches = SketchTrial(basis: basis, query: query, kernels: kernels)
        let terms = coded.scalarTerms
        var result: [(codes: Float, sketch: Float)] = []
        result.reserveCapacity(rows.count)
        for other in rows where other != row {
            let record = record(other)
            let codes = (record + ScalarHeader.bytes).assumingMemoryBound(to: UInt8.self)
            let product = kernels.table.pointee.dot_u7s8(codes, coded.bytes, quantizer.layout.codeBytes)
            result.append((terms.distance(to: record, product: product), sketches.distance(to: record)))
        }
        result.sort { $0.codes < $1.codes }
        return result
    }
}

/// Distances by sketches that are made on the spot.
private struct SketchTrial {
    let basis: SketchBasis
    let query: SketchQuery
    let kernels: DistanceKernels

    func distance(to record: UnsafeRawPointer) -> Float {
        withUnsafeTemporaryAllocation(byteCount: SketchTable.stride, alignment: 64) { sketch in
            // SAFETY: room for one sketch.
            let bytes = sketch.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
            SketchTable.encode(record, basis: basis, to: bytes, kernels: kernels)
            var product: Int32 = 0
            for b in 0..<SketchTable.codes / 2 {
                product += Int32(bytes[b] & 15) * Int32(query.bytes[b])
                product += Int32(bytes[b] >> 4) * Int32(query.bytes[64 + b])
            }
            return query.offset + (ScalarHeader(at: record).bias + query.scale * Float(product))
        }
    }
}
