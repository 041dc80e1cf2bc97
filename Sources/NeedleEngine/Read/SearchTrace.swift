import NeedleCore
import NeedleVectors

/// What a search that explains itself did, and how long it took. Used by one thread. A search that does not explain
/// itself has none, and pays one comparison a segment.
final class SearchTrace {
    private let clock: any Clock
    private var phaseStart: UInt64
    private var segmentStart: UInt64 = 0
    /// In nanoseconds, in the order in which they ended.
    private(set) var phases: [(name: String, nanoseconds: UInt64)] = []
    private(set) var segments: [SegmentTrace] = []

    /// - Parameter start: since then the search has been finding out what it looks for.
    init(clock: any Clock, since start: UInt64) {
        self.clock = clock
        phaseStart = start
    }

    /// Another attempt begins; what was found damaged ended the one before.
    func begin() {
        if phases.isEmpty {
            end("target")
        } else {
            phases = Array(phases.prefix(1))
            segments = []
            phaseStart = clock.monotonicNanoseconds()
        }
    }

    func end(_ phase: String) {
        let now = clock.monotonicNanoseconds()
        phases.append((phase, now - min(now, phaseStart)))
        phaseStart = now
    }

    func beginSegment(_ search: SegmentSearch, matching: Int?, _ plan: Search.Plan) -> SegmentTrace {
        let segment = SegmentTrace(search, matching: matching, plan)
        segments.append(segment)
        segmentStart = clock.monotonicNanoseconds()
        return segment
    }

    /// - Parameter found: rows that became candidates; of those with final scores the vectors were read once more.
    func endSegment(found: Int, isEstimated: Bool) {
        guard let segment = segments.last else { return }
        if !isEstimated { segment.fullDistances += found }
        segment.found = found
        let now = clock.monotonicNanoseconds()
        segment.nanoseconds = now - min(now, segmentStart)
    }
}

/// What a search did in one segment. Counts what the graph's search meets, as its guard.
final class SegmentTrace: RowGuard {
    let segment: any Segment
    let rows: Int
    /// Rows that the filter leaves.
    let matching: Int?
    private(set) var way: String
    var why: String
    private(set) var ef: Int?
    /// Rows whose codes, links or, without codes, vectors the search of the graph read.
    private(set) var nodesVisited = 0
    private(set) var codedDistances = 0
    /// By original vectors, final scores included.
    var fullDistances = 0
    private(set) var rescored = 0
    /// How often the beam was too narrow.
    var widenings = 0
    var found = 0
    var nanoseconds: UInt64 = 0

    private let hasCodes: Bool
    private var checks: (any RowGuard)?

    init(_ search: SegmentSearch, matching: Int?, _ plan: Search.Plan) {
        segment = search.segment
        rows = search.visibleRows
        self.matching = matching
        hasCodes = search.space.graph?.quantizer != nil
        switch plan {
        case .few: (way, why) = ("originals", "few rows match")
        case .exact(let reason):
            (way, why) = ("exact", reason.rawValue)
        case .graph(let effort):
            (way, why, ef) = (
                "graph", "the beam that the wanted recall calls for, or that was asked for", effort.ef
            )
        }
    }

    /// How the rows that a filter leaves are searched.
    func note(_ chosen: FilteredPlan.Way, _ plan: FilteredPlan) {
        let costs =
            "a scan is estimated at \(Int(plan.scanNanoseconds / 1000)) µs, a walk at \(Int(plan.walkNanoseconds / 1000)) µs"
        switch chosen {
        case .originals:
            (way, why, ef) = ("originals", "few rows match, or there are no codes: " + costs, nil)
        case .codes: (way, why, ef) = ("codes", costs, nil)
        case .graph(let width): (way, why, ef) = ("filtered_graph", costs, width)
        }
    }

    /// So few rows are left that their originals are compared.
    func noteFew() { (way, why, ef) = ("originals", "few rows match", nil) }

    func noteRescored(_ count: Int) {
        rescored += count
        fullDistances += count
    }

    // MARK: The guard of a graph's search

    /// - Parameter checks: what admits rows without a trace.
    func guarding(with checks: (any RowGuard)?) -> any RowGuard {
        self.checks = checks
        return self
    }

    func admit(_ row: UInt32) {
        nodesVisited += 1
        checks?.admit(row)
    }

    func noteDistances(_ count: Int) {
        if hasCodes { codedDistances += count } else { fullDistances += count }
    }

    var refusal: DatabaseError? { checks?.refusal }
}
