import NeedleCore
import NeedleStorage

/// Several sealed segments on their way to become one: their live rows, copied once, and a graph that goes on
/// from that of the largest of them (`MergeBase`).
///
/// The output is a growing segment that takes no writes. Rows that died or expired before the merge began are left
/// behind; those that die meanwhile are marked when the output takes the inputs' place, under the writer lock.
/// O(rows) memory.
final class Merge: Sendable {
    let inputs: [SealedSegment]
    let output: GrowingSegment
    /// Row i of the output came from this row of this input.
    let sources: [Source]
    /// Rows that had expired when the merge began.
    private let expired: [Source]

    struct Source: Sendable {
        var input: Int
        var row: Int
    }

    /// - Parameters:
    ///   - inputs: verified: see `SealedSegment.verifyAll`.
    ///   - view: visible and durable: rows dead or expired in it are dropped.
    ///   - id: the number of the output's file.
    init(
        _ inputs: [SealedSegment], of view: ReadView, id: UInt64, config: CollectionConfig,
        options: EngineOptions
    ) throws(DatabaseError) {
        self.inputs = inputs
        let alive = Self.rowsByVersion(of: inputs, at: view.lsn)
        let sources = alive.filter { !inputs[$0.input].columns.isExpired($0.row, at: view.now) }
        self.sources = sources
        expired =
            sources.count == alive.count
            ? [] : alive.filter { inputs[$0.input].columns.isExpired($0.row, at: view.now) }
        output = try GrowingSegment(
            id: id, config: config, capacity: max(1, sources.count), options: options,
            adoptions: config.spaces.indices.map { space in
                MergeBase(inputs: inputs, sources: sources, space: space, m: config.spaces[space].hnsw.m)
                    .adoption
            })
        for input in inputs { input.beginReadingAll() }
        defer { for input in inputs { input.endReadingAll() } }
        for source in sources {
            let segment = inputs[source.input]
            let point = try Self.wholePoint(source.row, of: segment, config: config)
            try output.append(
                point, version: segment.columns.version(of: source.row), hash: IDHash.hash(point.id))
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

    /// Rows of all inputs that are not deleted, by rising version, so that the output keeps the order segments have.
    private static func rowsByVersion(of inputs: [SealedSegment], at lsn: LSN) -> [Source] {
        var sources: [Source] = []
        for (index, input) in inputs.enumerated() {
            for row in 0..<input.rowCount where !input.deletions.isDeleted(row, at: lsn) {
                sources.append(Source(input: index, row: row))
            }
        }
        return sources.sorted { left, right in
            let leftVersion = inputs[left.input].columns.versions[left.row]
            let rightVersion = inputs[right.input].columns.versions[right.row]
            return (leftVersion, left.input, left.row) < (rightVersion, right.input, right.row)
        }
    }

    /// The inputs' blocks agree with their checksums, so what cannot be read now contradicts itself.
    private static func wholePoint(
        _ row: Int, of segment: SealedSegment, config: CollectionConfig
    ) throws(DatabaseError) -> StoredPoint {
        do throws(DatabaseError) {
            return try point(row, of: segment, config: config)
        } catch {
            if error.kind == .corruption { segment.condemn(error) }
            throw error
        }
    }

    private static func point(
        _ row: Int, of segment: SealedSegment, config: CollectionConfig
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
            payload: Array(try columns.payload(of: row)), vectors: vectors)
    }
}
