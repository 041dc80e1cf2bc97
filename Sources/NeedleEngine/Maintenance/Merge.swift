import NeedleCore
import NeedleStorage

/// Several sealed segments on their way to become one: their live rows, copied once, and a graph that goes on
/// from that of the largest of them (`MergeBase`).
///
/// The output is a growing segment that takes no writes. Rows that died or expired before the merge began are left
/// behind; those that die meanwhile are marked, and payloads that change meanwhile handed over, when the output takes
/// the inputs' place, under the writer lock.
/// O(rows) memory.
final class Merge: Sendable {
    let inputs: [SealedSegment]
    let output: GrowingSegment
    /// Row i of the output came from this row of this input.
    let sources: [Source]
    /// Changes of payloads up to here are in the output's rows; later ones follow when it takes the inputs' place.
    private let foldedLSN: LSN
    /// Rows that had expired when the merge began.
    private let expired: [Source]

    struct Source: Sendable {
        var input: Int
        var row: Int
    }

    /// - Parameters:
    ///   - inputs: verified: see `SealedSegment.verifyAll`.
    ///   - view: visible and durable: rows dead or expired in it are dropped.
    ///   - foldedLSN: what a checkpoint may cover: changes of payloads that the log would be replayed with stay
    ///     beside the rows.
    ///   - id: the number of the output's file.
    ///   - tenantKey: the rows of each of its values are put side by side.
    init(
        _ inputs: [SealedSegment], of view: ReadView, foldedLSN: LSN, id: UInt64, tenantKey: FieldPath?,
        config: CollectionConfig, options: EngineOptions
    ) throws(DatabaseError) {
        self.inputs = inputs
        self.foldedLSN = foldedLSN
        let alive = Self.rowsByVersion(of: inputs, at: view.lsn, foldedLSN: foldedLSN)
        var sources = alive.filter { !inputs[$0.input].columns.isExpired($0.row, at: view.now) }
        if let tenantKey {
            sources = try TenantOrder(tenantKey, at: foldedLSN).grouping(sources, of: inputs)
        }
        self.sources = sources
        expired =
            sources.count == alive.count
            ? [] : alive.filter { inputs[$0.input].columns.isExpired($0.row, at: view.now) }
        output = try GrowingSegment(
            id: id, config: config, capacity: max(1, sources.count), options: options,
            isByVersion: tenantKey == nil,
            adoptions: config.spaces.indices.map { space in
                MergeBase(inputs: inputs, sources: sources, space: space, m: config.spaces[space].hnsw.m)
                    .adoption
            })
        for input in inputs { input.beginReadingAll() }
        defer { for input in inputs { input.endReadingAll() } }
        for source in sources {
            let segment = inputs[source.input]
            let point = try Self.wholePoint(source.row, of: segment, at: foldedLSN, config: config)
            try output.append(
                point, version: segment.version(of: source.row, at: foldedLSN), hash: IDHash.hash(point.id))
        }
    }

    var isEmpty: Bool { sources.isEmpty }

    /// Marks in the output what died in the inputs since the merge began. Under the writer lock.
    ///
    /// - Returns: how many expired rows go for good now: they were alive as far as the counts know.
    func transferDeletions() -> Int {
        for (row, source) in sources.enumerated() {
            if let lsn = inputs[source.input].deletions.deletionLSN(of: source.row) {
                output.deletions.mark(row, at: lsn)
            }
        }
        return expired.count { inputs[$0.input].deletions.deletionLSN(of: $0.row) == nil }
    }

    /// Hands the output the changes of payloads that its rows do not hold. Under the writer lock, before anything else
    /// changes.
    ///
    /// - Throws: `memory_budget`, with nothing handed over.
    func transferPayloads() throws(DatabaseError) {
        var changes: [(change: PayloadOverlay.Change, input: Int)] = []
        for (index, input) in inputs.enumerated() {
            changes += input.overlay.changes(after: foldedLSN).map { ($0, index) }
        }
        guard !changes.isEmpty else { return }
        var places = inputs.map { [Int32](repeating: -1, count: $0.rowCount) }
        for (row, source) in sources.enumerated() { places[source.input][source.row] = Int32(row) }
        changes.sort { ($0.change.lsn, $0.input, $0.change.row) < ($1.change.lsn, $1.input, $1.change.row) }
        let kept = changes.filter { places[$0.input][$0.change.row] >= 0 }
        try output.overlay.requireRoom(
            changes: kept.count, bytes: kept.reduce(0) { $0 + $1.change.payload.count })
        for (change, input) in kept {
            output.overlay.append(change.payload, row: Int(places[input][change.row]), lsn: change.lsn)
        }
    }

    /// Rows of all inputs that are not deleted, by rising version, so that the output keeps the order segments have.
    private static func rowsByVersion(
        of inputs: [SealedSegment], at lsn: LSN, foldedLSN: LSN
    ) -> [Source] {
        var sources: [(version: LSN, source: Source)] = []
        for (index, input) in inputs.enumerated() {
            for row in 0..<input.rowCount where !input.deletions.isDeleted(row, at: lsn) {
                sources.append((input.version(of: row, at: foldedLSN), Source(input: index, row: row)))
            }
        }
        sources.sort { left, right in
            (left.version, left.source.input, left.source.row)
                < (right.version, right.source.input, right.source.row)
        }
        return sources.map(\.source)
    }

    /// The inputs' blocks agree with their checksums, so what cannot be read now contradicts itself.
    private static func wholePoint(
        _ row: Int, of segment: SealedSegment, at lsn: LSN, config: CollectionConfig
    ) throws(DatabaseError) -> StoredPoint {
        do throws(DatabaseError) {
            return try point(row, of: segment, at: lsn, config: config)
        } catch {
            if error.kind == .corruption { segment.condemn(error) }
            throw error
        }
    }

    private static func point(
        _ row: Int, of segment: SealedSegment, at lsn: LSN, config: CollectionConfig
    ) throws(DatabaseError) -> StoredPoint {
        var vectors: [StoredVector] = []
        for (index, space) in config.spaces.enumerated() {
            let columns = segment.space(index).columns
            guard columns.hasVector(row) else { continue }
            do throws(DatabaseError) {
                vectors.append(
                    try VectorCheck(space: space, index: index).stored(Array(columns.vector(of: row))))
            } catch {
                throw .corruption(
                    file: segment.columns.origin, offset: row, what: "vector of row \(row): \(error.message)")
            }
        }
        let columns = segment.columns
        return StoredPoint(
            id: try columns.id(of: row), expiresAt: columns.expiry(of: row),
            payload: Array(try segment.payload(of: row, at: lsn)), vectors: vectors)
    }
}
