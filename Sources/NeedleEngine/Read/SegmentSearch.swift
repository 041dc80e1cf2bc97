import NeedleCore
import NeedleVectors

/// The part of a search that concerns one segment: its nearest visible rows, by distances of the float
/// kernels; of rows that a traversal on codes found and nobody wants rescored, by those of the codes.
///
/// Returns somewhat more rows than are wanted, because the final scores, in double precision, may order the
/// last ones differently. A class for the same reason as `Search`.
final class SegmentSearch {
    let segment: any Segment
    let space: SearchableSpace
    let visibleRows: Int
    let view: ReadView
    let query: PreparedQuery
    let wanted: Int
    /// Whether what codes found is ordered again by the original vectors, which otherwise are not read.
    let rescores: Bool
    /// Rows that count as not stored: a measurement's own query. Few.
    let avoiding: [UInt32]
    let scratches: SearchScratchPool
    let context: OperationContext
    /// Of a search that explains itself.
    var trace: SegmentTrace?

    init(
        segment: any Segment, space: SearchableSpace, visibleRows: Int, view: ReadView, query: PreparedQuery,
        wanted: Int, rescores: Bool = true, avoiding: [UInt32] = [], scratches: SearchScratchPool,
        context: OperationContext
    ) {
        self.segment = segment
        self.space = space
        self.visibleRows = visibleRows
        self.view = view
        self.query = query
        self.wanted = wanted
        self.rescores = rescores
        self.avoiding = avoiding
        self.scratches = scratches
        self.context = context
    }

    /// Float kernels cannot be trusted with this query or with some row here.
    var needsWideScan: Bool { query.isWide || space.hasWideRows }

    /// Rows that the graph does not reach yet.
    private var tail: Range<UInt32> {
        UInt32(min(space.indexed, visibleRows))..<UInt32(visibleRows)
    }

    var hasTail: Bool { !tail.isEmpty }

    var kept: Int { wanted + 8 + wanted / 8 }

    @inline(__always)
    private func isCandidate(_ row: UInt32) -> Bool {
        space.columns.hasVector(Int(row)) && view.isVisible(Int(row), in: segment)
            && (avoiding.isEmpty || !avoiding.contains(row))
    }

    /// Ties go to the smaller id; an id that cannot be read is reported when the record is built.
    func precedes(_ left: UInt32, _ right: UInt32) -> Bool {
        do throws(DatabaseError) {
            return try segment.columns.isID(of: Int(left), before: Int(right), in: segment.columns)
        } catch {
            return left < right
        }
    }

    // MARK: Checks

    /// Rows whose vectors are checked between two looks at the context.
    private static let checkedRows: UInt32 = 1 << 14

    /// To be called before vectors are read, if the graph's search did not read them itself.
    func verifyVectors(of rows: some Sequence<UInt32>) throws(DatabaseError) {
        guard space.checks != nil else { return }
        for row in rows { try space.verifyVectors(of: Int(row)..<(Int(row) + 1)) }
    }

    private func verifyVectors(of rows: Range<UInt32>) throws(DatabaseError) {
        guard space.checks != nil else { return }
        var next = rows.lowerBound
        while next < rows.upperBound {
            try context.check()
            let end = rows.upperBound - next > Self.checkedRows ? next + Self.checkedRows : rows.upperBound
            try space.verifyVectors(of: Int(next)..<Int(end))
            next = end
        }
    }

    /// For one search of the graph.
    func rowGuard() -> (any RowGuard)? {
        let checks = space.checks?.rowGuard()
        return trace.map { $0.guarding(with: checks) } ?? checks
    }

    // MARK: Exact

    func scanAll() throws(DatabaseError) -> [Neighbour] {
        var top = TopK(capacity: kept)
        try scan(0..<UInt32(visibleRows), into: &top)
        return top.sorted(precedes: precedes)
    }

    /// Scans rows that are known to be visible.
    func scan(list rows: [UInt32]) throws(DatabaseError) -> [Neighbour] {
        var top = TopK(capacity: kept)
        let withVector = rows.filter { space.columns.hasVector(Int($0)) }
        trace?.fullDistances += withVector.count
        try verifyVectors(of: withVector)
        if needsWideScan {
            try WideScan.scan(list: withVector.span, of: space.table, query: query, context: context) {
                neighbour in
                top.offer(neighbour, precedes: precedes)
            }
        } else {
            var left = withVector[...]
            while !left.isEmpty {
                let block = left.prefix(ExactScan.blockRows)
                left = left.dropFirst(block.count)
                try readingOriginals(of: block) { () throws(DatabaseError) in
                    try scanFloats(list: block, into: &top)
                }
            }
        }
        return top.sorted(precedes: precedes)
    }

    private func scan(_ rows: Range<UInt32>, into top: inout TopK) throws(DatabaseError) {
        try verifyVectors(of: rows)
        trace?.fullDistances += rows.count
        if needsWideScan {
            try WideScan.scan(rows, of: space.table, query: query, context: context) { neighbour in
                if isCandidate(neighbour.row) { top.offer(neighbour, precedes: precedes) }
            }
            return
        }
        guard let originals = space.originals else { return try scanFloats(rows, into: &top) }
        try originals.reading(rows) { (window) throws(DatabaseError) in try scanFloats(window, into: &top) }
    }

    private func scanFloats(_ rows: Range<UInt32>, into top: inout TopK) throws(DatabaseError) {
        try ExactScan.scan(rows, of: space.table, query: query, context: context) { first, distances in
            for i in distances.indices where Double(distances[i]) <= top.bound {
                let row = first + UInt32(i)
                guard isCandidate(row) else { continue }
                top.offer(Neighbour(distance: Double(distances[i]), row: row), precedes: precedes)
            }
        }
    }

    private func scanFloats(list rows: ArraySlice<UInt32>, into top: inout TopK) throws(DatabaseError) {
        try ExactScan.scan(list: rows.span, of: space.table, query: query, context: context) {
            rows, distances in
            for i in rows.indices where Double(distances[i]) <= top.bound {
                top.offer(Neighbour(distance: Double(distances[i]), row: rows[i]), precedes: precedes)
            }
        }
    }

    func readingOriginals<Result>(
        of rows: some Sequence<UInt32>, _ body: () throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        guard let originals = space.originals else { return try body() }
        return try originals.reading(rows, body)
    }

    // MARK: Graph

    /// Traverses the graph and scans what it does not reach.
    func traverse(_ effort: SegmentEffort) throws(DatabaseError) -> [Neighbour] {
        var top = TopK(capacity: kept)
        guard let graph = space.graph, try traverse(graph, effort, into: &top) else {
            trace?.why = "too few visible rows within the beam: scanned at last"
            return try scanAll()
        }
        try scan(tail, into: &top)
        return top.sorted(precedes: precedes)
    }

    /// Widens the beam until enough visible rows are found; false when only a scan can tell.
    private func traverse(
        _ graph: GraphView, _ effort: SegmentEffort, into top: inout TopK
    ) throws(DatabaseError) -> Bool {
        let scratch = scratches.take()
        defer { scratches.giveBack(scratch) }
        let reached = min(space.indexed, visibleRows)
        var ef = effort.ef
        // Whoever asks for more to be rescored wants them found.
        if effort.oversampling != nil { ef = max(ef, rescoringDepth(graph, effort, ef: ef)) }
        while ef < reached {
            let found = try GraphSearcher.search(
                graph, table: space.table, query: query, ef: ef, avoiding: avoiding,
                guardedBy: rowGuard(), scratch: scratch, context: context)
            let visible = found.filter { Int($0.row) < reached && isCandidate($0.row) }
            if visible.count >= wanted {
                let depth = rescoringDepth(graph, effort, ef: ef)
                try verifyVectors(of: visible.prefix(depth).lazy.map(\.row))
                try offer(visible, rescoring: depth, scratch: scratch, to: &top)
                return true
            }
            ef *= 4
            trace?.widenings += 1
        }
        return false
    }

    /// 0: the distances found are final.
    func rescoringDepth(_ graph: GraphView, _ effort: SegmentEffort, ef: Int) -> Int {
        guard rescores, let kind = graph.quantizer?.kind else { return 0 }
        return RescoringDepth.depth(
            wanted: wanted, ef: ef, kind: kind, oversampling: effort.oversampling)
    }

    private func offer(
        _ found: [Neighbour], rescoring depth: Int, scratch: SearchScratch, to top: inout TopK
    ) throws(DatabaseError) {
        guard depth > 0 else {
            for neighbour in found.prefix(kept) { top.offer(neighbour, precedes: precedes) }
            return
        }
        let rescored = try readingOriginals(of: found.prefix(depth).lazy.map(\.row)) {
            Rescoring.rescore(found, depth: depth, of: space.table, query: query, scratch: scratch)
        }
        trace?.noteRescored(rescored.count)
        for neighbour in rescored { top.offer(neighbour, precedes: precedes) }
    }
}
