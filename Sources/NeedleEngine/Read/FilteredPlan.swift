import NeedleVectors

/// How a segment is searched among the rows that a filter leaves: the cheapest way that finds them, by what each way
/// was measured to cost.
///
/// Measured on 62,666 MiniLM vectors of 384 dimensions with int8 codes and sketches, one thread
/// (`recall-benchmark FILE --filter 0.5,0.1,0.01 --ef 64,96`): a scan of the codes takes 9 ns a row where half of
/// them is admitted, 25 where a tenth is and the sketches lie apart, with a recall of 0.99 and more; a walk takes
/// 1.6 µs per place of its beam where half is admitted, 2.2 where a tenth is, and finds less the fewer are.
struct FilteredPlan {
    enum Way: Hashable {
        /// The original vectors of every row.
        case originals
        /// The codes of every row; then the originals of the nearest.
        case codes
        /// The graph, through rows that the filter leaves out.
        case graph(ef: Int)
    }

    /// Rows that the graph reaches, and those of them that match.
    var reached: Int
    var matching: Int
    /// The beam of a search without a filter.
    var ef: Int
    /// The first rows by codes that are compared by their originals anyway.
    var depth: Int
    /// What the graph computes distances on; `nil`: on the originals.
    var code: CodeKind?

    private static let originalNanoseconds = 150.0
    private static let sketchNanoseconds = 16.0
    private static let beamNanoseconds = 800.0
    /// A share of matches nearby below this part of their share overall: the filter goes against the query.
    private static let opposition = 0.33

    private var share: Double { Double(matching) / Double(max(1, reached)) }

    /// The beam for a walk: the fewer rows match, the less surely their neighbours lead from one to the next.
    private var walkedEF: Double { Double(ef) * (1 + 0.05 / max(share, 1e-6)) }

    var walkNanoseconds: Double {
        walkedEF * Self.beamNanoseconds * (1 + 2 * (1 - share))
    }

    var scanNanoseconds: Double {
        Double(matching) * (code == nil ? Self.originalNanoseconds : Self.sketchNanoseconds)
    }

    /// So few rows are compared by their originals, whatever the rest costs.
    static func mostOriginals(depth: Int) -> Int { 2 * depth }

    /// So few rows are compared by their originals before anything else is asked, while those lie in memory: preparing
    /// the query for codes, a mask of all rows and the second look take as long.
    static let fewRows = 128

    /// - Parameter shareNearby: asked only where a walk would be cheaper: which share of the rows around the query
    ///   match.
    func way<Failure: Error>(shareNearby: () throws(Failure) -> Double) throws(Failure) -> Way {
        if matching <= Self.mostOriginals(depth: depth) { return .originals }
        let scan: Way = code == nil ? .originals : .codes
        guard scanNanoseconds > walkNanoseconds else { return scan }
        guard try shareNearby() < Self.opposition * share else { return .graph(ef: Int(walkedEF)) }
        // Against the query a walk needs a beam several times as wide.
        let wider = 4 * walkedEF
        return scanNanoseconds > 4 * walkNanoseconds ? .graph(ef: Int(wider)) : scan
    }
}
