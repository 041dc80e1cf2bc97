// The exact nearest neighbours, found here and not asked of the server: plain float32 sums, four queries at a time over
// each row. It shares no code with the kernels it judges.

import Glibc
import Synchronization

enum Distance: String {
    case cosine, dot, euclid
}

/// Exact answers: for each query the ids of its `k` nearest stored points, nearest first.
struct Truth {
    static let k = 10
    private(set) var nearest: [[(distance: Float, id: UInt64)]]

    /// Scans the stored rows with two threads. O(queries × rows × dimension).
    init(_ data: VectorData, queries: [[Float]], stored: Range<Int>, metric: Distance) {
        let results = Mutex<[Int: [[(distance: Float, id: UInt64)]]]>([:])
        let threads = 2
        let share = (queries.count + threads - 1) / threads
        let workers = (0..<threads).map { number in
            let range = min(number * share, queries.count)..<min((number + 1) * share, queries.count)
            let mine = Array(queries[range])
            return Worker {
                var scan = ExactScan(queries: mine, metric: metric, dimension: data.dimension)
                var row = [Float](repeating: 0, count: data.dimension)
                for index in stored {
                    row.withUnsafeMutableBufferPointer { buffer in
                        if let base = buffer.baseAddress { data.copy(index, to: base) }
                    }
                    scan.offer(row, id: UInt64(index))
                }
                let found = scan.best
                results.withLock { $0[number] = found }
            }
        }
        for worker in workers { worker.join() }
        nearest = results.withLock { found in (0..<threads).flatMap { found[$0] ?? [] } }
    }

    /// Takes points that were written later into account.
    mutating func add(_ points: [(id: UInt64, vector: [Float])], queries: [[Float]], metric: Distance) {
        guard let dimension = queries.first?.count else { return }
        var scan = ExactScan(queries: queries, metric: metric, dimension: dimension, best: nearest)
        for point in points { scan.offer(point.vector, id: point.id) }
        nearest = scan.best
    }

    /// Share of the true neighbours that are among the answers.
    func recall(of answers: [[UInt64]]) -> Double {
        var hits = 0
        var wanted = 0
        for (answer, truth) in zip(answers, nearest) {
            let found = Set(answer)
            hits += truth.count { found.contains($0.id) }
            wanted += truth.count
        }
        return wanted == 0 ? 1 : Double(hits) / Double(wanted)
    }
}

/// The running best of several queries over rows that come one by one.
struct ExactScan {
    private(set) var best: [[(distance: Float, id: UInt64)]]
    private let metric: Distance
    private let dimension: Int
    private let lanes: Int
    /// The queries one behind the other, each filled up with zeros to a multiple of 16 values.
    private var queries: [Float]
    private var row: [Float]
    private var bounds: [Float]

    init(
        queries: [[Float]], metric: Distance, dimension: Int, best: [[(distance: Float, id: UInt64)]]? = nil
    ) {
        self.metric = metric
        self.dimension = dimension
        lanes = (dimension + 15) / 16
        let lanes = lanes
        self.queries = queries.flatMap { $0 + [Float](repeating: 0, count: lanes * 16 - dimension) }
        row = [Float](repeating: 0, count: lanes * 16)
        self.best = best ?? Array(repeating: [], count: queries.count)
        bounds = self.best.map { $0.count < Truth.k ? .infinity : $0[Truth.k - 1].distance }
    }

    mutating func offer(_ vector: [Float], id: UInt64) {
        row.replaceSubrange(0..<dimension, with: vector)
        // The query's own norm does not change the order of the answers.
        var scale: Float = 1
        if metric == .cosine {
            scale = 1 / vector.reduce(0 as Float) { $0 + $1 * $1 }.squareRoot()
        }
        for start in stride(from: 0, to: best.count, by: 4) {
            let sums = row.withUnsafeBytes { row in
                queries.withUnsafeBytes { queries in self.sums(row, queries, from: start) }
            }
            for number in start..<min(start + 4, best.count) {
                let distance = metric == .euclid ? sums[number - start] : -sums[number - start] * scale
                if distance < bounds[number] { insert(distance, id, into: number) }
            }
        }
    }

    /// Squared distances or products of one row with four queries.
    private func sums(
        _ row: UnsafeRawBufferPointer, _ queries: UnsafeRawBufferPointer, from start: Int
    ) -> SIMD4<Float> {
        var a = SIMD16<Float>.zero, b = a, c = a, d = a
        let stride = lanes * 64
        // Behind the last query the last one is read again.
        let places = (0..<4).map { min(start + $0, best.count - 1) * stride }
        let (pa, pb, pc, pd) = (places[0], places[1], places[2], places[3])
        for offset in Swift.stride(from: 0, to: stride, by: 64) {
            let x = row.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self)
            let qa = queries.loadUnaligned(fromByteOffset: pa + offset, as: SIMD16<Float>.self)
            let qb = queries.loadUnaligned(fromByteOffset: pb + offset, as: SIMD16<Float>.self)
            let qc = queries.loadUnaligned(fromByteOffset: pc + offset, as: SIMD16<Float>.self)
            let qd = queries.loadUnaligned(fromByteOffset: pd + offset, as: SIMD16<Float>.self)
            if metric == .euclid {
                let (da, db, dc, dd) = (x - qa, x - qb, x - qc, x - qd)
                a += da * da
                b += db * db
                c += dc * dc
                d += dd * dd
            } else {
                a += x * qa
                b += x * qb
                c += x * qc
                d += x * qd
            }
        }
        return SIMD4(a.sum(), b.sum(), c.sum(), d.sum())
    }

    private mutating func insert(_ distance: Float, _ id: UInt64, into number: Int) {
        let place = best[number].firstIndex { distance < $0.distance } ?? best[number].count
        best[number].insert((distance, id), at: place)
        if best[number].count > Truth.k { best[number].removeLast() }
        if best[number].count == Truth.k { bounds[number] = best[number][Truth.k - 1].distance }
    }
}
