// Searches with their exact answers, asked when a snapshot is taken and asked again of what was restored from it:
// that the bytes are the same is what checksums show, that they mean the same is what these show.

import NeedleCore
import NeedleStorage
import NeedleVectors

/// Asks probes of one moment of a collection.
struct SnapshotProbes {
    let collection: Collection
    let view: ReadView

    private static let hits = 10
    /// Fewer are asked where scanning for them would read more than this, but not fewer than `least`.
    private static let scannedBytes = 32 << 30
    private static let least = 8
    /// All of their vectors together.
    private static let vectorBytes = 4 << 20

    private var config: CollectionConfig { collection.config }

    // MARK: Asking

    /// Chooses probes and answers them, exactly.
    ///
    /// - Parameter seed: the same seed chooses the same.
    func make(seed: UInt64, work: SnapshotWork) throws(DatabaseError) -> [Probe] {
        let targets = targets(seed: seed)
        try work.begin("probing", total: targets.count)
        var probes: [Probe] = []
        for target in targets {
            let hits = try answer(target.vector, space: target.space, limit: Self.hits, work.context)
            probes.append(
                Probe(space: target.space, vector: target.vector, limit: Self.hits, hits: hits))
            try work.advance(1, bytes: 0)
        }
        return probes
    }

    private func answer(
        _ vector: [Float], space: Int, limit: Int, _ context: OperationContext
    ) throws(DatabaseError) -> [Probe.Hit] {
        let query = SearchQuery(
            target: .vector(vector), limit: limit, effort: .exact,
            selection: PointSelection(payload: .none, withVector: false))
        let search = Search(
            view: view, config: config, options: collection.options, space: space, query: query,
            prepared: PreparedQuery(vector, metric: config.spaces[space].metric), excluded: [],
            recall: RecallTable(), scratches: collection.scratches, context: context)
        let outcome = try search.run()
        // Damage found meanwhile: what is left out now would be missed in every restored copy, or not be missed.
        guard outcome.isComplete else {
            try view.set.requireUndamaged()
            throw DatabaseError(
                .corruption, "a part of the collection is damaged: no exact answer to a probe")
        }
        return outcome.hits.map { Probe.Hit(id: $0.record.id, score: $0.score) }
    }

    private func scanBytes(of space: Int) -> Int {
        view.set.newestFirst.reduce(0) { $0 + $1.visibleRows(at: view.lsn) } * 4 * config.spaces[space].size
    }

    // MARK: Choosing

    /// Vectors of random points, and sums of two of them, which no point need be near.
    private func targets(seed: UInt64) -> [(space: Int, vector: [Float])] {
        var generator = SeededGenerator(seed: seed)
        var targets: [(space: Int, vector: [Float])] = []
        for space in config.spaces.indices {
            var before: [Float]?
            for _ in 0..<probes(of: space) {
                guard let vector = randomVector(space: space, using: &generator) else { break }
                let sum = before.map { zip($0, vector).map(+) }
                let isGood = sum.map { isSearchable($0, space: space) } ?? false
                targets.append((space, isGood ? sum ?? vector : vector))
                before = before == nil ? vector : nil
            }
        }
        return targets
    }

    private func probes(of space: Int) -> Int {
        let byWork = Self.scannedBytes / max(1, scanBytes(of: space))
        let bySize = Self.vectorBytes / (4 * config.spaces[space].size)
        return max(
            1, min(collection.options.snapshotProbes, max(byWork, Self.least), bySize) / config.spaces.count)
    }

    private func isSearchable(_ vector: [Float], space: Int) -> Bool {
        (try? VectorCheck(space: config.spaces[space], index: space).stored(vector)) != nil
    }

    private func randomVector(space: Int, using generator: inout SeededGenerator) -> [Float]? {
        let segments = view.set.newestFirst.map { (segment: $0, rows: $0.visibleRows(at: view.lsn)) }
        let rows = segments.reduce(0) { $0 + $1.rows }
        guard rows > 0 else { return nil }
        for _ in 0..<50 {
            var row = Int.random(in: 0..<rows, using: &generator)
            for item in segments {
                guard row >= item.rows else {
                    let columns = item.segment.space(space).columns
                    guard view.isVisible(row, in: item.segment), columns.hasVector(row) else { break }
                    return Array(columns.vector(of: row))
                }
                row -= item.rows
            }
        }
        return nil
    }

    // MARK: Comparing

    /// Asks probes again.
    ///
    /// - Parameter file: for messages.
    /// - Throws: `corruption` when an answer is another one.
    func compare(_ probes: [Probe], file: String, work: SnapshotWork) throws(DatabaseError) {
        try work.begin("probing", total: probes.count)
        for (number, probe) in probes.enumerated() {
            guard config.spaces.indices.contains(probe.space), probe.limit <= Self.hits,
                probe.vector.count == config.spaces[probe.space].size,
                isSearchable(probe.vector, space: probe.space)
            else {
                throw .corruption(file: file, offset: 0, what: "probe \(number) is none for this collection")
            }
            let found = try answer(probe.vector, space: probe.space, limit: probe.limit, work.context)
            guard Self.agree(probe.hits, found) else {
                throw .corruption(
                    file: file, offset: 0,
                    what: "probe \(number) finds \(Self.text(found)) in place of \(Self.text(probe.hits))")
            }
            try work.advance(1, bytes: 0)
        }
    }

    /// Scores agree when they differ by no more than this, relative to the larger of them and 1. They are computed
    /// in double precision in one order and given as float32, so they are equal on every processor of ours; what
    /// may differ is which of several equally near rows the float32 kernels let through.
    private static let tolerance = 1e-5

    private static func areClose(_ left: Double, _ right: Double) -> Bool {
        abs(left - right) <= tolerance * max(1, abs(left), abs(right))
    }

    /// The same scores place by place, and the same ids but for ties at the end.
    static func agree(_ expected: [Probe.Hit], _ found: [Probe.Hit]) -> Bool {
        guard expected.count == found.count, zip(expected, found).allSatisfy({ areClose($0.score, $1.score) })
        else { return false }
        guard let last = expected.last?.score else { return true }
        let scores = Dictionary(found.map { ($0.id, $0.score) }, uniquingKeysWith: { first, _ in first })
        return expected.allSatisfy { hit in
            scores[hit.id].map { areClose($0, hit.score) } ?? areClose(hit.score, last)
        }
    }

    private static func text(_ hits: [Probe.Hit]) -> String {
        hits.map { "\($0.id) (\($0.score))" }.joined(separator: ", ")
    }
}
