import Glibc
import NeedleCore
import NeedleVectors

/// Chooses how hard a segment is searched so that a recall is reached, from what was measured there, elsewhere,
/// or, before anything was measured, by a careful formula.
struct EffortChoice {
    let config: SpaceConfig
    /// Beam that reaches the standard recall where nothing was measured (`search.default_ef`).
    let defaultEF: Int
    let table: RecallTable

    /// The recall of searches that name no effort (protocol, section 5).
    static let standardRecall = 0.97
    /// Rows of the collections behind the formula's constant.
    private static let formulaRows = 60_000.0

    /// The graph part of a segment, as a search meets it.
    struct Part {
        var segment: UInt64
        var space: Int
        /// Rows that the graph reaches.
        var rows: Int
        /// How many of them are alive, about.
        var live: Int
        /// What its graph computes distances on.
        var codeKind: UInt32
    }

    /// A segment's part of a space now.
    static func part(of segment: any Segment, _ space: SearchableSpace, index: Int, visibleRows: Int) -> Part
    {
        let rows = min(space.indexed, visibleRows)
        return Part(
            segment: segment.id, space: index, rows: rows,
            live: max(0, rows - segment.deletions.count), codeKind: space.graph?.header.codeKind ?? 0)
    }

    /// - Parameters:
    ///   - target: share of the true neighbours wanted, 0.5 … 0.999.
    ///   - wanted: rows wanted of the segment.
    /// - Returns: `nil` when comparing every row is cheaper.
    func effort(target: Double, wanted: Int, part: Part) -> SegmentEffort? {
        let ef = max(wanted, beam(target: target, wanted: wanted, part: part))
        let rows = min(ef, part.rows)
        if EffortLadder.isScanCheaper(ef: rows, m: config.hnsw.m, rows: part.rows) { return nil }
        return SegmentEffort(ef: ef)
    }

    /// The wider of the beams that stored points and clients' queries call for: queries to come may be like either.
    private func beam(target: Double, wanted: Int, part: Part) -> Int {
        let beams = RecallSource.allCases.compactMap { source in
            beam(target: target, wanted: wanted, part: part, source: source)
        }
        return beams.max() ?? formula(target: target, wanted: wanted, rows: part.rows)
    }

    private func beam(target: Double, wanted: Int, part: Part, source: RecallSource) -> Int? {
        let key = RecallKey(segment: part.segment, space: part.space, source: source)
        guard
            let known = table[key, codeKind: part.codeKind]
                ?? table.newest(space: part.space, source: source, codeKind: part.codeKind),
            let curve = known.curve(wanted: wanted),
            let answer = curve.ef(reaching: Self.raised(target, wanted: wanted))
        else { return nil }
        let ef =
            switch answer {
            case .ef(let ef): ef
            case .beyond(let largest): largest
            }
        return scaled(ef, curve: curve, known: known, wanted: wanted, part: part)
    }

    /// The very nearest are not found more surely than the first ten, and one miss of one is all: for fewer rows
    /// than were ever measured, less may be missed (measured on held-out rows of text embeddings: at a recall of
    /// 0.98 of ten, 0.969 of one).
    static func raised(_ target: Double, wanted: Int) -> Double {
        let shallowest = Double(EffortLadder.depths.min() ?? 1)
        let share = 0.6 + 0.4 * min(1, Double(wanted - 1) / max(1, shallowest - 1))
        return 1 - (1 - target) * share
    }

    /// What was measured on other rows, or on these before some died, for as many as there are now.
    private func scaled(_ ef: Int, curve: RecallCurve, known: SpaceRecall, wanted: Int, part: Part) -> Int {
        var factor = 1.0
        // The effort at equal recall rises far slower than the rows; a segment with fewer gets no less.
        if part.rows > known.rows { factor *= (Double(part.rows) / Double(max(1, known.rows))).squareRoot() }
        // Dead rows take places in the beam.
        let livingThen = Double(known.live) / Double(max(1, known.rows))
        let livingNow = Double(part.live) / Double(max(1, part.rows))
        if livingNow > 0, livingNow < livingThen { factor *= livingThen / livingNow }
        if wanted > curve.k { factor *= Double(wanted) / Double(curve.k) }
        return Int((Double(ef) * min(factor, 1e6)).rounded(.up))
    }

    /// The effort before anything was measured. On text embeddings the missed share falls like 1/ef; more
    /// rows, sparser graphs and more neighbours take more.
    func formula(target: Double, wanted: Int, rows: Int) -> Int {
        let missed = (1 - Self.standardRecall) / max(1 - target, 0.001)
        let size = pow(max(1, Double(rows) / Self.formulaRows), 0.25)
        let sparse = max(1, 16 / Double(config.hnsw.m))
        let depth = 1 + Double(max(0, min(wanted, 100) - 10)) / 60
        let code = config.quantization == .binary ? 2.0 : 1.0
        let ef = Double(defaultEF) * missed * size * sparse * depth * code
        return max(Int(ef.rounded(.up)), wanted > 10 ? 2 * wanted : wanted)
    }
}
